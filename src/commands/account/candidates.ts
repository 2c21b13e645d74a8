import { Failure, partial } from '../../base/failure.ts'
import { cursorsOf, finding } from '../../moderation/find-options.ts'
import { type AccountRef, parseAccountRef } from '../../pds/accounts/account-ref.ts'
import { anotherHandle, type Unreadable } from '../../pds/accounts/account-views.ts'
import { type Account, listAccounts } from '../../pds/accounts/accounts.ts'
import { findAccounts, findQuickly } from '../../pds/accounts/find-account.ts'
import { findInvites, type Invite } from '../../pds/invites.ts'
import type { Views } from '../../runner/command/views.ts'
import { showCount } from '../../runner/output/report.ts'

/** What narrows the accounts down before they are looked at one by one. */
interface Among {
  readonly since: Date | undefined
  readonly until: Date | undefined
  readonly invite: string | undefined
  /** The text of --match. */
  readonly match: string | undefined
  readonly order: 'oldest first' | 'newest first'
}

/** The accounts to choose from: the one that is named whole, those of an invite code, or all. */
export async function* candidates(
  { since, until, invite, match, order }: Among,
  unreadable: Unreadable,
  views: Views,
): AsyncGenerator<Account> {
  const some = (await named(match, views)) ?? (await invited(invite, views))
  if (some) {
    const [first, last] = [since?.toISOString() ?? '', until?.toISOString() ?? '9999']
    const sorted = some
      .filter(({ createdAt }) => createdAt >= first && createdAt < last)
      .toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1))
    yield* order === 'oldest first' ? sorted : sorted.reverse()
    return
  }
  const { pds, signal } = views
  const options = { signal, foreseen: cursorsOf(views), unreadable }
  if (order === 'oldest first') yield* listAccounts(pds, { ...options, since, until })
  else yield* newestFirst({ since, until }, options, views)
}

/** The one account whose whole handle, DID or address a text is, where the PDS or the host can tell at once. */
async function named(text: string | undefined, views: Views): Promise<readonly Account[] | undefined> {
  const ref = text === undefined || /[*?[\]]/.test(text) ? undefined : refOf(text)
  if (!ref || ref.kind === 'name') return undefined
  // A domain is written as a handle is, and to ask for one of others takes the PDS seconds.
  if (ref.kind === 'handle' && !(await isOurs(ref.handle, views))) return undefined
  const account = await findQuickly(views.pds, ref, finding(views))
  return account && [account]
}

async function isOurs(handle: string, { pds }: Views): Promise<boolean> {
  const { availableUserDomains } = await pds.query('com.atproto.server.describeServer', {})
  return availableUserDomains.some((domain) => handle.endsWith(domain))
}

function refOf(text: string): AccountRef | undefined {
  try {
    return parseAccountRef(text)
  } catch (cause) {
    if (cause instanceof Failure) return undefined
    throw cause
  }
}

/** The accounts that signed up with a code, which itself tells who used it. */
async function invited(
  code: string | undefined,
  { pds, signal }: Views,
): Promise<readonly Account[] | undefined> {
  if (code === undefined) return undefined
  const [{ usedBy }] = (await findInvites(pds, [code])) as [Invite]
  const refs = usedBy.map(({ did }) => ({ kind: 'did' as const, did, text: did }))
  return (await findAccounts(pds, refs, { signal })).accounts
}

type Range = Pick<Among, 'since' | 'until'>

/** How far back is looked at first, in milliseconds, and how much farther each time. */
const [hour, farther] = [3_600_000, 6]

/** The PDS lists the oldest first: the newest are read in spans of time, each before the one that was read. */
async function* newestFirst(
  { since, until }: Range,
  options: Parameters<typeof listAccounts>[1],
  { pds, clock, host }: Views,
): AsyncGenerator<Account> {
  const now = clock().getTime() + (await host.clockOffset())
  let end = until
  for (let span = hour; ; span *= farther) {
    const start = new Date(Math.max(since?.getTime() ?? 0, (until?.getTime() ?? now) - span))
    const whole = start.getTime() <= Math.max(since?.getTime() ?? 0, 1e12)
    const from = whole ? since : start
    yield* (await Array.fromAsync(listAccounts(pds, { ...options, since: from, until: end }))).reverse()
    if (whole) return
    end = start
  }
}

/** The failure that names the accounts which the PDS fails at; the others were listed. */
export function someUnreadable(unreadable: Unreadable, listed: number): Failure {
  const failed = [...unreadable].map(([subject, { code, message }]) => ({ subject, code, message }))
  const [first] = failed
  return partial(
    [
      `${showCount(listed, 'account')} listed; the PDS fails at ${failed.length === 1 ? 'one more' : `${failed.length} more`}`,
      ...failed.map(({ subject, message }) => `failed: ${subject}: ${message}`),
    ].join('\n'),
    anotherHandle(first?.subject ?? 'DID'),
    { failed },
  )
}
