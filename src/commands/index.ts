import type { Command } from '../runner/command/command.ts'
import accountCreate from './account/create.ts'
import accountDelete from './account/delete.ts'
import accountInfo from './account/info.ts'
import accountList from './account/list.ts'
import accountResetPassword from './account/reset-password.ts'
import accountRestore from './account/restore.ts'
import accountTakedown from './account/takedown.ts'
import accountUpdate from './account/update.ts'
import adminPasswordRotate from './admin-password/rotate.ts'
import adminPasswordSchedule from './admin-password/schedule.ts'
import adminPasswordShow from './admin-password/show.ts'
import adminPasswordStatus from './admin-password/status.ts'
import completion from './completion.ts'
import envCheck from './env/check.ts'
import envDiff from './env/diff.ts'
import envGet from './env/get.ts'
import envList from './env/list.ts'
import envSet from './env/set.ts'
import envUnset from './env/unset.ts'
import goat from './goat.ts'
import health from './health.ts'
import hostsDefault from './hosts/default.ts'
import hostsRemove from './hosts/remove.ts'
import hosts from './hosts.ts'
import init from './init.ts'
import inviteCreate from './invite/create.ts'
import inviteDisable from './invite/disable.ts'
import inviteInfo from './invite/info.ts'
import inviteList from './invite/list.ts'
import logs from './logs.ts'
import pdsadmin from './pdsadmin.ts'
import ps from './ps.ts'
import recover from './recover.ts'
import restart from './restart.ts'
import schema from './schema.ts'
import signupClose from './signup/close.ts'
import signupOpen from './signup/open.ts'
import signupStatus from './signup/status.ts'
import status from './status.ts'
import trail from './trail.ts'
import undo from './undo.ts'
import updateApply from './update/apply.ts'
import updateCheck from './update/check.ts'
import updatePin from './update/pin.ts'
import updateRollback from './update/rollback.ts'
import updateUnpin from './update/unpin.ts'
import xrpcGet from './xrpc/get.ts'
import xrpcPost from './xrpc/post.ts'

/** Every command, in the order of help and reference. */
export const commands: readonly Command[] = [
  init,
  hosts,
  hostsDefault,
  hostsRemove,
  status,
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
  inviteInfo,
  inviteDisable,
  signupStatus,
  signupOpen,
  signupClose,
  ps,
  restart,
  logs,
  updateCheck,
  updateApply,
  updatePin,
  updateUnpin,
  updateRollback,
  envList,
  envGet,
  envSet,
  envUnset,
  envCheck,
  envDiff,
  adminPasswordStatus,
  adminPasswordRotate,
  adminPasswordShow,
  adminPasswordSchedule,
  trail,
  undo,
  recover,
  xrpcGet,
  xrpcPost,
  goat,
  pdsadmin,
  completion,
  schema,
]

/** What each noun is about, for the pages of the reference; the commands of a single word are about the host. */
export const nouns: Readonly<Record<string, string>> = {
  host: 'The host and the PDS as a whole, and this program itself',
  hosts: 'The hosts in the config',
  account: 'Accounts: find, make, change, take down, delete',
  invite: 'Invite codes',
  signup: 'Whether anybody may sign up without an invite code',
  update: 'The image that the PDS runs',
  env: 'The settings in pds.env',
  'admin-password': 'The admin password and its rotation',
  xrpc: 'Any endpoint of the PDS',
}
