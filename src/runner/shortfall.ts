import { Failure } from '../failure.ts'
import type { Result } from './carry-out.ts'
import type { Plan } from './plan.ts'

interface Miss {
  readonly subject: string
  readonly code: string
  readonly message: string
}

const named = 20

const lines = (label: string, texts: readonly string[]): string[] =>
  texts.length === 0
    ? []
    : [
        ...texts.slice(0, named).map((text) => `  ${label}: ${text}`),
        ...(texts.length > named ? [`  … and ${texts.length - named} more ${label}`] : []),
      ]

/** What kept a plan from being wholly done, as one Failure that names done, failed and not tried; undefined when nothing did. */
export function shortfallOf(
  plan: Plan<unknown>,
  results: readonly Result[],
  stop?: AbortSignal,
): Failure | undefined {
  const failures = results.filter((it) => it.state === 'failed')
  const notTried = results.filter(({ state }) => state === 'not tried').map(({ item }) => item.subject)
  const refused = plan.refused ?? []
  if (failures.length + notTried.length + refused.length === 0) return undefined
  const first = failures[0]?.failure
  const interrupted = stop?.aborted === true && !(stop.reason instanceof Failure)
  if (results.length === 1 && refused.length === 0 && first) return first
  const misses: Miss[] = [
    ...refused,
    ...failures.map(({ item, failure: { code, message } }) => ({ subject: item.subject, code, message })),
  ]
  const stands = results.filter(({ state }) => state === 'done' || state === 'unchanged')
  const done = stands.filter(({ state }) => state === 'done').map(({ item }) => item.subject)
  const counts = [
    `${done.length} done`,
    `${stands.length - done.length} already so`,
    `${misses.length} failed`,
    `${notTried.length} not tried`,
  ]
  return new Failure({
    outcome: interrupted ? 'interrupted' : stands.length > 0 ? 'partial' : (first?.outcome ?? 'failed'),
    code: interrupted ? 'interrupted' : stands.length > 0 ? 'partial' : (misses[0]?.code ?? 'failed'),
    message: [
      counts.join(', '),
      ...lines(
        'failed',
        misses.map(({ subject, message }) => `${subject}: ${message}`),
      ),
      ...lines('not tried', notTried),
    ].join('\n'),
    hint:
      stands.length > 0 || interrupted
        ? 'run the same command again: what is done is left alone'
        : first?.hint,
    details: { done, unchanged: stands.length - done.length, failed: misses, notTried },
  })
}
