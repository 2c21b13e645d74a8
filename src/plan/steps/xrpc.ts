import type { As, Procedures } from '../../pds/xrpc/client.ts'
import type { Deferred } from './placeholders.ts'
import type { Proof } from './proof.ts'

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
