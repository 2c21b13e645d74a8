import type { StatusTransition } from '../host/trail/append.ts'
import type { Later } from './steps/placeholders.ts'
import type { Step } from './steps/step.ts'

/** How much harm a mistake does: decides what is asked before (README, “Safety”). */
export type Risk = 'routine' | 'disruptive' | 'irreversible'

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
