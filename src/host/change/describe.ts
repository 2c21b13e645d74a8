import { Failure } from '../../base/failure.ts'
import type { ChangeEvent, Holder, Pending } from './change.ts'

/** How far a step of a change has come, as far as is written down. */
export type StepState = 'not begun' | 'under way' | 'done' | 'failed' | 'undoing' | 'undone' | 'NOT undone'

const states: Readonly<Record<Exclude<ChangeEvent['kind'], 'said'>, StepState>> = {
  begin: 'under way',
  done: 'done',
  failed: 'failed',
  undo: 'undoing',
  undone: 'undone',
  'undo failed': 'NOT undone',
}

/** The steps of a change that stands on the host, with the state of each. */
export function stepStates({
  plan,
  events,
}: Pick<Pending, 'plan' | 'events'>): readonly { step: string; state: StepState }[] {
  const now = new Map<number, StepState>()
  for (const event of events) if (event.kind !== 'said') now.set(event.index, states[event.kind])
  return (plan?.steps ?? []).map(({ why }, index) => ({ step: why, state: now.get(index) ?? 'not begun' }))
}

/** Who holds the lock, by which the lock can be broken. */
export const holderName = ({ operator: { user, machine } }: Holder): string => `${user}@${machine}`

/** What is known of a change that stands on the host, a line each. */
export function describePending(pending: Pending): readonly string[] {
  const { operator, command, reason, time } = pending.holder
  return [
    `“${command}” of ${holderName(pending.holder)} (${operator.ssh}), begun ${time}`,
    ...(reason === undefined ? [] : [`reason: ${reason}`]),
    ...stepStates(pending).map(({ step, state }, index) => `${index + 1}. ${step}: ${state}`),
  ]
}

/** Why the lock of the host cannot be taken now; undefined where what stands there is over. */
export function lockFailure(pending: Pending): Failure | undefined {
  const [first = '', ...more] = describePending(pending)
  switch (pending.state) {
    case 'working':
      return busy(
        'locked',
        ['the host carries out a change:', first, ...more],
        'wait for it; kimbia-ops recover tells how far it is',
      )
    case 'held':
      return busy(
        'locked',
        ['another change is being made to the host:', first, ...more],
        `wait for it; if nobody is there any more: kimbia-ops recover --break-lock ${holderName(pending.holder)}`,
      )
    case 'cut off':
      if (pending.plan)
        return busy(
          'cut-off',
          ['a change to the host was cut off:', first, ...more],
          'first finish or undo it: kimbia-ops recover',
        )
      return busy(
        'locked',
        ['the host is locked, and no change stands beside the lock:', first],
        `if nobody is there any more: kimbia-ops recover --break-lock ${holderName(pending.holder)}`,
      )
    case 'over':
      return undefined
  }
}

const busy = (code: string, lines: readonly string[], hint: string): Failure =>
  new Failure({ outcome: 'busy', code, message: lines.join('\n'), hint })
