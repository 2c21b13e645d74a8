import type { Account } from '../pds/accounts/accounts.ts'
import { named } from '../pds/accounts/accounts.ts'
import { type Glance, glanceAtRepos } from '../pds/accounts/glance.ts'
import type { PdsView } from '../pds/xrpc/client.ts'
import type { Evidence } from '../plan/plan.ts'

interface Looking {
  readonly pds: PdsView
  readonly signal: AbortSignal
  readonly clock: () => Date
  readonly progress: (text: string) => void
}

/** An account with what a short look at its repository told. */
interface Seen {
  readonly account: Account
  readonly glance: Glance
}

/** Of so many accounts at most the repositories are looked at: each is a request, and the PDS counts them. */
const most = 250

/**
 * What judges accounts that are about to be changed, and what tells one from the rest. Where they are too many to look
 * into all repositories, the oldest are looked into, as they are the least likely to be of one wave.
 */
export async function gatherEvidence(
  accounts: readonly Account[],
  { pds, signal, clock, progress }: Looking,
): Promise<Evidence> {
  const oldest = accounts.toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1)).slice(0, most)
  const seen = (count: number) => progress(`looking at the accounts: ${count} of ${oldest.length}`)
  const glances = await glanceAtRepos(
    pds,
    oldest.map(({ did }) => did),
    { signal, seen },
  )
  const all = accounts.map((account) => ({ account, glance: glances.get(account.did) }))
  const now = clock().getTime()
  const tests = distinctions(all, now)
  const facts = all.map((one) => {
    const differs = tests.flatMap((test) => test(one) ?? [])
    return [
      named(one.account),
      { facts: factsOf(one, now), words: one.glance?.words ?? null, differs },
    ] as const
  })
  return { of: new Map(facts), totals: totalsOf(all, oldest.length) }
}

function factsOf({ account, glance }: Seen, now: number): readonly string[] {
  const { email, emailConfirmedAt, createdAt, inviteCode } = account
  return [
    `${email ?? 'no address'}${emailConfirmedAt === null ? '' : ' (confirmed)'}`,
    `made ${age(now - Date.parse(createdAt))} ago`,
    ...(glance ? [recordsIn(glance)] : []),
    inviteCode === null ? 'no code' : `code ${inviteCode}`,
  ]
}

const recordsIn = ({ records }: NonNullable<Glance>): string =>
  records === 'many' ? 'many records' : `${records} ${records === 1 ? 'record' : 'records'}`

type Distinction = (one: Seen) => string | undefined

/** Fewer than these can hardly differ from the rest. */
const fewest = 3

/** What tells a few accounts from most of the others. */
function distinctions(all: readonly Seen[], now: number): readonly Distinction[] {
  if (all.length < fewest) return []
  const rare = (has: (one: Seen) => boolean) => all.filter(has).length * 4 <= all.length
  const isConfirmed = ({ account }: Seen) => account.emailConfirmedAt !== null
  const typicalAge = median(all.map(({ account }) => now - Date.parse(account.createdAt)))
  const isOld = ({ account }: Seen) => {
    const own = now - Date.parse(account.createdAt)
    return own > 4 * typicalAge && own - typicalAge > day
  }
  const typicalRecords = median(all.map(({ glance }) => (glance ? countOf(glance) : 0)))
  const isBusy = ({ glance }: Seen) =>
    glance !== undefined && countOf(glance) >= 5 && countOf(glance) > 5 * Math.max(1, typicalRecords)
  const ways: readonly (readonly [(one: Seen) => boolean, (one: Seen) => string])[] = [
    [isConfirmed, () => 'confirmed its address'],
    [isOld, ({ account }) => `made ${account.createdAt.slice(0, 10)}, long before the rest`],
    [isBusy, ({ glance }) => `has ${glance ? recordsIn(glance) : ''}`],
  ]
  return [
    ...ways.map(([has, say]) =>
      rare(has) ? (one: Seen) => (has(one) ? say(one) : undefined) : () => undefined,
    ),
    unlike(all, domainOf, (domain) => `mail at ${domain || 'no address'}`),
    unlike(
      all,
      ({ account }) => account.inviteCode ?? '',
      (code) => (code === '' ? 'came without a code' : `came by ${code}`),
    ),
  ]
}

/** Where most have the same, those that have something else. */
function unlike(
  all: readonly Seen[],
  of: (one: Seen) => string,
  say: (value: string) => string,
): Distinction {
  const counts = new Map<string, number>()
  for (const one of all) counts.set(of(one), (counts.get(of(one)) ?? 0) + 1)
  const [usual, count = 0] = [...counts].toSorted(([, a], [, b]) => b - a)[0] ?? []
  return (one) => (count * 4 >= all.length * 3 && of(one) !== usual ? say(of(one)) : undefined)
}

function totalsOf(all: readonly Seen[], looked: number): readonly string[] {
  if (all.length === 1) return []
  const times = all.map(({ account }) => account.createdAt).toSorted()
  const [first = '', last = ''] = [times[0], times.at(-1)].map((time) => time?.slice(0, 16).replace('T', ' '))
  const confirmed = all.filter(({ account }) => account.emailConfirmedAt !== null).length
  const codes = new Set(all.flatMap(({ account }) => account.inviteCode ?? [])).size
  const glances = all.flatMap(({ glance }) => glance ?? [])
  const busy = glances.filter((glance) => countOf(glance) > 1).length
  const domains = new Set(all.map(domainOf)).size
  const unread = looked - glances.length
  return [
    `made from ${first} to ${last} UTC`,
    `${confirmed} confirmed; ${domains} mail ${domains === 1 ? 'domain' : 'domains'}; ${codes} invite ${codes === 1 ? 'code' : 'codes'}`,
    [
      `${busy} with more than a profile`,
      ...(unread > 0 ? [`${unread} cannot be read`] : []),
      ...(looked < all.length ? [`${all.length - looked} were not looked into, the newest`] : []),
    ].join('; '),
  ]
}

const domainOf = ({ account: { email } }: Seen): string => email?.split('@').at(-1)?.toLowerCase() ?? ''

const countOf = ({ records }: NonNullable<Glance>): number =>
  records === 'many' ? Number.POSITIVE_INFINITY : records

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000]

/** An age as people say it. */
function age(ms: number): string {
  if (ms < hour) return `${Math.max(0, Math.round(ms / minute))} min`
  return ms < 2 * day ? `${Math.round(ms / hour)} h` : `${Math.round(ms / day)} days`
}
