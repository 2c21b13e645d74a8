import { visible } from '../../base/sanitize.ts'
import { type Evidence, type Item, itemsOf, type Plan } from '../../plan/plan.ts'
import { type Paint, paintOf } from '../terminal/color.ts'
import { fitTo } from '../terminal/text-width.ts'
import { showCount } from './count.ts'

/** What judges each target, those that differ from the rest first. */
export function evidenceOf(
  targets: readonly Item<unknown>[],
  { of }: Evidence,
  paint: Paint,
): readonly string[] {
  return targets
    .map(({ subject }) => ({ subject, ...(of.get(subject) ?? unknown) }))
    .toSorted((a, b) => b.differs.length - a.differs.length)
    .flatMap(({ subject, facts, words, differs }) => [
      `  ${visible(subject)}`,
      `    ${visible([...facts, ...quoted(words)].join(', '))}`,
      ...(differs.length > 0 ? [`    ${paint.yellow('differs:')} ${visible(differs.join('; '))}`] : []),
    ])
}

const unknown = { facts: [], words: null, differs: [] }

const quoted = (words: string | null): readonly string[] =>
  words === null ? [] : [`“${fitTo(words.replace(/\s+/g, ' ').trim(), 60)}”`]

/** How many that differ are named once more below the list. */
const named = 10

/** What is to be known of all targets together, and which of them differ: it stands right above the question. */
export function totalsOf({ of, totals }: Evidence, paint: Paint): readonly string[] {
  const unlike = [...of].filter(([, { differs }]) => differs.length > 0)
  const head = `${showCount(unlike.length, 'account')} ${unlike.length === 1 ? 'differs' : 'differ'} from the rest:`
  return [
    ...totals.map((line) => `  ${visible(line)}`),
    ...(unlike.length > 0 ? [`  ${paint.yellow(head)}`] : []),
    ...unlike
      .slice(0, named)
      .map(([subject, { differs }]) => `    ${visible(subject)}: ${visible(differs.join('; '))}`),
    ...(unlike.length > named ? [`    … and ${(unlike.length - named).toLocaleString('en-US')} more`] : []),
  ]
}

/** Whether a plan is for several targets, each with one request: what the requests are, its title tells. */
export const isBulk = (plan: Plan<unknown>): boolean =>
  itemsOf(plan).length + (plan.refused?.length ?? 0) > 1 &&
  itemsOf(plan).every(({ steps }) => steps.length === 0 || (steps.length === 1 && steps[0]?.kind === 'xrpc'))

/** A dry run of many targets: a line each, and a total. */
export function bulkOf(plan: Plan<unknown>, look: { readonly color: boolean }): readonly string[] {
  const paint = paintOf(look)
  const { refused = [] } = plan
  const items = itemsOf(plan)
  const same = items.filter(({ steps }) => steps.length === 0).length
  const total = [
    ...(same < items.length ? [`would ${visible(plan.title)}`] : []),
    ...(same > 0 ? [`nothing to do for ${same.toLocaleString('en-US')}`] : []),
    ...(refused.length > 0 ? [`${refused.length.toLocaleString('en-US')} cannot be done`] : []),
  ]
  return [
    ...items.map(
      ({ subject, steps }) => `${visible(subject)}${steps.length === 0 ? paint.dim('  nothing to do') : ''}`,
    ),
    ...refused.map(
      ({ subject, message }) => `${visible(subject)}  ${paint.yellow('cannot be done:')} ${visible(message)}`,
    ),
    paint.bold(total.join(', ')),
  ]
}
