import type { Secret } from '../base/secret.ts'
import type { Gate, HostStep, ShellStep, WaitStep, WriteStep } from '../host/change/step.ts'
import type { StatusTransition } from '../host/trail/append.ts'
import type { AccountStatus, As, Params, Procedures, Queries } from '../pds/xrpc/client.ts'
import type { Shell } from '../ssh/shell.ts'
import type { RunStep } from './steps/local-program.ts'
import type { NoteStep } from './steps/note.ts'
import type { StoreStep } from './steps/store.ts'

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
  | {
      readonly kind: 'admin password'
      readonly accepted: Secret | 'of pds.env'
      readonly refused?: Secret | 'of the former pds.env' | undefined
    }

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
  readonly undo?: RunStep | undefined
}

/** Only reads back, by the operator's machine: it fails when the proof does not hold. */
export interface CheckStep {
  readonly kind: 'check'
  readonly why: string
  readonly proof: Proof
}

/** Takes up a change to the host that was cut off: `recover`. */
export interface ResumeStep {
  readonly kind: 'resume'
  readonly why: string
  /** The change as it was seen, so that nothing newer is taken; empty where only a lock was left. */
  readonly id: string
  readonly way: 'finish' | 'undo' | 'close' | 'accept' | 'break lock'
  /** `user@machine` of the lock to break. */
  readonly holder?: string | undefined
  /** What is still to be done or undone, a line each. */
  readonly remaining: readonly string[]
  /** The steps of the operator's machine that were begun, and those that are done, by their index in the change. */
  readonly begun: readonly number[]
  readonly done: readonly number[]
  /** The store of the admin password, as the operator named it. */
  readonly store?: string | undefined
  /** What was seen was not verified; the operator has agreed to take it over all the same. */
  readonly program?: 'unverified' | undefined
  /** Why the change had failed, where it is over and had; for its outcome in the trail. */
  readonly ended?: { readonly code: string; readonly message: string } | undefined
}

/** A step that this machine carries out; the host carries out the others by itself. */
export type OwnStep = XrpcStep | RawStep | SaveStep | CheckStep | StoreStep | NoteStep | RunStep

export type Step = OwnStep | ResumeStep | HostStep

/** What is about to happen to one target: its steps run in order, independent of other items. */
export interface Item<Row> {
  /** For people and the trail: handle and DID of an account, the code of an invite. */
  readonly subject: string
  readonly did?: string
  /** For a change of an account's status: what it is and what it will be; the trail keeps both, which is what `undo` reads. */
  readonly status?: StatusTransition
  /** Those of the host follow each other, in one item alone; steps of this machine may stand before and after. */
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
  /** What may be typed in its place: the DID of an account. */
  readonly confirmOr?: string | undefined
  /** Replaces the procedure's risk when this input is more or less dangerous. */
  readonly risk?: Risk
  readonly reason?: string | undefined
  /** What an operator must know before saying yes. */
  readonly warnings?: readonly string[]
  /** What was found and is to be known first, a line each, shown before the targets. */
  readonly found?: readonly string[]
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

/** A step that is a line for the shell of the host's root. */
export const shell = (
  why: string,
  run: Shell<'act'>,
  extras: Omit<ShellStep, 'kind' | 'why' | 'run'> = {},
): ShellStep => ({ kind: 'shell', why, run, ...extras })

/** A step that replaces a file of the host. */
export const write = (why: string, parts: Omit<WriteStep, 'kind' | 'why'>): WriteStep => ({
  kind: 'write',
  why,
  ...parts,
})

/** A step that waits until the PDS is as the gate wants it. */
export const wait = (why: string, gate: Gate): WaitStep => ({ kind: 'wait', why, gate })

/** A step that only reads back. */
export const check = (why: string, proof: Proof): CheckStep => ({ kind: 'check', why, proof })
