import { setTimeout as pause } from 'node:timers/promises'
import { during, Failure } from '../../base/failure.ts'
import type { RawAnswer } from './client.ts'
import { collect, TooLarge } from './collect.ts'
import {
  type Asked,
  answerLost,
  answerUnknown,
  cutOff,
  notReached,
  rateLimited,
  refusal,
  time,
  tooLarge,
  tooSlow,
} from './failures.ts'
import { countDown, type Headers, untilReset } from './rate-limit.ts'

/** HTTP to one PDS; as `tunnelFetch` gives it. A rejection with a Failure or a connection error means nothing was sent. */
export interface Http {
  (
    path: string,
    init: {
      readonly method: 'GET' | 'POST'
      readonly headers: Readonly<Record<string, string>>
      readonly body?: Uint8Array | undefined
      readonly signal?: AbortSignal | undefined
      /** `fresh` asks for a connection that nothing was sent over yet, so that a dead one is not taken for a lost answer. */
      readonly channel?: 'kept' | 'fresh'
      /** Milliseconds for the whole answer, at most. */
      readonly within?: number | undefined
    },
  ): Promise<{ status: number; headers: Headers; body: AsyncIterable<Uint8Array> }>
  close?(): void
  /** Gets ready for so many requests at once. */
  prepare?(requests: number): void
}

/** How requests to one PDS are made. Times are milliseconds; `clock` counts from the epoch. */
export interface RequestPolicy {
  readonly fetch: Http
  readonly bypass: 'given' | 'none'
  /** Ends a wait for the rate limit, during which nothing is under way; it never cuts a request off. */
  readonly signal?: AbortSignal | undefined
  /** Told what a person should know of a wait, and each second how many seconds of it are left. */
  readonly waiting: (text: string, left?: number) => void
  /** Told the headers of every answer. */
  readonly answered?: (headers: Headers) => void
  readonly clock: () => number
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
}

/** One XRPC request. */
export interface Request extends Asked {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | undefined
  readonly repeatable: 'yes' | 'no'
  /** Bytes of an answer, at most. */
  readonly limit: number
  /** Milliseconds for the whole answer, where it is not the usual time. */
  readonly within?: number | undefined
  readonly signal?: AbortSignal | undefined
}

const TRIES = 3

/** How long one request waits for the rate limit at most: a window of the PDS is five minutes. */
const PATIENCE = 6 * 60_000

/** The timer of the system; rejects when the signal does. */
export const sleep = (ms: number, signal?: AbortSignal): Promise<void> => pause(ms, undefined, { signal })

/**
 * A 2xx answer to a request, or a Failure. Trying again after a lost answer is for repeatable requests; after a 429
 * or where no connection came about, nothing was done, so it is for all.
 */
export async function sendWithRetry(line: RequestPolicy, request: Request): Promise<RawAnswer> {
  const tried: Tried = { sent: undefined }
  try {
    return await answerTo(line, request, tried)
  } catch (cause) {
    // A change that was sent even once may have been made, whatever came of the later tries.
    const open = request.method === 'POST' && tried.sent && cause instanceof Failure
    throw open && cause.code !== 'answer-lost' ? answerUnknown(request, cause) : cause
  }
}

/** Why the last try that was sent leaves open whether a change was made. */
interface Tried {
  sent: Error | undefined
}

async function answerTo(line: RequestPolicy, request: Request, tried: Tried): Promise<RawAnswer> {
  const { signal } = request
  const signals = [line.signal, signal].filter((one) => one !== undefined)
  let waited = 0
  for (let tries = 1; ; ) {
    const came = await attempt(line, request, signal)
    if (came.kind === 'answer') {
      const { status } = came.answer
      if (status >= 200 && status < 300) return came.answer
      if (status === 429) {
        waited += await waitForTurn(line, request, came.headers, PATIENCE - waited, AbortSignal.any(signals))
        continue
      }
      const failure = notDone(request, came.answer)
      const unknown = failure.code === 'answer-lost'
      if (unknown) tried.sent = failure
      const passing = unknown || (status >= 502 && status <= 504)
      if (!passing || request.repeatable === 'no' || tries >= TRIES) throw failure
    } else {
      if (came.kind !== 'unsent') tried.sent = came.error
      if (tries >= TRIES || !shouldRetry(request, came)) throw lost(request, came, tried.sent)
    }
    await rest(line, request, 200 * 2 ** tries * (0.5 + Math.random() / 2), signal)
    tries++
  }
}

/**
 * What an answer other than 2xx means. A procedure that failed in the PDS, or whose answer is none of a PDS, may have
 * been carried out all the same; only an XRPC error that is no failure of the PDS itself says that it was not.
 */
function notDone(request: Request, answer: RawAnswer): Failure {
  const failure = refusal(request, answer)
  const open = failure.code === 'pds-error' || failure.code === 'pds-garbage'
  return request.method === 'POST' && open ? answerUnknown(request, failure) : failure
}

type Attempt =
  | { readonly kind: 'answer'; readonly answer: RawAnswer; readonly headers: Headers }
  | { readonly kind: 'unsent' | 'slow' | 'cut'; readonly error: Error }

async function attempt(
  line: RequestPolicy,
  request: Request,
  signal: AbortSignal | undefined,
): Promise<Attempt> {
  const { path, method, headers, body, repeatable, within } = request
  const channel = method === 'POST' && repeatable === 'no' ? 'fresh' : 'kept'
  try {
    if (signal?.aborted) throw signal.reason
    const {
      status,
      headers: got,
      body: stream,
    } = await line.fetch(path, { method, headers, body, signal, channel, within })
    line.answered?.(got)
    const whole = await collect(stream, request)
    return {
      kind: 'answer',
      answer: { status, contentType: got['content-type'] ?? '', body: whole },
      headers: got,
    }
  } catch (thrown) {
    if (signal?.aborted) throw interruption(signal, request)
    const error = thrown as Error
    if (error instanceof TooLarge) {
      const failure = tooLarge(request, request.limit)
      throw method === 'POST' ? answerUnknown(request, failure) : failure
    }
    if (error.name === 'TimeoutError') return { kind: 'slow', error }
    return { kind: neverSent(error) ? 'unsent' : 'cut', error }
  }
}

const unconnected = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

const neverSent = (error: Error): boolean =>
  error instanceof Failure || unconnected.has((error as NodeJS.ErrnoException).code ?? '')

type NoAnswer = Exclude<Attempt, { kind: 'answer' }>

/**
 * A slow PDS is not asked again: that would only make it slower, and the person wait three times as long. Nor is one
 * to which the whole line is gone, which nobody opens anew.
 */
const shouldRetry = (request: Request, { kind, error }: NoAnswer): boolean =>
  kind === 'unsent'
    ? !(error instanceof Failure && error.code === 'link-lost')
    : kind === 'cut' && request.repeatable === 'yes'

/** What no answer means; a change that was sent even once may have been made, whatever came of the later tries. */
function lost(request: Request, { kind, error }: NoAnswer, sent: Error | undefined): Failure {
  if (request.method === 'POST' && sent) return answerLost(request, error, request.repeatable)
  if (kind === 'unsent') return notReached(request, error)
  return kind === 'slow' ? tooSlow(request, error) : cutOff(request, error)
}

/** What an aborted signal means: its own Failure, where it has one, which says what was waited for. */
export const interruption = (signal: AbortSignal, asked?: Pick<Asked, 'nsid' | 'where'>): Failure =>
  signal.reason instanceof Failure
    ? during(signal.reason, asked ? `${asked.nsid} of ${asked.where}` : 'a request')
    : new Failure({
        outcome: 'interrupted',
        code: 'interrupted',
        message: 'interrupted',
        cause: signal.reason,
      })

/** Resolves to how long it waited. */
async function waitForTurn(
  line: RequestPolicy,
  request: Request,
  headers: Headers,
  patience: number,
  signal: AbortSignal,
): Promise<number> {
  const now = line.clock()
  const ms = untilReset(headers, now) ?? 5_000
  const until = new Date(now + ms)
  if (ms > patience) throw rateLimited(request, until, bypassHint(line))
  const text = `${request.where} limits requests: going on at ${time(until)}`
  line.waiting(text)
  const stop = countDown(
    () => until.getTime() - line.clock(),
    (left) => line.waiting(text, left),
  )
  await rest(line, request, ms, signal).finally(stop)
  return ms
}

const bypassHint = ({ bypass }: RequestPolicy): string =>
  bypass === 'given'
    ? 'the PDS did not honour PDS_RATE_LIMIT_BYPASS_KEY: it reads it only at its start; or try again then'
    : 'try again then; a PDS_RATE_LIMIT_BYPASS_KEY in pds.env lifts the limit for kimbia-ops'

async function rest(
  line: RequestPolicy,
  request: Request,
  ms: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await line.sleep(ms, signal)
  } catch (error) {
    if (signal?.aborted) throw interruption(signal, request)
    throw error
  }
}
