import { Failure } from '../../base/failure.ts'
import { maskLines } from '../../base/mask-secrets.ts'
import type { Change, ChangeEnd, ChangeEvent, ChangePlan, Fault, Pending } from '../../host/change/change.ts'
import { begunOf, mayBeUnwell } from '../../host/change/recovery.ts'
import type { StepTools } from '../../plan/steps/tools.ts'
import type { UndoStep } from '../../plan/steps/undo.ts'
import { asFailure } from './local-step.ts'
import { undoSteps } from './local-steps.ts'

/** The change was left as it stands on the host, which may go on with it: nobody knows its outcome yet. */
export class ChangeLeftOpen extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message, { cause: failure })
    this.failure = failure
  }
}

/** What to type once a change was left. */
export const recoverHint = 'see what stands in its way, then: kimbia-ops recover'

/** What to type once a change is stuck, where it may never be undone wholly. */
const stuckHint = `${recoverHint}; where it cannot be undone: put things right by hand (what a file held before is a dated copy under kimbia-ops/backups), then close it as the host stands: kimbia-ops recover --accept`

/** What is said of a change that interrupted the PDS and has no way back. */
export const unwell = 'the PDS may not be well: see kimbia-ops logs, kimbia-ops ps'

/** A Failure, with further lines to say of it. */
export interface FailureReport {
  readonly failure: Failure
  readonly more: readonly string[]
  /** Something is known to stand already. */
  readonly stands?: 'yes'
}

/** What was heard of the host while it carried its steps out, or undid them. */
export interface EventLog {
  readonly begun: readonly number[]
  readonly undone: readonly number[]
}

/** Undoes what this machine did before, and says what became of it all. */
export async function endOf(
  { change, undo }: { readonly change: Change; readonly undo: readonly UndoStep[] },
  end: ChangeEnd,
  { failure, more, stands: known }: FailureReport,
  heard: EventLog,
  tools: Pick<StepTools, 'pds' | 'kept' | 'vault'>,
): Promise<Failure> {
  const stuck = end.kind === 'stuck' ? end.notUndone : []
  const name = (index: number): string => change.plan.steps[index]?.why ?? `step ${index + 1}`
  const lost = end.kind === 'done' ? undefined : end.lost
  const own = await undoSteps(undo, tools)
  const down = mayBeUnwell(change.plan, heard.begun)
  const stands = end.kind === 'stuck' || own.stands || known === 'yes' || down
  const lines = [
    failure.message,
    ...more,
    ...heard.undone.map((index) => `undone: ${name(index)}`),
    ...stuck.map(({ index, why }) => `NOT undone: ${name(index)}: ${maskLines(why.message)}`),
    ...own.lines,
    ...(down ? [unwell] : []),
    ...(lost === undefined ? [] : [lost]),
    ...(stands || lost !== undefined ? [] : ['everything is as it was before']),
  ]
  const outcome = stands ? 'partial' : failure.outcome === 'partial' ? 'failed' : failure.outcome
  const hint = end.kind === 'stuck' ? stuckHint : failure.hint
  const told = new Failure({ ...failure, outcome, message: lines.join('\n'), hint, cause: failure })
  if (end.kind === 'stuck') await change.leave().catch(() => {})
  else await close(change, told)
  return told
}

/** Why the host's part came to nothing, as a Failure. */
export function faultOf(
  { steps }: ChangePlan,
  { index, why }: Exclude<ChangeEnd, { kind: 'done' }>,
  stop: AbortSignal,
): Omit<FailureReport, 'more'> {
  const step = `${steps[index]?.why ?? ''}: ${maskLines(why.message)}`
  if (why.code !== 'stopped') {
    const hint =
      why.code === 'changed-meanwhile'
        ? 'look at what is there now, then run the same command again'
        : undefined
    const message = `step ${index + 1} failed: ${step}`
    return { failure: new Failure({ outcome: 'failed', code: why.code, message, hint }) }
  }
  const message = `stopped at step ${index + 1}: ${step}`
  if (stop.reason instanceof Failure)
    return { failure: new Failure({ ...stop.reason, message: `${stop.reason.message}; ${message}` }) }
  return { failure: new Failure({ outcome: 'interrupted', code: 'interrupted', message }) }
}

/** How a change that came to nothing is told in the trail by one who was not there. */
export function outcomeFromJournal(
  { code, message: said }: Fault,
  { plan, events }: Pick<Pending, 'plan' | 'events'>,
): Failure {
  const message = maskLines(said)
  if (mayBeUnwell(plan, begunOf(events)))
    return new Failure({ outcome: 'partial', code, message: `${message}\n${unwell}` })
  return new Failure({ outcome: code === 'stopped' ? 'interrupted' : 'failed', code, message })
}

/** Keeps which steps the host has begun and undone, and passes everything on, with what looks like a secret masked. */
export function trackEvents(on: (event: ChangeEvent) => void, earlier: readonly ChangeEvent[] = []) {
  const begun = [...begunOf(earlier)]
  const undone: number[] = []
  return {
    begun,
    undone,
    hear(event: ChangeEvent): void {
      if (event.kind === 'begin') begun.push(event.index)
      if (event.kind === 'undone') undone.push(event.index)
      on(event.kind === 'said' ? { ...event, text: maskLines(event.text) } : event)
    },
  }
}

/** Does something with a change; when that fails, the change is left as it stands. */
export async function leaveOnError<T>(change: Change, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    await change.leave().catch(() => {})
    throw new ChangeLeftOpen(asFailure(cause))
  }
}

/** Ends a change that is done, or came to nothing. */
export async function close(change: Change, failure: Failure | undefined): Promise<void> {
  try {
    await change.close()
  } catch (cause) {
    await change.leave().catch(() => {})
    const lost = asFailure(cause)
    const message = `${failure?.message ?? 'it was done'}\nthe lock of the host could not be given back: ${lost.message}`
    const parts = { outcome: 'partial', ...failure, code: failure?.code ?? lost.code, message } as const
    throw new ChangeLeftOpen(new Failure({ ...parts, hint: 'kimbia-ops recover gives it back', cause }))
  }
}
