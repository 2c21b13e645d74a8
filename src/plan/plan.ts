import type { HostStep } from '../host/change/step.ts'
import type { StatusTransition } from '../host/trail/append.ts'
import type { Later } from './steps/placeholders.ts'
import type { ResumeStep } from './steps/resume.ts'
import type { LocalStep, MachineStep, Step } from './steps/step.ts'
import type { StoredStep } from './steps/stored-steps.ts'

/** How much harm a mistake does: decides what is asked before (docs/safety.md). */
export type Risk = 'routine' | 'disruptive' | 'irreversible'

/** The rows of a result as they will be; Later values are filled in. */
type Rows<Row> = readonly { readonly [K in keyof Row]: Row[K] | Later }[]

/** What is about to happen to one target: its steps run in order, independent of other items. */
export interface Item<Row, S extends Step = Step> {
  /** For people and the trail: handle and DID of an account, the code of an invite. */
  readonly subject: string
  readonly did?: string
  /** For a change of an account's status: what it is and what it will be; the trail keeps both, which is what `undo` reads. */
  readonly status?: StatusTransition
  /** Invite codes that it makes: the trail tells of them, without the end that only their holders are to know. */
  readonly made?: { readonly what: string; readonly codes: readonly (string | Later)[] }
  readonly steps: readonly S[]
  /** Mostly one. */
  readonly rows: Rows<Row>
}

/** What judges the targets of a plan: what is known of each, by its subject, and how it differs from the rest. */
export interface Evidence {
  readonly of: ReadonlyMap<
    string,
    { readonly facts: readonly string[]; readonly words: string | null; readonly differs: readonly string[] }
  >
  /** What is to be known of all of them together, a line each. */
  readonly totals: readonly string[]
}

/** What all plans have: plain data, shown, recorded, consented to and carried out from one value. */
interface Common {
  /** The whole of it in a line: “take down 3 accounts”. */
  readonly title: string
  /** What its targets are once it is done: “taken down”. */
  readonly done?: string
  /** What must be typed where typing is asked for: the handle, the host, or the count. */
  readonly confirm: string
  /** What may be typed in its place: the DID of an account. */
  readonly confirmOr?: string | undefined
  /** Replaces the procedure's risk when this input is more or less dangerous. */
  readonly risk?: Risk
  readonly reason?: string | undefined
  /** What an operator must know before saying yes. */
  readonly warnings?: readonly string[]
  /** Looked for only where a person is asked, who has to judge. */
  readonly evidence?: () => Promise<Evidence>
  /** What was found and is to be known first, a line each, shown before the targets. */
  readonly found?: readonly string[]
  /** What is still to do by hand, said after success; what must be looked up for it is looked up then. */
  readonly afterwards?: readonly (string | (() => Promise<string>))[]
  /** Targets that cannot be acted on; they make the outcome `partial`, and nothing else is held up by them. */
  readonly refused?: readonly { readonly subject: string; readonly code: string; readonly message: string }[]
}

/** Changes of accounts and invites in the PDS, each target by itself. */
export interface PdsPlan<Row> extends Common {
  readonly on?: 'pds'
  readonly items: readonly Item<Row, LocalStep>[]
}

/** A change of this machine alone, such as of its config file: it needs no PDS, and no trail tells of it. */
export interface MachinePlan<Row> extends Common {
  readonly on: 'machine'
  readonly items: readonly Item<Row, MachineStep>[]
}

/** One change of the host, carried out by the host itself under its lock; this machine may have steps before and after. */
export interface HostPlan<Row> extends Common {
  readonly on: 'host'
  readonly subject: string
  readonly before?: readonly LocalStep[]
  /** None, where nothing is to be done. */
  readonly steps: readonly HostStep[]
  /** Written down on the host, for another process to go on with: they hold no secret. */
  readonly after?: readonly StoredStep[]
  readonly rows: Rows<Row>
}

/** What becomes of a change of the host that stands unfinished; nothing, where none does. */
export interface ResumePlan<Row> extends Common {
  readonly on: 'pending change'
  readonly subject: string
  readonly resume?: ResumeStep
  readonly rows: Rows<Row>
}

/** The kind of plan that each kind of procedure makes. */
export interface PlanKinds<Row> {
  readonly pds: PdsPlan<Row>
  readonly machine: MachinePlan<Row>
  readonly host: HostPlan<Row>
  readonly 'pending change': ResumePlan<Row>
}

/** What a procedure wants to do. */
export type Plan<Row> = PlanKinds<Row>[keyof PlanKinds<Row>]

/** The targets of any plan, each with all of its steps, as they are shown and recorded. */
export function itemsOf<Row>(plan: Plan<Row>): readonly Item<Row>[] {
  if (plan.on === 'host') {
    const { subject, before = [], steps, after = [], rows } = plan
    return [{ subject, steps: [...before, ...steps, ...after], rows }]
  }
  if (plan.on === 'pending change')
    return [{ subject: plan.subject, steps: plan.resume ? [plan.resume] : [], rows: plan.rows }]
  return plan.items
}
