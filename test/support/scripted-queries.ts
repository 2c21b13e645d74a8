import type { AccountView, InviteCodeView, Queries, RawAnswer, RepoRow } from '../../src/pds/xrpc/client.ts'
import { NOW, type PdsState, type StoredAccount, statusOf } from './scripted-state.ts'
import { xrpcError } from './xrpc-error.ts'

type Answers = { [N in keyof Queries]: (params: Queries[N]['params']) => Queries[N]['output'] }

/** What a scripted PDS answers to each query, as the real one would of the same accounts and invites. */
export const queriesOf = (state: PdsState): Answers => ({
  'com.atproto.sync.listRepos': ({ limit = 500, cursor }) => {
    const { rows, ...next } = pageOf(state, state.accounts, limit, cursor, 'oldest', ({ did }) => did)
    return { ...next, repos: rows.map(toRow) }
  },
  'com.atproto.sync.getRepoStatus': ({ did }) => {
    const { active = true, status, rev } = toRow(repoOf(state, did))
    return { did, active, ...(status ? { status } : { rev }) }
  },
  'com.atproto.sync.listBlobs': ({ did }) => {
    repoOf(state, did)
    return { cids: [] }
  },
  'com.atproto.sync.getLatestCommit': ({ did }) => {
    repoOf(state, did)
    return COMMIT
  },
  'com.atproto.admin.getAccountInfo': ({ did }) => {
    const account = state.accounts.find((it) => it.did === did)
    if (!account) throw xrpcError('NotFound', 'Account not found')
    return toView(state, account)
  },
  'com.atproto.admin.getAccountInfos': ({ dids }) => ({
    infos: state.accounts.filter(({ did }) => dids.includes(did)).map((account) => toView(state, account)),
  }),
  'com.atproto.admin.getInviteCodes': ({ limit = 100, cursor }) => {
    const { rows, ...next } = pageOf(state, state.invites, limit, cursor, 'newest', ({ code }) => code)
    return { ...next, codes: rows }
  },
  'com.atproto.admin.getSubjectStatus': ({ did, uri, blob }) => {
    if (uri || blob) throw new Error('scripted PDS: no records or blobs are scripted')
    const account = state.accounts.find((it) => it.did === did)
    if (!account) throw xrpcError('NotFound', 'Subject not found')
    return {
      subject: { $type: 'com.atproto.admin.defs#repoRef', did: account.did },
      takedown:
        account.takedownRef === null ? { applied: false } : { applied: true, ref: account.takedownRef },
      deactivated: { applied: account.deactivatedAt !== null },
    }
  },
  'com.atproto.identity.resolveHandle': ({ handle }) => {
    const { domains = ['.test'], elsewhere = {} } = state.script
    const account = state.accounts.find((it) => it.handle === handle && statusOf(it) === 'active')
    const did = account?.did ?? elsewhere[handle]
    if (did) return { did }
    const ours = domains.some((domain) => handle.endsWith(domain))
    throw xrpcError(ours ? 'HandleNotFound' : 'InvalidRequest', 'Unable to resolve handle')
  },
  'com.atproto.server.describeServer': () => ({
    did: `did:web:${state.script.hostname ?? 'scripted.test'}`,
    availableUserDomains: state.script.domains ?? ['.test'],
    inviteCodeRequired: state.script.inviteRequired ?? true,
  }),
})

/** What com.atproto.sync.getRepo answers: the export that the account was scripted with. */
export function exportOf(state: PdsState, did: string): RawAnswer {
  const { repo } = repoOf(state, did)
  if (!repo) throw xrpcError('RepoNotFound', `Could not find repo for DID: ${did}`)
  return { status: 200, contentType: 'application/vnd.ipld.car', body: repo }
}

const COMMIT = { cid: 'bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm', rev: '3lbrqjyn2ms2k' }

const toRow = (account: StoredAccount): RepoRow => {
  const status = statusOf(account)
  const row = { did: account.did, head: COMMIT.cid, rev: COMMIT.rev, active: status === 'active' }
  return status === 'active' ? row : { ...row, status }
}

function repoOf(state: PdsState, did: string): StoredAccount {
  const account = state.accounts.find((it) => it.did === did)
  if (!account) throw xrpcError('RepoNotFound', `Could not find repo for DID: ${did}`)
  return account
}

function toView(state: PdsState, account: StoredAccount): AccountView {
  const invitedBy = state.invites.find(({ code }) => code === account.inviteCode)
  return {
    did: account.did,
    handle: account.handle,
    indexedAt: account.createdAt,
    invitesDisabled: account.invitesDisabled,
    ...(account.email === null ? {} : { email: account.email }),
    ...(account.emailConfirmedAt === null ? {} : { emailConfirmedAt: account.emailConfirmedAt }),
    ...(account.deactivatedAt === null ? {} : { deactivatedAt: NOW }),
    ...(invitedBy ? { invitedBy } : {}),
    invites: state.invites.filter(({ forAccount }) => forAccount === account.did),
  }
}

/** Cursors are an instant and a name, exclusive, and given with every page that has rows, the last one included. */
function pageOf<T extends StoredAccount | InviteCodeView>(
  { script }: PdsState,
  all: readonly T[],
  limit: number,
  cursor: string | undefined,
  first: 'oldest' | 'newest',
  name: (row: T) => string,
): { rows: T[]; cursor?: string } {
  const key = (row: T) => `${row.createdAt} ${name(row)}`
  const sorted = all.toSorted((a, b) => (key(a) < key(b) === (first === 'oldest') ? -1 : 1))
  const from = cursor === undefined ? undefined : fromCursor(cursor)
  const left = sorted.filter(
    (row) => from === undefined || (first === 'oldest' ? key(row) > from : key(row) < from),
  )
  const rows = left.slice(0, Math.min(limit, script.pageSize ?? 1000))
  const last = rows.at(-1)
  return last ? { rows, cursor: `${Date.parse(last.createdAt)}::${name(last)}` } : { rows }
}

function fromCursor(cursor: string): string {
  const [time = '', name = '', more] = cursor.split('::')
  if (!/^\d+$/.test(time) || name === '' || more !== undefined)
    throw xrpcError('InvalidRequest', 'Malformed cursor')
  return `${new Date(Number(time)).toISOString()} ${name}`
}
