import { inParallel } from '../../base/concurrency.ts'
import { type Failure, usage } from '../../base/failure.ts'
import type { PdsView, RepoRow } from '../xrpc/client.ts'
import { XrpcFailure } from '../xrpc/failures.ts'
import type { AccountRef } from './account-ref.ts'
import { notReadable, type Unreadable } from './account-views.ts'
import { type Account, type CursorSource, listAccounts, statusOf, toAccount, WIDTH } from './accounts.ts'
import { ambiguous, type Missing, notFound } from './missing.ts'
import { readStatuses, readViews } from './statuses.ts'

export interface FindOptions {
  /** The domain of bare names (default: the domains that the PDS gives out handles of). */
  readonly domain?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** Told now and then how many accounts were looked at, where the list of all must be read. */
  readonly searching?: ((seen: number) => void) | undefined
  /** See `listAccounts`. */
  readonly foreseen?: CursorSource | undefined
  /** Tells which DIDs most likely have these addresses, so that not all accounts need be read for them. */
  readonly byEmail?: ((emails: readonly string[]) => Promise<readonly string[]>) | undefined
}

/** What was found, each account once and in the order it was asked for, and what was not. */
export interface Found {
  readonly accounts: Account[]
  readonly missing: Missing[]
}

/**
 * The account that a person means, proven to be on this PDS, whatever its status.
 * Failure: failed `account-not-found` or `account-ambiguous`.
 */
export async function findAccount(
  pds: PdsView,
  ref: AccountRef,
  options: FindOptions = {},
): Promise<Account> {
  const { accounts, missing } = await findAccounts(pds, [ref], options)
  const [account] = accounts
  if (account) return account
  throw notFound(missing[0] as Missing)
}

/**
 * The accounts that a person means. Handles are asked for one by one while they are few; what that does not find
 * (the handle of a taken-down account does not resolve) or cannot (email addresses), is looked for in the list of all.
 * Failure: `account-ambiguous` for a bare name that several accounts have.
 */
export async function findAccounts(
  pds: PdsView,
  refs: readonly AccountRef[],
  options: FindOptions = {},
): Promise<Found> {
  const wants = await toWants(pds, refs, options)
  const unreadable: Unreadable = new Map()
  await resolveHandles(pds, wants, options.signal)
  const byEmail = await guessEmails(pds, wants, unreadable, options)
  const listed = new Map([...byEmail, ...(await searchAll(pds, wants, unreadable, options))])
  const known = await confirm(pds, wants, listed, unreadable, options.signal)
  const accounts = new Map<string, Account>()
  const missing: Omit<Missing, 'on'>[] = []
  for (const { ref, dids } of wants) {
    const here = [...dids].flatMap((did) => known.get(did) ?? [])
    if (here.length > 1) throw ambiguous(ref, here)
    const [account] = here
    const [elsewhere] = dids
    const bad = [...dids].find((did) => unreadable.has(did))
    if (account) accounts.set(account.did, account)
    else if (bad !== undefined)
      missing.push({ ref, unreadable: notReadable(bad, unreadable.get(bad) as Failure) })
    else missing.push(elsewhere === undefined || ref.kind === 'did' ? { ref } : { ref, elsewhere })
  }
  if (missing.length === 0) return { accounts: [...accounts.values()], missing: [] }
  const on = await hostnameOf(pds, options.signal)
  return { accounts: [...accounts.values()], missing: missing.map((it) => ({ ...it, on })) }
}

/** An account that can be found without a look through the list of all; undefined where it would take that. */
export async function findQuickly(
  pds: PdsView,
  ref: AccountRef,
  options: FindOptions = {},
): Promise<Account | undefined> {
  const wants = await toWants(pds, [ref], options)
  const unreadable: Unreadable = new Map()
  await resolveHandles(pds, wants, options.signal)
  const listed = await guessEmails(pds, wants, unreadable, options)
  return [...(await confirm(pds, wants, listed, unreadable, options.signal)).values()][0]
}

/** The accounts of addresses where `byEmail` was right. */
async function guessEmails(
  pds: PdsView,
  wants: readonly Want[],
  unreadable: Unreadable,
  { byEmail, signal }: FindOptions,
): Promise<Map<string, Account>> {
  const asked = wants.filter(({ ref }) => ref.kind === 'email')
  if (asked.length === 0 || !byEmail) return new Map()
  const guessed = await byEmail(asked.flatMap(({ names }) => [...names]))
  const found = await confirm(pds, [{ dids: new Set(guessed) }], new Map(), unreadable, signal)
  for (const account of found.values()) {
    const email = account.email?.toLowerCase() ?? ''
    for (const want of asked) if (want.names.delete(email)) want.dids.add(account.did)
  }
  return new Map([...found].filter(([did]) => asked.some(({ dids }) => dids.has(did))))
}

/** The public hostname of the PDS, which its own DID carries (com.atproto.server.describeServer). */
async function hostnameOf(pds: PdsView, signal?: AbortSignal): Promise<string> {
  const { did } = await pds.query('com.atproto.server.describeServer', {}, { signal })
  return decodeURIComponent(did.replace(/^did:web:/, ''))
}

/** One thing looked for, and the DIDs found for it so far. */
interface Want {
  readonly ref: AccountRef
  /** What it may be called and is not found by yet: handles, or one email address. */
  readonly names: Set<string>
  readonly dids: Set<string>
}

async function toWants(pds: PdsView, refs: readonly AccountRef[], options: FindOptions): Promise<Want[]> {
  const domains = refs.some(({ kind }) => kind === 'name') ? await domainsOf(pds, options) : []
  return refs.map((ref) => ({
    ref,
    names: new Set(namesOf(ref, domains)),
    dids: new Set(ref.kind === 'did' ? [ref.did] : []),
  }))
}

function namesOf(ref: AccountRef, domains: readonly string[]): string[] {
  switch (ref.kind) {
    case 'did':
      return []
    case 'handle':
      return [ref.handle]
    case 'email':
      return [ref.email]
    case 'name':
      return domains.map((domain) => ref.name + domain)
  }
}

/** The domains of bare names, each with the dot in front. */
async function domainsOf(pds: PdsView, { domain, signal }: FindOptions): Promise<string[]> {
  if (domain !== undefined) return [`.${domain.replace(/^\./, '').toLowerCase()}`]
  const { availableUserDomains } = await pds.query('com.atproto.server.describeServer', {}, { signal })
  if (availableUserDomains.length > 0) return availableUserDomains
  throw usage('this PDS gives out no handles', 'give the whole handle, or the DID', 'no-domain')
}

/** After how many accounts it is told again how many were looked at. */
const tellEvery = 100

/** More handles than this are found faster in the list of all. */
const FEW = 50

async function resolveHandles(pds: PdsView, wants: readonly Want[], signal?: AbortSignal): Promise<void> {
  const asked = wants.filter(({ ref }) => ref.kind === 'handle' || ref.kind === 'name')
  if (asked.length > FEW) return
  const all = asked.flatMap((want) => [...want.names].map((handle) => ({ want, handle })))
  const resolve = async ({ want, handle }: { want: Want; handle: string }) => {
    const did = await resolveHandle(pds, handle, signal)
    if (did === undefined) return
    want.dids.add(did)
    want.names.delete(handle)
  }
  await inParallel(all, WIDTH, resolve)
}

/** What the PDS says of a handle that nobody has: of its own domains, and of all others. */
const unresolved = new Set(['HandleNotFound', 'InvalidRequest'])

/** The DID of a handle, here or anywhere (com.atproto.identity.resolveHandle); undefined where it has none. */
async function resolveHandle(
  pds: PdsView,
  handle: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  try {
    return (await pds.query('com.atproto.identity.resolveHandle', { handle }, { signal })).did
  } catch (error) {
    if (error instanceof XrpcFailure && error.status === 400 && unresolved.has(error.error)) return undefined
    throw error
  }
}

/** Looks for the names in the list of all accounts; hands back those that have them, by DID, as they are there. */
async function searchAll(
  pds: PdsView,
  wants: readonly Want[],
  unreadable: Unreadable,
  { signal, searching, foreseen }: FindOptions,
): Promise<Map<string, Account>> {
  const listed = new Map<string, Account>()
  const searched = wants.filter(({ names }) => names.size > 0)
  if (searched.length === 0) return listed
  const byName = new Map<string, Want[]>()
  for (const want of searched)
    for (const name of want.names) byName.set(name, [...(byName.get(name) ?? []), want])
  const everywhere = searched.length > FEW || searched.some(({ ref }) => ref.kind === 'email')
  let seen = 0
  const see = () => {
    if (++seen % tellEvery === 0) searching?.(seen)
  }
  const only = (row: RepoRow): boolean => {
    if (everywhere) return true
    see()
    return statusOf(row) !== 'active'
  }
  searching?.(0)
  const open = new Set(byName.keys())
  for await (const account of listAccounts(pds, { only, signal, foreseen, unreadable })) {
    if (everywhere) see()
    for (const name of [account.handle.toLowerCase(), account.email?.toLowerCase()]) {
      if (name === undefined || !open.delete(name)) continue
      for (const want of byName.get(name) ?? []) want.dids.add(account.did)
      listed.set(account.did, account)
    }
    if (open.size === 0) break
  }
  return listed
}

/**
 * The accounts of these DIDs that are on this PDS (com.atproto.admin.getAccountInfos), with their present status. Those
 * that the PDS has just `listed` are known.
 */
async function confirm(
  pds: PdsView,
  wants: readonly Pick<Want, 'dids'>[],
  listed: ReadonlyMap<string, Account>,
  unreadable: Unreadable,
  signal?: AbortSignal,
): Promise<Map<string, Account>> {
  const dids = [...new Set(wants.flatMap((want) => [...want.dids]))].filter((did) => !listed.has(did))
  if (dids.length === 0) return new Map(listed)
  const [views, statuses] = await Promise.all([
    readViews(pds, dids, signal, unreadable),
    readStatuses(pds, dids, { signal }),
  ])
  const read = views.flatMap((view) => {
    const status = statuses.get(view.did) ?? 'deleted'
    return status === 'deleted' ? [] : [[view.did, toAccount(view, status)] as const]
  })
  return new Map([...listed, ...read])
}
