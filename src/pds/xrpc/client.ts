import type { Failure } from '../../base/failure.ts'
import type { Secret } from '../../base/secret.ts'

/** Whose word a call is given on: the admin (HTTP Basic), nobody, or the holder of a token. */
export type As = 'admin' | 'nobody' | { readonly bearer: Secret }

export type Params = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

export interface CallOptions {
  /** Default: the admin where the method asks for or honours it, else nobody; raw requests are the admin's. */
  readonly as?: As
  readonly signal?: AbortSignal | undefined
  /** Whether repeating it cannot do harm, so that it is tried again after a lost answer. Queries always are. */
  readonly repeatable?: 'yes' | 'no'
  /** Bytes of answer at most (default 64 MiB); more is Failure `answer-too-large`. */
  readonly limit?: number
}

/** The answer to a raw request: any status, body as it came. */
export interface RawAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: Uint8Array
}

/** The reading half of a PDS, by XRPC (atproto.com/specs/xrpc). Answers are validated against the lexicon. */
export interface PdsView {
  query<N extends keyof Queries>(
    nsid: N,
    params: Queries[N]['params'],
    options?: CallOptions,
  ): Promise<Queries[N]['output']>
  /** Any query, by HTTP GET, unvalidated; throws as `query` does unless 2xx. */
  get(nsid: string, params: Params, options?: CallOptions): Promise<RawAnswer>
  /** Whether the PDS takes these credentials. It ends the session it opened: reading, as seen from outside. */
  accepts(identifier: string, password: Secret): Promise<Login>
  /** Whether the PDS takes this as the password of its admin, whatever password it was opened with. */
  acceptsAdmin(password: Secret): Promise<boolean>
  /**
   * Why the PDS would not make such an account; undefined where it says nothing against it. Asked in a way by which none
   * is made. What is taken it tells only where no code is demanded, or a good one is given, which is not used up.
   */
  refusesAccount(account: NewAccount): Promise<Failure | undefined>
}

/** An account that somebody wants. */
export interface NewAccount {
  readonly handle: string
  readonly email: string
  readonly inviteCode: string | undefined
}

/** A PDS with its procedures: what the runner alone holds. */
export interface Pds extends PdsView {
  call<N extends keyof Procedures>(
    nsid: N,
    input: Procedures[N]['input'],
    options?: CallOptions,
  ): Promise<Procedures[N]['output']>
  /** Any procedure, by HTTP POST, unvalidated. */
  post(
    nsid: string,
    body: Uint8Array | undefined,
    contentType: string,
    options?: CallOptions,
  ): Promise<RawAnswer>
  /** Told that so many requests will soon be made at once, so that none of them waits for its connection. */
  prepare?(requests: number): void
  dispose(): void
}

/** The answer to a login: taken-down accounts are told apart from a wrong password (com.atproto.server.createSession). */
export type Login =
  | { readonly ok: true; readonly did: string }
  | { readonly ok: false; readonly error: string; readonly message: string }

/** The account statuses of com.atproto.sync.listRepos, and `active`. */
export type AccountStatus =
  | 'active'
  | 'takendown'
  | 'suspended'
  | 'deleted'
  | 'deactivated'
  | 'desynchronized'
  | 'throttled'
  | (string & {})

export interface RepoRow {
  did: string
  head: string
  rev: string
  active?: boolean
  status?: string
}

/** com.atproto.server.defs#inviteCode; `available` is how often it may be used in all. */
export interface InviteCodeView {
  code: string
  available: number
  disabled: boolean
  forAccount: string
  createdBy: string
  createdAt: string
  uses: { usedBy: string; usedAt: string }[]
}

/** com.atproto.admin.defs#accountView, as the PDS fills it; `indexedAt` is when the account was created. */
export interface AccountView {
  did: string
  handle: string
  email?: string
  indexedAt: string
  emailConfirmedAt?: string
  deactivatedAt?: string
  invitesDisabled?: boolean
  invitedBy?: InviteCodeView
  invites?: InviteCodeView[]
}

export interface SubjectStatus {
  subject: unknown
  takedown?: { applied: boolean; ref?: string }
  deactivated?: { applied: boolean; ref?: string }
}

/** The queries this tool knows, by NSID: their parameters and the fields it reads of their answers. */
export interface Queries {
  'com.atproto.sync.listRepos': {
    params: { limit?: number; cursor?: string }
    output: { cursor?: string; repos: RepoRow[] }
  }
  'com.atproto.sync.getRepoStatus': {
    params: { did: string }
    output: { did: string; active: boolean; status?: string; rev?: string }
  }
  'com.atproto.sync.listBlobs': {
    params: { did: string; limit?: number; cursor?: string }
    output: { cursor?: string; cids: string[] }
  }
  'com.atproto.sync.getLatestCommit': { params: { did: string }; output: { cid: string; rev: string } }
  'com.atproto.admin.getAccountInfo': { params: { did: string }; output: AccountView }
  'com.atproto.admin.getAccountInfos': { params: { dids: string[] }; output: { infos: AccountView[] } }
  'com.atproto.admin.getInviteCodes': {
    params: { sort?: 'recent' | 'usage'; limit?: number; cursor?: string }
    output: { cursor?: string; codes: InviteCodeView[] }
  }
  'com.atproto.admin.getSubjectStatus': {
    params: { did?: string; uri?: string; blob?: string }
    output: SubjectStatus
  }
  'com.atproto.identity.resolveHandle': { params: { handle: string }; output: { did: string } }
  'com.atproto.server.describeServer': {
    params: Record<string, never>
    output: {
      did: string
      availableUserDomains: string[]
      inviteCodeRequired?: boolean
      phoneVerificationRequired?: boolean
    }
  }
}

/** The procedures this tool calls, by NSID. */
export interface Procedures {
  'com.atproto.server.createInviteCodes': {
    input: { codeCount: number; useCount: number; forAccounts?: string[] }
    output: { codes: { account: string; codes: string[] }[] }
  }
  'com.atproto.server.createInviteCode': {
    input: { useCount: number; forAccount?: string }
    output: { code: string }
  }
  'com.atproto.server.createAccount': {
    input: { handle: string; email: string; password: string; inviteCode?: string }
    output: { did: string; handle: string; accessJwt: string; refreshJwt: string }
  }
  'com.atproto.server.requestPasswordReset': { input: { email: string }; output: unknown }
  'com.atproto.admin.updateAccountEmail': { input: { account: string; email: string }; output: unknown }
  'com.atproto.admin.updateAccountHandle': { input: { did: string; handle: string }; output: unknown }
  'com.atproto.admin.updateAccountPassword': { input: { did: string; password: string }; output: unknown }
  'com.atproto.admin.updateSubjectStatus': {
    input: {
      subject: { $type: 'com.atproto.admin.defs#repoRef'; did: string }
      takedown: { applied: boolean; ref?: string }
    }
    output: SubjectStatus
  }
  'com.atproto.admin.deleteAccount': { input: { did: string }; output: unknown }
  'com.atproto.admin.disableInviteCodes': {
    input: { codes?: string[]; accounts?: string[] }
    output: unknown
  }
}
