import { setTimeout as pause } from 'node:timers/promises'
import type { Failure } from '../../src/base/failure.ts'
import { Secret } from '../../src/base/secret.ts'
import type {
  As,
  CallOptions,
  Login,
  NewAccount,
  Params,
  Pds,
  Procedures,
  Queries,
  RawAnswer,
} from '../../src/pds/xrpc/client.ts'
import type { XrpcFailure } from '../../src/pds/xrpc/failures.ts'
import { interruption } from '../../src/pds/xrpc/retry.ts'
import { proceduresOf, refuse } from './scripted-procedures.ts'
import { exportOf, queriesOf } from './scripted-queries.ts'
import { type Fault, type PdsScript, PdsState } from './scripted-state.ts'
import { xrpcError } from './xrpc-error.ts'

/** A change that was asked for, as it was asked. Secrets in it stay hidden. */
export interface Change {
  nsid: string
  input: unknown
}

/** A Pds that lives in memory, for the tests of commands: what it holds, what was asked of it, how it shall fail. */
export interface ScriptedPds extends Pds {
  readonly state: PdsState
  /** Every `call` and `post`, in order; `toEqual([])` is “nothing happened”. */
  readonly changes: Change[]
  /** The NSIDs of all queries, in order. */
  readonly asked: string[]
  readonly faults: Fault[]
  readonly disposals: number
  /** The one that it was started with; asked for by `acceptsAdmin` alone. */
  adminPassword: string
}

/**
 * A PDS with these accounts and invites, which answers the NSIDs of client.ts as the real one does, traps included:
 * an unknown DID is no error for most changes. Anything unscripted is an Error, which is a bug of the test.
 */
export function scriptedPds(script: PdsScript = {}): ScriptedPds {
  return new Scripted(new PdsState(script), script)
}

class Scripted implements ScriptedPds {
  readonly state: PdsState
  readonly changes: Change[] = []
  readonly asked: string[] = []
  readonly faults: Fault[] = []
  disposals = 0
  adminPassword = 'admin-password'
  readonly #raw: Record<string, RawAnswer | Failure>
  readonly #queries: ReturnType<typeof queriesOf>
  readonly #procedures: ReturnType<typeof proceduresOf>

  constructor(state: PdsState, { raw = {}, faults = [] }: PdsScript) {
    this.state = state
    this.#queries = queriesOf(state)
    this.#procedures = proceduresOf(state)
    this.#raw = raw
    this.faults.push(...faults)
  }

  async query<N extends keyof Queries>(
    nsid: N,
    params: Queries[N]['params'],
    options: CallOptions = {},
  ): Promise<Queries[N]['output']> {
    await this.#turn(nsid, options)
    refuseBadDids(params)
    const answer = this.#queries[nsid]
    if (!answer) throw new Error(`scripted PDS: nothing is scripted for the query ${nsid}`)
    return structuredClone(answer(params))
  }

  async get(nsid: string, params: Params, options: CallOptions = {}): Promise<RawAnswer> {
    await this.#turn(nsid, options)
    if (nsid === 'com.atproto.sync.getRepo' && !(nsid in this.#raw))
      return exportOf(this.state, String(params.did))
    const known = this.#queries[nsid as keyof Queries] as ((params: Params) => unknown) | undefined
    return this.#rawAnswer(nsid, known && (() => known(params)))
  }

  async call<N extends keyof Procedures>(
    nsid: N,
    input: Procedures[N]['input'],
    options: CallOptions = {},
  ): Promise<Procedures[N]['output']> {
    const fault = await this.#change(nsid, input, options)
    const act = this.#procedures[nsid]
    if (!act) throw new Error(`scripted PDS: nothing is scripted for the procedure ${nsid}`)
    refuseBadDids(input)
    const output = structuredClone(act(revealed(input) as never, options.as))
    if (fault) throw fault
    return output
  }

  async post(
    nsid: string,
    body: Uint8Array | undefined,
    contentType: string,
    options: CallOptions = {},
  ): Promise<RawAnswer> {
    const json = body && contentType.startsWith('application/json')
    const input: unknown = json ? JSON.parse(Buffer.from(body).toString()) : body
    const fault = await this.#change(nsid, input, options)
    const known = this.#procedures[nsid as keyof Procedures] as
      | ((input: unknown, as?: As) => unknown)
      | undefined
    const answer = this.#rawAnswer(nsid, known && (() => known(input, options.as)))
    if (fault) throw fault
    return answer
  }

  async accepts(identifier: string, password: Secret): Promise<Login> {
    await this.#turn('com.atproto.server.createSession', {})
    const account = this.state.find(identifier.toLowerCase())
    if (account?.password !== password.reveal()) {
      return { ok: false, error: 'AuthenticationRequired', message: 'Invalid identifier or password' }
    }
    if (account.takedownRef === null) return { ok: true, did: account.did }
    return { ok: false, error: 'AccountTakedown', message: 'Account has been taken down' }
  }

  async refusesAccount({ handle, email, inviteCode = 'none' }: NewAccount): Promise<Failure | undefined> {
    await this.#turn('com.atproto.server.createAccount', {})
    try {
      refuse(this.state, { handle, email, inviteCode, password: '' })
      return undefined
    } catch (error) {
      return (error as XrpcFailure).error === 'InvalidInviteCode' ? undefined : (error as Failure)
    }
  }

  async acceptsAdmin(password: Secret): Promise<boolean> {
    await this.#turn('com.atproto.admin.getInviteCodes', {})
    return password.reveal() === this.adminPassword
  }

  dispose(): void {
    this.disposals++
  }

  /** Every request takes a turn of the event loop, as on the wire, and ends with its signal. */
  async #turn(nsid: string, { signal }: CallOptions): Promise<void> {
    this.asked.push(nsid)
    await pause(0)
    if (signal?.aborted) throw interruption(signal)
  }

  /** Keeps the change; throws the fault that lies in wait for it, or gives it back when it strikes only afterwards. */
  async #change(nsid: string, input: unknown, { signal }: CallOptions): Promise<Failure | undefined> {
    this.changes.push({ nsid, input })
    const number = this.changes.length
    await pause(0)
    if (signal?.aborted) throw interruption(signal)
    const fault = this.faults.find((it) => it.change === number || it.nsid === nsid)
    if (fault && !fault.done) throw fault.failure
    return fault?.failure
  }

  #rawAnswer(nsid: string, known: (() => unknown) | undefined): RawAnswer {
    const scripted = this.#raw[nsid]
    if (scripted instanceof Error) throw scripted
    if (scripted) return scripted
    if (!known) throw new Error(`scripted PDS: nothing is scripted for ${nsid}`)
    const output = known()
    const body = output === undefined ? new Uint8Array() : Buffer.from(JSON.stringify(output))
    return { status: 200, contentType: output === undefined ? '' : 'application/json; charset=utf-8', body }
  }
}

const didPattern = /^did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]$/

/** What the lexicons call a DID has to be one (`admin` is not, though invites are for it), or the PDS does not look. */
function refuseBadDids(input: object): void {
  for (const [name, value] of Object.entries(input)) {
    if (!['did', 'dids', 'forAccount', 'forAccounts'].includes(name)) continue
    for (const did of [value].flat()) {
      if (did === undefined || didPattern.test(did)) continue
      throw xrpcError('InvalidRequest', `Invalid DID (got ${JSON.stringify(did)}) at $.${name}`)
    }
  }
}

function revealed(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal()
  if (Array.isArray(value)) return value.map(revealed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, revealed(part)]))
}
