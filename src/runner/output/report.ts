import type { Failure } from '../../base/failure.ts'
import { safeJson, visible, visibleLines } from '../../base/sanitize.ts'
import { mustType } from '../../plan/consent-rule.ts'
import { type Evidence, type Item, itemsOf, type Plan, type Risk } from '../../plan/plan.ts'
import { particulars, showWhole } from '../../plan/steps/show-step.ts'
import type { Step } from '../../plan/steps/step.ts'
import { paintOf } from '../terminal/color.ts'
import { bulkOf, evidenceOf, isBulk, totalsOf } from './bulk.ts'
import { showCount } from './count.ts'

/** The stream that a text is for. */
interface Look {
  readonly color: boolean
}

/** A Failure for standard error: one JSON object, or what happened and what to do next. */
export function showFailure(failure: Failure, mode: 'json' | 'text', look: Look): string {
  const { code, message, hint, details } = failure
  if (mode === 'json') return `${safeJson({ error: { code, message, hint, ...details } })}\n`
  const paint = paintOf(look)
  const said = indented(paint.red('error:'), message)
  return hint === undefined ? `${said}\n` : `${said}\n${indented(paint.dim('hint:'), hint)}\n`
}

/** A text behind its label, further lines set in below it. */
const indented = (label: string, text: string): string =>
  `${label} ${visibleLines(text).replaceAll('\n', '\n  ')}`

export { showCount }

/** How a plan is shown before consent: where it happens, and how many targets are named. */
export interface PlanView {
  readonly where?: string | undefined
  readonly limit?: number
  /** What judges the targets, each of which is shown then. */
  readonly evidence?: Evidence | undefined
  readonly targets?: 'left out'
}

/** What a person sees before consenting: the first targets with what is done to each, and what to know. */
export function showPlan(plan: Plan<unknown>, view: PlanView, look: Look): string {
  const { where, limit = 20, evidence, targets } = view
  const paint = paintOf(look)
  const changing = itemsOf(plan).filter(({ steps }) => steps.length > 0)
  const same = itemsOf(plan).length - changing.length
  const refused = plan.refused ?? []
  const cannot = refused.map(
    ({ subject, message }) => `  ${paint.yellow('cannot:')} ${visible(`${subject}: ${message}`)}`,
  )
  const lines = [
    paint.bold(`${visible(where === undefined ? plan.title : `${plan.title} on ${where}`)}:`),
    ...foundBy(plan),
    ...(targets === 'left out'
      ? []
      : evidence
        ? evidenceOf(changing, evidence, paint)
        : firstOf(
            changing.map((item) => intentions(item).join('\n')),
            limit,
          )),
    ...(evidence ? totalsOf(evidence, paint) : []),
    ...(same > 0
      ? [
          `  nothing to do for ${same.toLocaleString('en-US')} of ${itemsOf(plan).length.toLocaleString('en-US')}`,
        ]
      : []),
    ...firstOf(cannot, limit),
    ...warningsOf(plan, look),
  ]
  return `${lines.join('\n')}\n`
}

const foundBy = ({ found = [] }: Plan<unknown>): readonly string[] =>
  found.map((text) => `  ${visible(text)}`)

const firstOf = (texts: readonly string[], limit: number): readonly string[] =>
  texts.length <= limit
    ? texts
    : [...texts.slice(0, limit), `  … and ${(texts.length - limit).toLocaleString('en-US')} more`]

/** A target, and what is done to it in several steps; a single step is what the title says, but for a body of its own. */
function intentions({ subject, steps }: Item<unknown>): readonly string[] {
  const whys = steps.map(({ why }, index) => `    ${index + 1}. ${visible(why)}`)
  const bodies = steps.flatMap((step) => (step.kind === 'raw' && step.shown ? setIn(step.shown, 4) : []))
  return [`  ${visible(subject)}`, ...(steps.length > 1 ? whys : []), ...bodies]
}

/** A text of several lines as such, set in. */
const setIn = (text: string, columns: number): readonly string[] =>
  visibleLines(text)
    .split('\n')
    .map((line) => `${' '.repeat(columns)}${line}`)

/** What a dry run is shown by: the form, and the risk that the command declares. */
export interface DryRunView {
  readonly json: boolean
  /** Whether commands and requests are shown behind the sentences. */
  readonly verbose?: boolean
  readonly risk: Risk
}

/** The steps of a plan and what consent they need; with `json`, one object per target. */
export function showDryRun(
  plan: Plan<unknown>,
  { json, risk, verbose = false }: DryRunView,
  look: Look,
): string {
  const refused = plan.refused ?? []
  if (json)
    return [...itemsOf(plan).map(dryObject), ...refused.map(refusedObject)]
      .map((it) => `${safeJson(it)}\n`)
      .join('')
  if (isBulk(plan) && !verbose)
    return [...foundBy(plan), ...bulkOf(plan, look), ...warningsOf(plan, look), ...consentOf(plan, risk)]
      .map((line) => `${line}\n`)
      .join('')
  const paint = paintOf(look)
  const items = itemsOf(plan).flatMap(({ subject, steps }) => [
    paint.bold(visible(subject)),
    ...(steps.length === 0 ? ['  nothing to do'] : []),
    ...steps.flatMap((step, index) => [
      `  ${index + 1}. ${visible(step.why)}`,
      ...behind(step, verbose).flatMap((text) => setIn(text, 5).map(paint.dim)),
    ]),
  ])
  const cannot = refused.flatMap(({ subject, message }) => [
    paint.bold(visible(subject)),
    `  ${paint.yellow('cannot be done:')} ${visible(message)}`,
  ])
  return [...foundBy(plan), ...items, ...cannot, ...warningsOf(plan, look), ...consentOf(plan, risk)]
    .map((line) => `${line}\n`)
    .join('')
}

const behind = (step: Step, verbose: boolean): readonly string[] =>
  verbose ? [showWhole(step)] : particulars(step)

const warningsOf = ({ warnings = [] }: Plan<unknown>, look: Look): readonly string[] =>
  warnings.map((text) => indented(paintOf(look).yellow('warning:'), text))

const dryObject = ({ subject, did, steps }: Item<unknown>) => ({
  dryRun: true,
  subject,
  did,
  steps: steps.map((step) => ({ why: step.why, does: showWhole(step) })),
  changed: steps.length > 0,
})

const refusedObject = ({ subject, code, message }: NonNullable<Plan<unknown>['refused']>[number]) => ({
  dryRun: true,
  subject,
  steps: [],
  changed: false,
  error: { code, message },
})

/** What must be said to have it done, where there is something to do. */
function consentOf(plan: Plan<unknown>, risk: Risk): readonly string[] {
  if (itemsOf(plan).every(({ steps }) => steps.length === 0)) return []
  const typed = mustType(plan, risk)
  if (typed !== undefined) return [`nothing was changed; a script does it with --confirm ${visible(typed)}`]
  if ((plan.risk ?? risk) === 'routine') return ['nothing was changed']
  return ['nothing was changed; a script does it with --yes']
}
