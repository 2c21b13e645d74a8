import { chunked, inParallel } from '../../base/concurrency.ts'
import type { AccountStatus, AccountView, PdsView } from '../xrpc/client.ts'
import { XrpcFailure } from '../xrpc/failures.ts'
import { BATCH, readBatch, type Unreadable } from './account-views.ts'
import { repoPages, statusOf, WIDTH } from './accounts.ts'

/** Up to this many are asked about one by one, more are read from the list of all. */
const FEW = 25

/** The status of each of these accounts as the PDS keeps it; `deleted` for those it does not have. */
export async function readStatuses(
  pds: PdsView,
  dids: readonly string[],
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Map<string, AccountStatus>> {
  const wanted = new Set(dids)
  if (wanted.size <= FEW) return oneByOne(pds, [...wanted], signal)
  const statuses = new Map<string, AccountStatus>()
  for await (const page of repoPages(pds, undefined, signal)) {
    for (const row of page) if (wanted.delete(row.did)) statuses.set(row.did, statusOf(row))
    if (wanted.size === 0) break
  }
  // listRepos leaves out an account whose repository has no root, so being absent from it proves nothing yet.
  const left = [...wanted]
  const unreadable: Unreadable = new Map()
  const views = await readViews(pds, left, signal, unreadable)
  const there = new Set([...views.map(({ did }) => did), ...unreadable.keys()])
  for (const did of left) if (!there.has(did)) statuses.set(did, 'deleted')
  for (const [did, status] of await oneByOne(pds, [...there], signal)) statuses.set(did, status)
  return statuses
}

/** The accountViews of these DIDs (com.atproto.admin.getAccountInfos), without those the PDS does not have. */
export async function readViews(
  pds: PdsView,
  dids: readonly string[],
  signal?: AbortSignal,
  unreadable?: Unreadable,
): Promise<AccountView[]> {
  const read = (batch: string[]) => readBatch(pds, batch, signal, unreadable)
  return (await inParallel(chunked(dids, BATCH), WIDTH, read)).flat()
}

async function oneByOne(pds: PdsView, dids: readonly string[], signal?: AbortSignal) {
  const read = async (did: string) => [did, await readStatus(pds, did, signal)] as const
  return new Map(await inParallel(dids, WIDTH, read))
}

/** Of the account database alone (com.atproto.admin.getSubjectStatus), so that a damaged repository does not hide it. */
async function readStatus(pds: PdsView, did: string, signal?: AbortSignal): Promise<AccountStatus> {
  try {
    const { takedown, deactivated } = await pds.query(
      'com.atproto.admin.getSubjectStatus',
      { did },
      { signal },
    )
    if (takedown?.applied) return 'takendown'
    return deactivated?.applied ? 'deactivated' : 'active'
  } catch (error) {
    if (error instanceof XrpcFailure && error.error === 'NotFound') return 'deleted'
    throw error
  }
}
