import { finding } from '../../moderation/find-options.ts'
import { findAccount } from '../../pds/accounts/find-account.ts'
import { type Invite, inviteState, isUsable, listInvites } from '../../pds/invites.ts'
import { query } from '../../runner/command/command.ts'
import { option } from '../../runner/command/parameters.ts'
import { time, timeForms } from '../../runner/command/time.ts'
import { account, choice, integer } from '../../runner/command/types.ts'
import { inviteColumns } from './shared.ts'

/** Every invite code, newest first, from all pages. */
export default query({
  name: 'invite list',
  summary: 'List invite codes and who used them, newest first',
  examples: [
    'kimbia-ops invite list',
    'kimbia-ops invite list --status usable',
    'kimbia-ops invite list --for alice.kimbia.social --json',
  ],
  input: {
    status: option(
      choice('status', ['usable', 'unused', 'used', 'exhausted', 'disabled']),
      'good for a signup, never used, used at least once, no uses left, or disabled',
    ),
    for: option(account, 'only codes that belong to this account'),
    since: option(time(), `only codes made at or after: ${timeForms}`),
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

/** `usable` has uses left, `used` was used at least once, whatever is left; the other states exclude each other. */
function fits(status: string, invite: Invite): boolean {
  if (status === 'usable') return isUsable(invite)
  return status === 'used' ? invite.usedBy.length > 0 : inviteState(invite) === status
}
