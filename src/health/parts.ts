import { attempt } from '../base/attempt.ts'
import { Failure } from '../base/failure.ts'
import type { HostView } from '../host/access/host.ts'
import { readAccountIndex } from '../host/account-index.ts'
import { repoPages, statusOf } from '../pds/accounts/accounts.ts'
import type { PdsView } from '../pds/xrpc/client.ts'

/** A part of the whole that was looked at: what was seen, or why it could not be. */
export type Part<T> =
  | { readonly name: string; readonly value: T }
  | { readonly name: string; readonly failure: Failure }

/** Looks at one part; that it cannot be seen does not hold up the others. */
export async function part<T>(name: string, look: () => Promise<T>): Promise<Part<T>> {
  const value = await attempt(look)
  return value instanceof Failure ? { name, failure: value } : { name, value }
}

/** What was seen, if it was. */
export const seenIn = <T>(it: Part<T>): T | undefined => ('value' in it ? it.value : undefined)

/** Accounts by status. */
export interface Census {
  readonly total: number
  readonly active: number
  readonly takendown: number
  readonly deactivated: number
  readonly suspended: number
  readonly other: number
}

export const statuses = ['active', 'takendown', 'deactivated', 'suspended'] as const

/**
 * Counts them by the host's own database, where the PDS has its newest account too; else by what the PDS lists. Nobody
 * need wait for 100 pages to come one after the other, nor pay for them, to see how many accounts there are.
 */
export async function countAccounts({
  host,
  pds,
  signal,
}: {
  readonly host: HostView
  readonly pds: PdsView
  readonly signal: AbortSignal
}): Promise<Census> {
  const roll = await readAccountIndex(host).catch(() => undefined)
  if (!roll) return await censusOf(pds, signal)
  const { did, createdAt } = roll.newest
  const params = { limit: 1000, cursor: `${createdAt.getTime() - 1}::did:plc:` }
  const { repos } = await pds.query('com.atproto.sync.listRepos', params, { signal })
  if (!repos.some((row) => row.did === did)) return await censusOf(pds, signal)
  const of = (status: string): number => roll.counts.get(status) ?? 0
  const [active, takendown, deactivated] = [of('active'), of('takendown'), of('deactivated')]
  return { total: active + takendown + deactivated, active, takendown, deactivated, suspended: 0, other: 0 }
}

/** Counts the accounts by what com.atproto.sync.listRepos says of them; nothing more is asked about any. */
export async function censusOf(pds: PdsView, signal?: AbortSignal): Promise<Census> {
  const counts = { total: 0, active: 0, takendown: 0, deactivated: 0, suspended: 0, other: 0 }
  for await (const page of repoPages(pds, undefined, signal)) {
    for (const row of page) {
      const status = statusOf(row)
      counts.total++
      counts[statuses.find((it) => it === status) ?? 'other']++
    }
  }
  return counts
}

/** How many accounts were made since an instant; fails where the PDS takes no cursor that it did not give. */
export async function countSince(pds: PdsView, since: Date, signal: AbortSignal): Promise<number> {
  let [accounts, cursor]: [number, string | undefined] = [0, `${since.getTime()}::did:plc:`]
  while (cursor !== undefined) {
    const params: { limit: number; cursor: string } = { limit: 1000, cursor }
    const page = await pds.query('com.atproto.sync.listRepos', params, { signal })
    accounts += page.repos.length
    cursor = page.repos.length === 0 || page.cursor === cursor ? undefined : page.cursor
  }
  return accounts
}
