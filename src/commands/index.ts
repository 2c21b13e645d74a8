import type { Command } from '../runner/command.ts'
import accountCreate from './account/create.ts'
import accountDelete from './account/delete.ts'
import accountInfo from './account/info.ts'
import accountList from './account/list.ts'
import accountResetPassword from './account/reset-password.ts'
import accountRestore from './account/restore.ts'
import accountTakedown from './account/takedown.ts'
import accountUpdate from './account/update.ts'
import completion from './completion.ts'
import goat from './goat.ts'
import health from './health.ts'
import hosts from './hosts.ts'
import init from './init.ts'
import inviteCreate from './invite/create.ts'
import inviteDisable from './invite/disable.ts'
import inviteList from './invite/list.ts'
import pdsadmin from './pdsadmin.ts'
import schema from './schema.ts'
import trail from './trail.ts'
import xrpcGet from './xrpc/get.ts'
import xrpcPost from './xrpc/post.ts'

/** Every command, in the order of help and reference. */
export const commands: readonly Command[] = [
  init,
  hosts,
  health,
  accountList,
  accountInfo,
  accountCreate,
  accountUpdate,
  accountResetPassword,
  accountTakedown,
  accountRestore,
  accountDelete,
  inviteCreate,
  inviteList,
  inviteDisable,
  trail,
  xrpcGet,
  xrpcPost,
  goat,
  pdsadmin,
  completion,
  schema,
]
