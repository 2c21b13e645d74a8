import type { ChangeEvent, ChangePlan, Pending } from './change.ts'
import type { StepState } from './describe.ts'

/** The steps of this machine are known by their place before and after those of the host. */
function localSteps({ plan }: Pending): {
  readonly before: readonly number[]
  readonly after: readonly number[]
} {
  const own = (plan?.steps ?? []).flatMap(({ by }, index) => (by === 'operator' ? [index] : []))
  const first = plan?.steps.findIndex(({ by }) => by === 'host') ?? 0
  return { before: own.filter((index) => index < first), after: own.filter((index) => index > first) }
}

/** Whether the host has begun to go back. */
const isTurned = ({ events, end }: Pending): boolean =>
  (end !== undefined && end.kind !== 'done') ||
  events.some(({ kind }) => kind === 'failed' || kind.startsWith('undo'))

/** In which direction a change goes on by itself; one that is over has nothing left but its lock. */
export function wayOf(pending: Pending): 'finish' | 'undo' | 'close' {
  const { before, after } = localSteps(pending)
  const has = (kind: string, index: number): boolean =>
    pending.events.some((event) => event.kind === kind && event.index === index)
  const isDone = (index: number): boolean => has('done', index)
  // What is left of the steps before those of the host is known to nobody but the run that was cut off.
  const turned = isTurned(pending) || !before.every(isDone)
  if (pending.state !== 'over') return turned ? 'undo' : 'finish'
  if (pending.end?.kind === 'done' && !after.every(isDone)) return 'finish'
  const stands = pending.end?.kind === 'stuck' || before.some((index) => has('begin', index))
  return turned && stands ? 'undo' : 'close'
}

/** Finish or undo what is left, close what is over, or accept the host as it stands. */
export const recoveryVerbs = { finish: 'finish', undo: 'undo', close: 'close', accept: 'accept' } as const

export type RecoveryWay = keyof typeof recoveryVerbs

/** A change that failed, where nothing has brought the PDS back since. */
export const isUnwell = ({ plan, events, end }: Pending): boolean =>
  end !== undefined && end.kind !== 'done' && mayBeUnwell(plan, begunOf(events))

/** What a step comes to once a change is recovered. */
export function stateAfter(way: RecoveryWay, state: StepState): StepState {
  switch (way) {
    case 'finish':
      return 'done'
    case 'undo':
      return state === 'not begun' ? state : 'undone'
    case 'close':
    case 'accept':
      return state
  }
}

/** Whether a step was begun that interrupts the PDS, and that nothing brings back. */
export const mayBeUnwell = (plan: ChangePlan | undefined, begun: readonly number[]): boolean =>
  begun.some((index) => plan?.steps[index]?.back === 'none')

/** The steps that were begun, by the events of a change. */
export const begunOf = (events: readonly ChangeEvent[]): readonly number[] =>
  events.flatMap(({ kind, index }) => (kind === 'begin' ? [index] : []))
