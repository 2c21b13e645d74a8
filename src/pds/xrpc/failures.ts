import { Failure, type FailureParts, failed, unreachable } from '../../base/failure.ts'
import type { RawAnswer } from './client.ts'

/** A PDS said no: `error` is the name the lexicon gives it (`HandleNotAvailable`), `status` that of HTTP. */
export class XrpcFailure extends Failure {
  readonly error: string
  readonly status: number

  constructor({ error, status, ...parts }: FailureParts & { error: string; status: number }) {
    super(parts)
    this.error = error
    this.status = status
  }
}

/** What a call is, for the words of its failure. */
export interface Asked {
  readonly nsid: string
  readonly method: 'GET' | 'POST'
  /** What messages call the PDS: `the PDS on kimbia.social`. */
  readonly where: string
  readonly as: 'admin' | 'nobody' | 'bearer'
}

/** The Failure that an answer other than 2xx means (atproto.com/specs/xrpc, “Error Responses”); 429 is not for here. */
export function refusal(asked: Asked, answer: RawAnswer): Failure {
  const { status } = answer
  const said = errorBody(answer)
  if (status === 401 && asked.as === 'admin') return passwordRefused(asked, said?.error ?? 'AuthMissing')
  if (status >= 500 && status !== 501) return brokenPds(asked, answer, said)
  if (!said) return unexpectedAnswer(asked, answer)
  const parts = { error: said.error, status }
  if (said.error === 'MethodNotImplemented') {
    return new XrpcFailure({
      ...parts,
      outcome: 'failed',
      code: 'method-not-found',
      message: `${asked.where} does not know ${asked.nsid}`,
      hint: 'look at the name, and at the version of the PDS: kimbia-ops health',
    })
  }
  // What the real one says of the admin's password at a method that is not the admin's, or that it does not know.
  const notForAdmin = said.error === 'InvalidToken' && asked.as === 'admin'
  return new XrpcFailure({
    ...parts,
    outcome: 'failed',
    code: kebab(said.error),
    message: `${asked.where} refused ${asked.nsid}: ${said.message} (${said.error})`,
    hint: notForAdmin ? 'it has no such method, or not for its admin' : undefined,
  })
}

const passwordRefused = (asked: Asked, error: string): Failure =>
  new XrpcFailure({
    error,
    status: 401,
    outcome: 'unreachable',
    code: 'admin-password-refused',
    message: `${asked.where} refuses the admin password of pds.env`,
    hint: 'it reads PDS_ADMIN_PASSWORD only at its start: if pds.env was changed since: kimbia-ops restart --recreate',
  })

const brokenPds = (asked: Asked, answer: RawAnswer, said: ErrorBody | undefined): Failure =>
  new XrpcFailure({
    error: said?.error ?? 'InternalServerError',
    status: answer.status,
    outcome: 'unreachable',
    code: 'pds-error',
    message: `${asked.where} failed at ${asked.nsid}: ${answer.status} ${said?.message ?? sample(answer.body)}`,
    hint: 'what it says itself: kimbia-ops logs --tail 50',
  })

/** An answer that no PDS gives: another program on the port, a proxy's page, a cut or invalid document. */
export const unexpectedAnswer = (
  asked: Pick<Asked, 'nsid' | 'where'>,
  answer: RawAnswer,
  cause?: unknown,
): Failure =>
  unreachable(
    'pds-garbage',
    `${asked.where} answers ${asked.nsid} as no PDS does: ${answer.status} ${answer.contentType || 'no type'}: ` +
      `${sample(answer.body)}${cause instanceof Error ? ` (${clean(cause.message, 200)})` : ''}`,
    'is it a PDS that listens on this port? kimbia-ops health',
    cause,
  )

/** No connection, so that nothing was sent. */
export const notReached = (asked: Asked, cause: Error): Failure =>
  cause instanceof Failure
    ? cause
    : unreachable(
        'pds-unreachable',
        `${asked.where} cannot be reached: ${clean(cause.message, 200)}`,
        'does it run? see: kimbia-ops ps, kimbia-ops logs --tail 50',
        cause,
      )

/** Nothing came in time, of a call that can be made again. */
export const tooSlow = (asked: Asked, cause: Error): Failure =>
  unreachable(
    'pds-timeout',
    `${asked.where} does not answer ${asked.nsid}: ${clean(cause.message, 200)}`,
    'kimbia-ops health; what it says itself: kimbia-ops logs --tail 50',
    cause,
  )

/** The connection went away during a call that can be made again. */
export const cutOff = (asked: Asked, cause: Error): Failure =>
  unreachable(
    'pds-connection-lost',
    `the connection to ${asked.where} broke off during ${asked.nsid}: ${clean(cause.message, 200)}`,
    'kimbia-ops health',
    cause,
  )

/** The answer to a change did not come: nobody knows whether it was made. */
export const answerLost = (asked: Asked, cause: Error, repeatable: 'yes' | 'no'): Failure =>
  unreachable(
    'answer-lost',
    `the answer to ${asked.nsid} of ${asked.where} was lost: it may or may not have been done (${clean(cause.message, 200)})`,
    lookFirst(repeatable),
    cause,
  )

/** The answer to a change says nothing of whether it was made: `failure` is what came instead. */
export const answerUnknown = (
  { repeatable }: { readonly repeatable: 'yes' | 'no' },
  failure: Failure,
): Failure =>
  unreachable(
    'answer-lost',
    `${failure.message}: it may or may not have been done`,
    lookFirst(repeatable),
    failure,
  )

const lookFirst = (repeatable: 'yes' | 'no'): string =>
  repeatable === 'yes'
    ? 'run the same command again: what is done is left alone'
    : 'read the present state before trying again'

/** The PDS counts requests, and the next free one is too far away. */
export const rateLimited = (asked: Asked, until: Date, hint: string): Failure =>
  unreachable(
    'rate-limited',
    `${asked.where} takes no more requests until ${time(until)} (429 at ${asked.nsid})`,
    hint,
  )

/** More came than was asked for. */
export const tooLarge = (asked: Asked, limit: number): Failure =>
  failed('answer-too-large', `the answer to ${asked.nsid} is larger than ${limit} bytes`)

/** `HH:MM:SS UTC` of an instant. */
export const time = (at: Date): string => `${at.toISOString().slice(11, 19)} UTC`

/** The XRPC error name as a code for scripts: `HandleNotAvailable` is `handle-not-available`. */
export const kebab = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .toLowerCase()

interface ErrorBody {
  error: string
  message: string
}

function errorBody({ body }: RawAnswer): ErrorBody | undefined {
  try {
    const json: unknown = JSON.parse(Buffer.from(body).toString())
    if (typeof json !== 'object' || json === null || !('error' in json)) return undefined
    const { error, message } = json as { error: unknown; message?: unknown }
    if (typeof error !== 'string' || error === '') return undefined
    return { error: clean(error, 80), message: typeof message === 'string' ? clean(message, 300) : error }
  } catch {
    return undefined
  }
}

const sample = (body: Uint8Array): string => {
  const text = clean(Buffer.from(body.subarray(0, 400)).toString(), 80)
  return text === '' ? 'an empty body' : `“${text}”`
}

/** One line that cannot move a terminal's cursor or turn its text around. */
export function clean(text: string, length: number): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\uFFFD\s]+/gu, ' ').trim()
  return line.length > length ? `${line.slice(0, length)}…` : line
}
