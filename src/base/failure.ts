/** How a command ended, with its exit code and what that code promises to scripts (docs/exit-codes.md). */
export const outcomes = {
  ok: { code: 0, meaning: 'done, or nothing needed doing' },
  failed: { code: 1, meaning: 'it failed, and what it had changed is undone or was nothing' },
  usage: { code: 2, meaning: 'the command line or config is not valid; nothing was contacted' },
  findings: { code: 3, meaning: 'a check ran and found problems' },
  declined: { code: 4, meaning: 'consent missing or refused' },
  unreachable: { code: 5, meaning: 'host, host key, sudo or PDS could not be reached or refused us' },
  partial: {
    code: 6,
    meaning: 'some of it was done and stands; the report names done, failed and not tried',
  },
  busy: {
    code: 7,
    meaning: 'another operator holds the lock of the host, or a change was cut off there: see recover',
  },
  interrupted: { code: 130, meaning: 'Ctrl-C; what was done and undone is reported' },
} as const satisfies Record<string, { code: number; meaning: string }>

export type Outcome = keyof typeof outcomes

/** What a Failure is made of: `code` is a stable kebab-case word for scripts, `hint` what to type next. */
export interface FailureParts {
  outcome: Exclude<Outcome, 'ok'>
  code: string
  message: string
  hint?: string | undefined
  cause?: unknown
  /** More for scripts, beside code, message and hint in the error object of `--json`. */
  details?: Readonly<Record<string, unknown>> | undefined
}

/** An expected failure: what was tried, where, what came back and what to do next. Anything else thrown is a bug. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly outcome: Exclude<Outcome, 'ok'>
  readonly code: string
  readonly hint: string | undefined
  readonly details: Readonly<Record<string, unknown>>

  constructor({ outcome, code, message, hint, cause, details }: FailureParts) {
    super(message, cause === undefined ? undefined : { cause })
    this.outcome = outcome
    this.code = code
    this.hint = hint
    this.details = details ?? {}
  }
}

/** A command line or config that is not valid: exit 2, before any network. */
export const usage = (message: string, hint?: string, code = 'usage'): Failure =>
  new Failure({ outcome: 'usage', code, message, hint })

/** Host, host key, sudo or PDS out of reach, or refusing us: exit 5. */
export const unreachable = (code: string, message: string, hint?: string, cause?: unknown): Failure =>
  new Failure({ outcome: 'unreachable', code, message, hint, cause })

/** It was tried and failed, and nothing of it stands: exit 1. */
export const failed = (code: string, message: string, hint?: string, cause?: unknown): Failure =>
  new Failure({ outcome: 'failed', code, message, hint, cause })

/** Some of it was done or read and stands, and `details` names what was not. */
export const partial = (message: string, hint: string | undefined, details: Failure['details']): Failure =>
  new Failure({ outcome: 'partial', code: 'partial', message, hint, details })

/** The same failure, which says what it was that it kept from being done. */
export const during = ({ outcome, code, message, hint, details }: Failure, what: string): Failure =>
  new Failure({ outcome, code, message: `${message}: ${what}`, hint, details })
