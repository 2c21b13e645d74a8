import { Failure } from '../../base/failure.ts'
import type { Plan } from '../../plan/plan.ts'
import type { Result } from './execute-plan.ts'

interface Missed {
  readonly subject: string
  readonly code: string
  readonly message: string
}

/** How many targets are named in a message; `details` has them all. */
const named = 20

const listed = (label: string, texts: readonly string[]): string[] => [
  ...texts.slice(0, named).map((text) => `${label}: ${text}`),
  ...(texts.length > named ? [`${label}: and ${texts.length - named} more`] : []),
]

/** What kept a plan from being wholly done, as one Failure that names done, failed and not tried; undefined when nothing did. */
export function partialFailure(
  plan: Plan<unknown>,
  results: readonly Result[],
  stop?: AbortSignal,
): Failure | undefined {
  const failures = results.filter((it) => it.state === 'failed')
  const notTried = results.filter(({ state }) => state === 'not tried').map(({ item }) => item.subject)
  const refused = plan.refused ?? []
  const first = failures[0]?.failure
  if (failures.length + notTried.length + refused.length === 0) return undefined
  if (results.length === 1 && refused.length === 0 && first) return first
  const failed: Missed[] = [
    ...refused,
    ...failures.map(({ item, failure: { code, message } }) => ({ subject: item.subject, code, message })),
  ]
  const done = results.filter(({ state }) => state === 'done').map(({ item }) => item.subject)
  const unchanged = results.filter(({ state }) => state === 'unchanged').length
  const counts = `${done.length} done, ${unchanged} already so, ${failed.length} failed, ${notTried.length} not tried`
  const said = failed.map(({ subject, message }) => `${subject}: ${message}`)
  const standing = done.length + unchanged + failures.filter(mayStand).length
  const kind = kindOf(standing, failed[0], first, stop)
  return new Failure({
    ...kind,
    message: [counts, ...listed('failed', said), ...listed('not tried', notTried)].join('\n'),
    hint:
      kind.code === 'partial' || stop?.aborted
        ? 'run the same command again: what is done is left alone'
        : first?.hint,
    details: { done, unchanged, failed, notTried },
  })
}

/** What was accepted but not read back, or lost its answer: for all that is known, it is done. */
export const mayStand = ({ failure: { outcome, code } }: Extract<Result, { state: 'failed' }>): boolean =>
  outcome === 'partial' || code === 'answer-lost'

/** Ctrl-C is told as such; an expired `--timeout` or a failure only where nothing at all stands. */
function kindOf(
  standing: number,
  miss: Missed | undefined,
  first: Failure | undefined,
  stop: AbortSignal | undefined,
): { readonly outcome: Failure['outcome']; readonly code: string } {
  const timeout = stop?.aborted && stop.reason instanceof Failure ? stop.reason : undefined
  if (stop?.aborted && !timeout) return { outcome: 'interrupted', code: 'interrupted' }
  if (standing > 0) return { outcome: 'partial', code: 'partial' }
  const cause = timeout ?? first
  return { outcome: cause?.outcome ?? 'failed', code: cause?.code ?? miss?.code ?? 'failed' }
}
