import { Failure } from '../../base/failure.ts'
import type { Plan } from '../../plan/plan.ts'
import { program } from '../command/names.ts'
import type { Result } from '../execute/execute-plan.ts'
import { mayStand } from '../execute/partial-failure.ts'
import type { Invocation } from './invocation.ts'

/** Whether something of a result is changed, or may be for all that is known. */
const stands = (result: Result): boolean =>
  result.state === 'done' || (result.state === 'failed' && mayStand(result))

/** The id of a run that has changed something which the trail keeps; undefined where nothing of the kind stands. */
export function operationOf(
  { operation }: Pick<Invocation, 'operation'>,
  { on }: Pick<Plan<unknown>, 'on'>,
  results: readonly Result[],
): string | undefined {
  const changed = results.some((it) => stands(it) && it.item.steps.some(({ kind }) => kind !== 'note'))
  return changed && on !== 'machine' ? operation : undefined
}

/** What has become of many targets, in a line for the person at the terminal. */
export async function sayResult(
  { terminal, run }: Pick<Invocation, 'terminal' | 'run'>,
  { done = 'done' }: Pick<Plan<unknown>, 'done'>,
  results: readonly Result[],
  ms: number,
): Promise<void> {
  if (run.globals.quiet || !terminal.stderr.tty || results.length < 2) return
  const count = (state: Result['state']) =>
    results.filter((it) => it.state === state).length.toLocaleString('en-US')
  const parts = [
    `${count('done')} ${done}`,
    ...(count('unchanged') === '0' ? [] : [`${count('unchanged')} already so`]),
    `${count('failed')} failed`,
    ...(count('not tried') === '0' ? [] : [`${count('not tried')} not tried`]),
    ...(count('done') === '0' ? [] : ['read back']),
    `${(ms / 1000).toFixed(1)} s`,
  ]
  await terminal.stderr.write(`${parts.join(', ')}\n`)
}

/** Ends a run that changed something: its id, and how to undo it where the trail tells enough for that. */
export async function sayOperation(
  { terminal, run }: Pick<Invocation, 'terminal' | 'run'>,
  operation: string,
  results: readonly Result[],
): Promise<void> {
  const { quiet, host } = run.globals
  if (quiet) return
  const words = [program, ...(host === undefined ? [] : ['-H', host]), 'undo', operation]
  const reversible = results.some((it) => stands(it) && it.item.status !== undefined)
  const way = reversible ? `; to undo it: ${words.join(' ')}` : ''
  await terminal.stderr.write(`note: operation ${operation}${way}\n`)
}

/** The failure with the id of the run, for scripts that undo what of it stands. */
export const withOperation = (
  failure: Failure | undefined,
  operation: string | undefined,
): Failure | undefined =>
  failure && operation !== undefined
    ? new Failure({
        ...failure,
        message: failure.message,
        cause: failure,
        details: { ...failure.details, operation },
      })
    : failure
