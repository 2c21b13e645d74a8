import { findAccount } from '../../pds/find-account.ts'
import { inviteState, listInvites } from '../../pds/invites.ts'
import { option, query } from '../../runner/command.ts'
import { choice, integer, time } from '../../runner/type.ts'
import { account } from '../account/shared.ts'
import { finding } from '../finding.ts'
import { inviteColumns } from './shared.ts'

/** Every invite code, newest first, from all pages. */
export default query({
  name: 'invite list',
  summary: 'List invite codes and who used them, newest first',
  examples: [
    'kimbia-ops invite list',
    'kimbia-ops invite list --status unused',
    'kimbia-ops invite list --for alice.kimbia.social --json',
  ],
  input: {
    status: option(
      choice('status', ['unused', 'used', 'exhausted', 'disabled']),
      'never used, used at least once, no uses left, or disabled',
    ),
    for: option(account, 'only codes that belong to this account'),
    since: option(time(), 'only codes made at or after'),
    limit: option(integer(1), 'stop after this many'),
  },
  output: inviteColumns,
  result: 'many',
  counted: 'invite code',
  async *read({ status, for: ref, since, limit = Number.POSITIVE_INFINITY }, views) {
    const owner = ref === undefined ? undefined : (await findAccount(views.pds, ref, finding(views))).did
    let listed = 0
    for await (const invite of listInvites(views.pds)) {
      if (since && new Date(invite.createdAt) < since) return
      if (owner !== undefined && invite.forAccount !== owner) continue
      if (status !== undefined && !fits(status, invite)) continue
      yield invite
      if (++listed >= limit) return
    }
  },
})

/** `used` means at least once, whatever is left; the other states exclude each other. */
const fits = (status: string, invite: Parameters<typeof inviteState>[0]): boolean =>
  status === 'used' ? invite.usedBy.length > 0 : inviteState(invite) === status
