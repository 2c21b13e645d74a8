import { Failure } from '../failure.ts'
import type { Change, ChangeEnd, ChangeEvent, ChangePlan } from '../host/change/change.ts'
import { type Desk, undoSteps } from './own-steps.ts'
import { asFailure } from './step.ts'
import type { UndoStep } from './undo.ts'

/** The change was left as it stands on the host, which may go on with it: nobody knows its outcome yet. */
export class LeftStanding extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message, { cause: failure })
    this.failure = failure
  }
}

/** What to type once a change is stuck. */
export const recoverHint = 'see what stands in its way, then: kimbia-ops recover'

/** A Failure, with further lines to say of it. */
export interface Told {
  readonly failure: Failure
  readonly more: readonly string[]
  /** Something is known to stand already. */
  readonly stands?: 'yes'
}

/** What was heard of the host while it undid its steps. */
export interface Heard {
  readonly undone: readonly number[]
}

/** Undoes what this machine did before, and says what became of it all. */
export async function endOf(
  { change, undo }: { readonly change: Change; readonly undo: readonly UndoStep[] },
  end: ChangeEnd,
  { failure, more, stands: known }: Told,
  heard: Heard,
  desk: Pick<Desk, 'pds' | 'kept' | 'vault'>,
): Promise<Failure> {
  const stuck = end.kind === 'stuck' ? end.notUndone : []
  const name = (index: number): string => change.plan.steps[index]?.why ?? `step ${index + 1}`
  const own = await undoSteps(undo, desk)
  const stands = end.kind === 'stuck' || own.stands || known === 'yes'
  const lines = [
    failure.message,
    ...more,
    ...heard.undone.map((index) => `undone: ${name(index)}`),
    ...stuck.map(({ index, why }) => `NOT undone: ${name(index)}: ${why.message}`),
    ...own.lines,
    ...(stands ? [] : ['everything is as it was before']),
  ]
  const outcome = stands ? 'partial' : failure.outcome === 'partial' ? 'failed' : failure.outcome
  const hint = end.kind === 'stuck' ? recoverHint : failure.hint
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
): Omit<Told, 'more'> {
  const step = `${steps[index]?.why ?? ''}: ${why.message}`
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

/** Keeps which steps the host has undone, and passes everything on. */
export function hear(on: (event: ChangeEvent) => void) {
  const undone: number[] = []
  return {
    undone,
    hear(event: ChangeEvent): void {
      if (event.kind === 'undone') undone.push(event.index)
      on(event)
    },
  }
}

/** Does something with a change; when that fails, the change is left as it stands. */
export async function orLeave<T>(change: Change, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    await change.leave().catch(() => {})
    throw new LeftStanding(asFailure(cause))
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
    throw new LeftStanding(new Failure({ ...parts, hint: 'kimbia-ops recover gives it back', cause }))
  }
}
