/** Ways to set up and check a rig that share no code with kimbia-ops: plain XRPC over fetch. */
import type { RigFacts } from '../host.ts'

type Rig = Pick<RigFacts, 'pdsUrl' | 'adminPassword'>
type Params = Record<string, string | number | boolean | string[]>

/** As whom a request is made: the operator of the PDS, or the account with this access token. */
export type As = 'admin' | { accessJwt: string }

/** An account made by createAccount, logged in. */
export interface Account {
  did: string
  handle: string
  email: string
  password: string
  accessJwt: string
  refreshJwt: string
}

/** A PDS said no. */
export class XrpcError extends Error {
  readonly status: number
  readonly code: string

  constructor(nsid: string, status: number, body: { error?: string; message?: string }) {
    super(`${nsid}: ${status} ${body.error ?? ''} ${body.message ?? ''}`.trim())
    this.status = status
    this.code = body.error ?? ''
  }
}

/** Calls a query. */
export function xrpcGet<T = Record<string, unknown>>(
  rig: Rig,
  nsid: string,
  params: Params = {},
  as?: As,
): Promise<T> {
  const query = new URLSearchParams(
    Object.entries(params).flatMap(([key, value]) =>
      [value].flat().map((one): [string, string] => [key, String(one)]),
    ),
  )
  return request(rig, nsid, `?${query}`, { headers: authorization(rig, as) })
}

/** Calls a procedure with a JSON body. */
export function xrpcPost<T = Record<string, unknown>>(
  rig: Rig,
  nsid: string,
  body?: unknown,
  as?: As,
): Promise<T> {
  const headers = {
    ...authorization(rig, as),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  }
  return request(rig, nsid, '', {
    method: 'POST',
    headers,
    body: body === undefined ? null : JSON.stringify(body),
  })
}

/** Makes one invite code, as the admin. */
export async function createInvite(rig: Rig, useCount = 1): Promise<string> {
  const { code } = await xrpcPost<{ code: string }>(
    rig,
    'com.atproto.server.createInviteCode',
    { useCount },
    'admin',
  )
  return code
}

/** Makes a real account, PLC operation and repository included, with an invite code where one is needed. */
export async function createAccount(
  rig: Rig,
  wanted: { handle: string; email?: string; password?: string },
): Promise<Account> {
  const { handle, email = `${handle.replaceAll('.', '-')}@example.com`, password = `pw-${handle}` } = wanted
  const server = await xrpcGet<{ inviteCodeRequired?: boolean }>(rig, 'com.atproto.server.describeServer')
  const invite = server.inviteCodeRequired ? { inviteCode: await createInvite(rig) } : {}
  const made = await xrpcPost<Pick<Account, 'did' | 'handle' | 'accessJwt' | 'refreshJwt'>>(
    rig,
    'com.atproto.server.createAccount',
    { handle, email, password, ...invite },
  )
  const { did, accessJwt, refreshJwt } = made
  return { did, handle: made.handle, email, password, accessJwt, refreshJwt }
}

/** Logs in with a handle, DID or email. */
export function logIn(
  rig: Rig,
  identifier: string,
  password: string,
): Promise<{ did: string; accessJwt: string }> {
  return xrpcPost(rig, 'com.atproto.server.createSession', { identifier, password })
}

/** Whether this password is the account's; any other failure than a refused password is thrown. */
export async function canLogIn(rig: Rig, identifier: string, password: string): Promise<boolean> {
  try {
    await logIn(rig, identifier, password)
    return true
  } catch (error) {
    if (error instanceof XrpcError && error.status === 401) return false
    throw error
  }
}

/** Writes a post to the account's repository. */
export function post(
  rig: Rig,
  account: Pick<Account, 'did' | 'accessJwt'>,
  text: string,
): Promise<{ uri: string; cid: string }> {
  const record = { $type: 'app.bsky.feed.post', text, createdAt: new Date().toISOString() }
  const body = { repo: account.did, collection: 'app.bsky.feed.post', record }
  return xrpcPost(rig, 'com.atproto.repo.createRecord', body, account)
}

/** The reference to an uploaded blob, as records hold it. */
export interface BlobRef {
  $type: 'blob'
  ref: { $link: string }
  mimeType: string
  size: number
}

/** Uploads a blob; it becomes permanent, and can be taken down, once a record refers to it. */
export async function uploadBlob(
  rig: Rig,
  account: Pick<Account, 'accessJwt'>,
  bytes: Uint8Array<ArrayBuffer>,
  mimeType = 'image/png',
): Promise<BlobRef> {
  const headers = { ...authorization(rig, account), 'content-type': mimeType }
  const nsid = 'com.atproto.repo.uploadBlob'
  const { blob } = await request<{ blob: BlobRef }>(rig, nsid, '', { method: 'POST', headers, body: bytes })
  return blob
}

/** One entry of listRepos. */
export interface Repo {
  did: string
  head: string
  rev: string
  active: boolean
  status?: string
}

/** All repositories of the PDS, in the order of their creation. */
export async function listRepos(rig: Rig): Promise<Repo[]> {
  const all: Repo[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await xrpcGet<{ repos: Repo[]; cursor?: string }>(rig, 'com.atproto.sync.listRepos', {
      limit: 1000,
      ...(cursor ? { cursor } : {}),
    })
    all.push(...page.repos)
    cursor = page.cursor
    if (!cursor) return all
  }
}

/** What the PDS says of one account: 'active', the status it gives, or 'none' when it has no such account. */
export async function accountStatus(rig: Rig, did: string): Promise<string> {
  try {
    const { active, status } = await xrpcGet<Repo>(rig, 'com.atproto.sync.getRepoStatus', { did })
    return active ? 'active' : (status ?? 'inactive')
  } catch (error) {
    if (error instanceof XrpcError && error.code === 'RepoNotFound') return 'none'
    throw error
  }
}

/** Takes an account down, or restores it, as the admin. */
export function setTakedown(rig: Rig, did: string, applied: boolean): Promise<unknown> {
  const subject = { $type: 'com.atproto.admin.defs#repoRef', did }
  return xrpcPost(rig, 'com.atproto.admin.updateSubjectStatus', { subject, takedown: { applied } }, 'admin')
}

function authorization(rig: Rig, as?: As): Record<string, string> {
  if (!as) return {}
  if (as === 'admin') return { authorization: `Basic ${btoa(`admin:${rig.adminPassword}`)}` }
  return { authorization: `Bearer ${as.accessJwt}` }
}

async function request<T>(rig: Rig, nsid: string, query: string, init: RequestInit): Promise<T> {
  const response = await fetch(`${rig.pdsUrl}/xrpc/${nsid}${query}`, init)
  const text = await response.text()
  const body = text && response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : {}
  if (!response.ok) throw new XrpcError(nsid, response.status, body)
  return body as T
}
