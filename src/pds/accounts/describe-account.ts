import { attempt, expectedFailure } from '../../base/attempt.ts'
import { Failure } from '../../base/failure.ts'
import { type Invite, toInvite } from '../invites.ts'
import type { PdsView } from '../xrpc/client.ts'
import type { Account } from './accounts.ts'
import type { RepoContents } from './repo.ts'

/** All that XRPC tells about one account. Times are ISO 8601, UTC. */
export interface AccountDetails extends Account {
  /** The reason or ticket a takedown was given, where there is one. */
  takedownRef: string | null
  deactivatedAt: string | null
  invitesDisabled: boolean
  /** The code it signed up with, and who gave it out and made it: a DID, or `admin`. */
  invite: { code: string; forAccount: string; createdBy: string; usedAt: string | null } | null
  /** The codes it may give out itself. */
  invites: Invite[]
  repo: RepoDetails
  /** How many blobs its records name; null where that cannot be read. */
  blobs: number | null
}

/** `unreadable` says in words why there is nothing to show: no repository, damaged, too large. */
export type RepoDetails =
  | (RepoContents & { rev: string; head: string; unreadable: null })
  | { rev: string | null; head: string | null; unreadable: string }

/** Bytes of a repository that are still read to show what is in it: some ten thousand records, soon here over a thin line. */
const REPO_LIMIT = 8 * 2 ** 20

/** Everything about an account, taken-down ones included; what of it cannot be read does not hide the rest. */
export async function describeAccount(
  pds: PdsView,
  account: Account,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<AccountDetails> {
  const { did } = account
  const [view, subject, repo, blobs] = await Promise.all([
    pds.query('com.atproto.admin.getAccountInfo', { did }, { signal }),
    pds.query('com.atproto.admin.getSubjectStatus', { did }, { signal }),
    describeRepo(pds, did, signal),
    // A PDS that fails at one question about a damaged account still answers the others.
    attempt(() => countBlobs(pds, did, signal)),
  ])
  const { invitedBy: used } = view
  return {
    ...account,
    takedownRef: subject.takedown?.applied ? (subject.takedown.ref ?? null) : null,
    deactivatedAt: view.deactivatedAt ?? null,
    invitesDisabled: view.invitesDisabled ?? false,
    invite: used
      ? {
          code: used.code,
          forAccount: used.forAccount,
          createdBy: used.createdBy,
          usedAt: used.uses.find(({ usedBy }) => usedBy === did)?.usedAt ?? null,
        }
      : null,
    invites: (view.invites ?? []).map(toInvite),
    repo,
    blobs: blobs instanceof Failure ? null : blobs,
  }
}

async function describeRepo(pds: PdsView, did: string, signal?: AbortSignal): Promise<RepoDetails> {
  const [commit, contents] = await Promise.all([
    attempt(() => pds.query('com.atproto.sync.getLatestCommit', { did }, { signal })),
    readContents(pds, did, signal),
  ])
  const { rev, cid: head } = commit instanceof Failure ? { rev: null, cid: null } : commit
  if (typeof contents === 'string') return { rev, head, unreadable: contents }
  if (rev === null || head === null) return { rev, head, unreadable: 'it has no commit' }
  return { ...contents, rev, head, unreadable: null }
}

async function readContents(pds: PdsView, did: string, signal?: AbortSignal): Promise<RepoContents | string> {
  const { readRepo } = await import('./repo.ts')
  try {
    const car = await pds.get(
      'com.atproto.sync.getRepo',
      { did },
      { as: 'admin', limit: REPO_LIMIT, repeatable: 'no', signal },
    )
    return readRepo(car.body, did)
  } catch (error) {
    if (!(error instanceof Failure)) return `its export is damaged: ${(error as Error).message}`
    if (error.code === 'pds-connection-lost') return 'the PDS breaks off its export: it is damaged'
    if (error.code === 'answer-too-large')
      return `it is larger than ${REPO_LIMIT / 2 ** 20} MiB, so its records were not read`
    return expectedFailure(error).message
  }
}

/** All pages of com.atproto.sync.listBlobs, counted. */
async function countBlobs(pds: PdsView, did: string, signal?: AbortSignal): Promise<number> {
  let count = 0
  let cursor: string | undefined
  do {
    const params = { did, limit: 1000, ...(cursor === undefined ? {} : { cursor }) }
    const page = await pds.query('com.atproto.sync.listBlobs', params, { as: 'admin', signal })
    count += page.cids.length
    cursor = page.cids.length === 0 || page.cursor === cursor ? undefined : page.cursor
  } while (cursor !== undefined)
  return count
}
