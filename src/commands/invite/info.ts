import { attempt } from '../../base/attempt.ts'
import { Failure } from '../../base/failure.ts'
import { joinBackwards, readTrailBackwards } from '../../host/trail/history.ts'
import type { Account } from '../../pds/accounts/accounts.ts'
import { findAccounts } from '../../pds/accounts/find-account.ts'
import { findInvites, type Invite, inviteState, maskCode } from '../../pds/invites.ts'
import { column, table } from '../../runner/command/columns.ts'
import { query } from '../../runner/command/command.ts'
import { argument } from '../../runner/command/parameters.ts'
import { choice, did, moment, optional, text } from '../../runner/command/types.ts'
import type { Views } from '../../runner/command/views.ts'
import { status as accountStatus } from '../account/shared.ts'
import { inviteColumns } from './shared.ts'

const state = choice('status', ['unused', 'used', 'exhausted', 'disabled'])

/** One code with its whole story: who made it, who may use it, who did, and what has become of them. */
export default query({
  name: 'invite info',
  summary: 'Show one invite code and what became of the accounts made with it',
  about:
    'The PDS calls every code that kimbia-ops makes the admin’s. Who it was in truth is in the trail of the host, where `invite create` of this version or a later one made it.',
  examples: [
    'kimbia-ops invite info kimbia-social-abcde-fghij',
    "kimbia-ops invite info kimbia-social-abcde-fghij --json | jq -r '.usedBy[].did'",
  ],
  input: { code: argument(text, 'the code') },
  output: {
    code: inviteColumns.code,
    status: column(state, 'never used, used and uses left, no uses left, or disabled'),
    uses: inviteColumns.uses,
    available: inviteColumns.available,
    disabled: inviteColumns.disabled,
    forAccount: inviteColumns.forAccount,
    forHandle: column(optional(text), 'handle of the account it belongs to'),
    createdBy: inviteColumns.createdBy,
    createdAt: inviteColumns.createdAt,
    madeBy: column(optional(text), 'the operator who made it, by the trail'),
    reason: column(optional(text), 'why, as that operator said'),
    usedBy: table(
      {
        handle: column(optional(text), 'handle now; none where the account is gone'),
        did: column(did, 'account that used it'),
        status: column(accountStatus, 'active, takendown, deactivated, suspended or deleted'),
        usedAt: column(moment, 'when, UTC'),
      },
      'accounts that used it, in the order they did',
    ),
  },
  result: 'one',
  async read({ code }, views) {
    const [invite] = (await findInvites(views.pds, [code])) as [Invite]
    const [accounts, maker] = await Promise.all([accountsOf(invite, views), makerOf(invite, views)])
    return {
      ...invite,
      status: inviteState(invite),
      forHandle: accounts.get(invite.forAccount)?.handle ?? null,
      madeBy: maker?.operator ?? null,
      reason: maker?.reason ?? null,
      usedBy: invite.usedBy
        .toSorted((a, b) => (a.usedAt < b.usedAt ? -1 : 1))
        .map((use) => {
          const account = accounts.get(use.did)
          return { ...use, handle: account?.handle ?? null, status: account?.status ?? 'deleted' }
        }),
    }
  },
})

/** The accounts that a code names, by DID. */
async function accountsOf(
  { forAccount, usedBy }: Invite,
  { pds, signal }: Views,
): Promise<ReadonlyMap<string, Account>> {
  const dids = [forAccount, ...usedBy.map(({ did }) => did)].filter((name) => name.startsWith('did:'))
  const refs = [...new Set(dids)].map((did) => ({ kind: 'did' as const, did, text: did }))
  const { accounts } = await findAccounts(pds, refs, { signal })
  return new Map(accounts.map((account) => [account.did, account]))
}

/** The change of the trail that made the code; a trail that cannot be read hides nothing else. */
async function makerOf({ code, createdAt }: Invite, { host }: Views) {
  const found = await attempt(async () => {
    const masked = maskCode(code)
    const before = new Date(Date.parse(createdAt) - clockRoom).toISOString()
    for await (const change of joinBackwards(readTrailBackwards(host))) {
      if (change.command === 'invite create' && change.message?.split(' ').includes(masked)) return change
      if (change.time !== null && change.time < before) return undefined
    }
    return undefined
  })
  return found instanceof Failure ? undefined : found
}

/** By how much the clocks of PDS and trail may differ, and how long making a code may take. */
const clockRoom = 600_000
