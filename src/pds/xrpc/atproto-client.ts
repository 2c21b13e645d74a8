import { expectedFailure } from '../../base/attempt.ts'
import { Failure } from '../../base/failure.ts'
import { Secret } from '../../base/secret.ts'
import { type Budget, openBudget } from './budget.ts'
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
} from './client.ts'
import { encode, parse, told, toSearch } from './encoding.ts'
import { type Asked, answerUnknown, XrpcFailure } from './failures.ts'
import { foreign, isAgainst } from './new-account.ts'
import { once } from './rate-limit.ts'
import { type Http, type Request, type RequestPolicy, sendWithRetry, sleep } from './retry.ts'

/** How to reach a PDS and on whose word. Times are milliseconds. */
export interface PdsOptions {
  readonly fetch: Http
  readonly adminPassword: Secret
  /** PDS_RATE_LIMIT_BYPASS_KEY of the host, where it has one. */
  readonly bypassKey?: Secret | undefined
  /** What messages call it: `the PDS on kimbia.social`. */
  readonly where: string
  /** A line for `--verbose`, once for each call: NSID and harmless parameters, and how long it took. */
  readonly note?: ((text: string, ms?: number) => void) | undefined
  /** What a person should know during a wait, and each second how much of it is left (default: as a note, once). */
  readonly waiting?: ((text: string, left?: number) => void) | undefined
  /** Ends a wait for the rate limit; it never cuts a request off. */
  readonly signal?: AbortSignal | undefined
  readonly clock?: () => number
  readonly sleep?: RequestPolicy['sleep']
}

const MB = 2 ** 20

/** Bytes and milliseconds of an answer at most, by what is asked; a page of accounts takes a few hundred kB. */
const limits: Readonly<Record<string, { readonly limit: number; readonly within: number }>> = {
  _health: { limit: 64 * 1024, within: 10_000 },
  'com.atproto.server.describeServer': { limit: MB, within: 15_000 },
}
const usualLimits = { limit: 64 * MB, within: undefined }

/** A PDS by XRPC (atproto.com/specs/xrpc), answers validated against the lexicons of @atproto/api. */
export function openPds(options: PdsOptions): Pds {
  return new AtprotoPds(options)
}

class AtprotoPds implements Pds {
  readonly #options: PdsOptions
  readonly #line: RequestPolicy
  readonly #budget: Budget

  constructor(options: PdsOptions) {
    const { fetch, signal, clock = Date.now, note = () => {} } = options
    const waiting = once(options.waiting ?? ((text, left) => (left === undefined ? note(text) : undefined)))
    this.#options = options
    this.#budget = openBudget(options.where, clock, waiting)
    this.#line = {
      fetch,
      signal,
      clock,
      sleep: options.sleep ?? sleep,
      bypass: options.bypassKey ? 'given' : 'none',
      waiting,
      answered: (headers) => this.#budget.saw(headers),
    }
  }

  async query<N extends keyof Queries>(
    nsid: N,
    params: Queries[N]['params'],
    options: CallOptions = {},
  ): Promise<Queries[N]['output']> {
    const as = options.as ?? usually(nsid)
    const answer = await this.get(nsid, params as Params, { ...options, as })
    return parse<Queries[N]['output']>(this.#asked('GET', nsid, as), answer)
  }

  async call<N extends keyof Procedures>(
    nsid: N,
    input: Procedures[N]['input'],
    options: CallOptions = {},
  ): Promise<Procedures[N]['output']> {
    const as = options.as ?? usually(nsid)
    const answer = await this.post(nsid, encode(input), 'application/json', { ...options, as })
    try {
      return parse<Procedures[N]['output']>(this.#asked('POST', nsid, as), answer)
    } catch (error) {
      // It was answered with success, by something that is no PDS.
      throw error instanceof Failure
        ? answerUnknown({ repeatable: options.repeatable ?? 'no' }, error)
        : error
    }
  }

  get(nsid: string, params: Params, options: CallOptions = {}): Promise<RawAnswer> {
    const search = toSearch(params)
    return this.#send(nsid, options, {
      method: 'GET',
      path: `/xrpc/${encodeURIComponent(nsid)}${search === '' ? '' : `?${search}`}`,
      repeatable: options.repeatable ?? 'yes',
      told: told(params),
    })
  }

  post(
    nsid: string,
    body: Uint8Array | undefined,
    contentType: string,
    options: CallOptions = {},
  ): Promise<RawAnswer> {
    return this.#send(nsid, options, {
      method: 'POST',
      path: `/xrpc/${encodeURIComponent(nsid)}`,
      repeatable: options.repeatable ?? 'no',
      told: '',
      ...(body === undefined ? {} : { body, contentType }),
    })
  }

  async accepts(identifier: string, password: Secret): Promise<Login> {
    const credentials = encode({ identifier, password })
    const nsid = 'com.atproto.server.createSession'
    let answer: RawAnswer
    try {
      answer = await this.post(nsid, credentials, 'application/json', { as: 'nobody', repeatable: 'yes' })
    } catch (thrown) {
      // Whether a session was made is of no matter: nobody has it.
      const error = thrown instanceof Failure && thrown.cause instanceof XrpcFailure ? thrown.cause : thrown
      if (!(error instanceof XrpcFailure) || error.status >= 500) throw error
      return { ok: false, error: error.error, message: error.message }
    }
    const session = parse<{ did: string; refreshJwt: string }>(this.#asked('POST', nsid, 'nobody'), answer)
    await this.#endSession(new Secret(session.refreshJwt))
    return { ok: true, did: session.did }
  }

  async acceptsAdmin(password: Secret): Promise<boolean> {
    const other = new AtprotoPds({ ...this.#options, adminPassword: password })
    try {
      await other.query('com.atproto.admin.getInviteCodes', { limit: 1 })
      return true
    } catch (error) {
      if (error instanceof XrpcFailure && error.status === 401) return false
      throw error
    }
  }

  async refusesAccount({ handle, email, inviteCode = 'none' }: NewAccount): Promise<Failure | undefined> {
    const input = encode({ handle, email, inviteCode, did: foreign })
    try {
      const nsid = 'com.atproto.server.createAccount'
      await this.post(nsid, input, 'application/json', { as: 'nobody', repeatable: 'yes' })
    } catch (thrown) {
      const error = expectedFailure(thrown)
      return error instanceof XrpcFailure && isAgainst(error) ? error : undefined
    }
    return undefined
  }

  /** The question was answered already, so a PDS that will not end the session does not change the answer. */
  async #endSession(refresh: Secret): Promise<void> {
    try {
      const as = { bearer: refresh }
      await this.post('com.atproto.server.deleteSession', undefined, '', { as, repeatable: 'yes' })
    } catch (error) {
      this.#options.note?.(`the session stays open: ${expectedFailure(error).message}`)
    }
  }

  prepare(requests: number): void {
    this.#options.fetch.prepare?.(requests)
  }

  dispose(): void {
    const left = this.#budget.left()
    if (left !== undefined) this.#options.note?.(left)
    this.#options.fetch.close?.()
  }

  #asked(method: 'GET' | 'POST', nsid: string, as: As): Asked {
    return { method, nsid, where: this.#options.where, as: typeof as === 'string' ? as : 'bearer' }
  }

  async #send(nsid: string, options: CallOptions, how: How): Promise<RawAnswer> {
    const { clock } = this.#line
    const usual = limits[nsid] ?? usualLimits
    const { as = 'admin', limit = usual.limit, signal } = options
    const { method, path, repeatable, body, contentType } = how
    const headers = this.#headers(as, contentType)
    const request: Request = {
      ...this.#asked(method, nsid, as),
      path,
      repeatable,
      body,
      headers,
      limit,
      within: usual.within,
      signal,
    }
    const started = clock()
    try {
      return await sendWithRetry(this.#line, request)
    } finally {
      this.#options.note?.(`${method} ${nsid}${how.told}`, clock() - started)
    }
  }

  #headers(as: As, contentType?: string): Record<string, string> {
    const { bypassKey } = this.#options
    return {
      ...(contentType ? { 'content-type': contentType } : {}),
      ...(as === 'nobody' ? {} : { authorization: this.#authorization(as) }),
      ...(bypassKey ? { 'x-ratelimit-bypass': bypassKey.reveal() } : {}),
    }
  }

  #authorization(as: Exclude<As, 'nobody'>): string {
    if (as !== 'admin') return `Bearer ${as.bearer.reveal()}`
    return `Basic ${Buffer.from(`admin:${this.#options.adminPassword.reveal()}`).toString('base64')}`
  }
}

interface How {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly repeatable: 'yes' | 'no'
  readonly body?: Uint8Array
  readonly contentType?: string
  /** What of the parameters may be said aloud. */
  readonly told: string
}

/** The methods that want the admin, or show it more than others (taken-down repositories). */
const usually = (nsid: string): As =>
  /^com\.atproto\.(admin\.|sync\.|server\.createInviteCodes?$)/.test(nsid) ? 'admin' : 'nobody'
