import type { AccountStatus, As, Params, Procedures, Queries } from '../pds/client.ts'
import { Secret } from '../secret.ts'

/** How much harm a mistake does: decides what is asked before (README, “Safety”). */
export type Risk = 'routine' | 'disruptive' | 'irreversible'

/** A value that an earlier step will have given: `invite.code` is field `code` of the answer kept as `invite`. */
export interface Later {
  readonly later: string
}

/** Stands for a value not known yet; shown as ‹invite.code› in a dry run. */
export const later = (place: string): Later => ({ later: place })

/** The same shape with any value put off, and any text as a Secret. */
export type Deferred<T> =
  | Later
  | (T extends string
      ? T | Secret
      : T extends readonly (infer E)[]
        ? readonly Deferred<E>[]
        : T extends object
          ? { readonly [K in keyof T]: Deferred<T[K]> }
          : T)

/** What reading back must show before a step counts as done. `status` proofs of many items are read together. */
export type Proof =
  | {
      readonly kind: 'status'
      readonly did: string | Later
      readonly status: AccountStatus
      /** Other statuses that prove it as well: an account that its holder deactivated is restored to that. */
      readonly or?: readonly AccountStatus[]
    }
  | {
      readonly kind: 'query'
      readonly nsid: keyof Queries
      readonly params: Deferred<Params>
      readonly expect: unknown
      /** The name under which later() finds what met `expect`, the elements of its arrays in that order. */
      readonly keep?: string | undefined
    }
  | { readonly kind: 'invites disabled'; readonly codes: readonly (string | Later)[] }
  | { readonly kind: 'login'; readonly identifier: string | Later; readonly password: Secret }

/** One XRPC procedure call, as data. */
export interface XrpcStep {
  readonly kind: 'xrpc'
  /** A sentence for the plan: “Take down alice.kimbia.social”. */
  readonly why: string
  readonly nsid: keyof Procedures
  readonly input: unknown
  readonly as: As
  /** Whether doing it twice is the same as once, so that a lost answer is asked again. */
  readonly repeatable: 'yes' | 'no'
  /** The name under which later() finds its answer. */
  readonly keep?: string | undefined
  readonly proof?: Proof | undefined
  /** Done, last step first, when a later step of the same item fails. */
  readonly undo?: XrpcStep | undefined
  /** What to type when its answer is lost, so that nobody knows whether it was done. */
  readonly ifLost?: string | undefined
}

/** Any procedure of the PDS by name, with a body as it was given: `xrpc post`. */
export interface RawStep {
  readonly kind: 'raw'
  readonly why: string
  readonly nsid: string
  readonly body: Uint8Array | undefined
  readonly contentType: string
  /** The body as a person may see it, without its secrets; the trail keeps nothing of it. */
  readonly shown?: string | undefined
  readonly as: As
  readonly keep?: string | undefined
}

/** A file of this machine, written beside and renamed: the config. */
export interface SaveStep {
  readonly kind: 'save'
  readonly why: string
  readonly path: string
  readonly content: string
  /** Octal permission bits of the file. */
  readonly mode: number
}

export type Step = XrpcStep | RawStep | SaveStep

/** What is about to happen to one target: its steps run in order, independent of other items. */
export interface Item<Row> {
  /** For people and the trail: handle and DID of an account, the code of an invite. */
  readonly subject: string
  readonly did?: string
  readonly steps: readonly Step[]
  /** The rows of the result as they will be, mostly one; Later values are filled in. */
  readonly rows: readonly { readonly [K in keyof Row]: Row[K] | Later }[]
}

/** What a procedure wants to do, as plain data: shown, recorded, consented to and carried out from one value. */
export interface Plan<Row> {
  /** The whole of it in a line: “take down 3 accounts”. */
  readonly title: string
  readonly items: readonly Item<Row>[]
  /** What must be typed where typing is asked for: the handle, the host, or the count. */
  readonly confirm: string
  /** Replaces the procedure's risk when this input is more or less dangerous. */
  readonly risk?: Risk
  readonly reason?: string | undefined
  /** What an operator must know before saying yes. */
  readonly warnings?: readonly string[]
  /** What is still to do by hand, said after success. */
  readonly afterwards?: readonly string[]
  /** Targets that cannot be acted on; they make the outcome `partial`, and nothing else is held up by them. */
  readonly refused?: readonly { readonly subject: string; readonly code: string; readonly message: string }[]
  /** `none` for what changes only this machine. */
  readonly trail?: 'host' | 'none'
}

interface XrpcExtras {
  readonly as?: As
  readonly repeatable?: 'yes' | 'no'
  readonly keep?: string
  readonly proof?: Proof
  readonly undo?: XrpcStep
  readonly ifLost?: string
}

/** A step that calls a procedure of the PDS, as the admin unless said otherwise. */
export const xrpc = <N extends keyof Procedures>(
  why: string,
  nsid: N,
  input: Deferred<Procedures[N]['input']>,
  extras: XrpcExtras = {},
): XrpcStep => ({ kind: 'xrpc', why, nsid, input, as: 'admin', repeatable: 'no', ...extras })

/** Whether a value is put off. */
export const isLater = (value: unknown): value is Later =>
  typeof value === 'object' && value !== null && typeof (value as Later).later === 'string'

/** A copy with every Later replaced by `of(place)`, every other leaf by `leaf(value)`. */
export function fill(
  value: unknown,
  of: (place: string) => unknown,
  leaf: (value: unknown) => unknown = (v) => v,
): unknown {
  if (isLater(value)) return of(value.later)
  if (Array.isArray(value)) return value.map((element) => fill(element, of, leaf))
  if (typeof value !== 'object' || value === null || value instanceof Secret || value instanceof Uint8Array)
    return leaf(value)
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, fill(field, of, leaf)]))
}

/** A value with Later as ‹place› and Secret as ‹secret›: what a dry run and the trail show. */
export const shown = (value: unknown): unknown =>
  fill(
    value,
    (place) => `‹${place}›`,
    (leaf) => (leaf instanceof Secret ? String(leaf) : leaf),
  )

/** One line that says to a person exactly what a step does: its body as well, where it is given as it is. */
export const showWhole = (step: Step): string =>
  step.kind === 'raw' && step.shown !== undefined ? `POST ${step.nsid} ${step.shown}` : showStep(step)

/** One line that says what a step does, for the trail too, with secrets and later values as placeholders. */
export function showStep(step: Step): string {
  switch (step.kind) {
    case 'xrpc':
      return `POST ${step.nsid} ${JSON.stringify(shown(step.input))}`
    case 'raw':
      return `POST ${step.nsid} (${step.contentType}, ${step.body?.length ?? 0} bytes)`
    case 'save':
      return `write ${step.path} (mode ${step.mode.toString(8).padStart(4, '0')})`
  }
}
