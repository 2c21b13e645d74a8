import { Secret } from '../base/secret.ts'
import { type HostStep, isHostStep } from '../host/change/step.ts'
import type { Item, Plan } from './plan.ts'
import { contains, references } from './steps/placeholders.ts'
import type { ResumeStep } from './steps/resume.ts'
import type { LocalStep, Step } from './steps/step.ts'
import { undoOf } from './steps/undo.ts'

/** The steps of a change to the host, by who carries them out. */
export interface PlanParts {
  readonly before: readonly LocalStep[]
  readonly host: readonly HostStep[]
  readonly after: readonly LocalStep[]
}

const isOwn = (step: Step): step is LocalStep => !isHostStep(step) && step.kind !== 'resume'

/** Whether carrying a plan out takes the lock of the host. */
export const takesLock = (plan: Plan<unknown>): boolean =>
  plan.items.some((item) => item.steps.some((step) => !isOwn(step)))

/** The steps of an item that this machine carries out alone. */
export function ownSteps({ steps }: Item<unknown>): readonly LocalStep[] {
  return steps.map((step) => {
    if (isOwn(step)) return step
    throw new TypeError(`a ${step.kind} step stands where only steps of this machine may`)
  })
}

/** The step of an item that takes up a change that was cut off. */
export function resumeOf({ steps }: Item<unknown>): ResumeStep | undefined {
  const found = steps.find((step) => step.kind === 'resume')
  if (found && steps.length > 1) throw new TypeError('a change that is taken up again stands alone')
  return found
}

/** The parts of a plan that changes the host, undefined for any other; a TypeError where it is put together wrongly. */
export function splitByPlace({ items }: Plan<unknown>): PlanParts | undefined {
  if (!items.some(({ steps }) => steps.some(isHostStep))) return undefined
  const [item, ...others] = items.filter(({ steps }) => steps.length > 0)
  if (!item || others.length > 0)
    throw new TypeError('a plan with steps of the host has one item with steps, and no more')
  const first = item.steps.findIndex(isHostStep)
  const end = item.steps.findLastIndex(isHostStep) + 1
  const host = item.steps.slice(first, end).filter(isHostStep)
  if (host.length < end - first) throw new TypeError('the steps of the host do not follow each other')
  const of = (from: number, to?: number) => ownSteps({ ...item, steps: item.steps.slice(from, to) })
  const parts = { before: of(0, first), host, after: of(end) }
  refuseUnwritable(parts)
  return parts
}

/** What is written down on the host is taken up again by another process: it must be whole, and hold no secret. */
function refuseUnwritable({ before, after }: PlanParts): void {
  const backs = before.flatMap((step) => undoOf(step) ?? [])
  for (const step of [...after, ...backs]) {
    if (step.kind !== 'xrpc' && step.kind !== 'check' && step.kind !== 'store')
      throw new TypeError(`a ${step.kind} step cannot follow the steps of the host: ${step.why}`)
    if (contains(step, (leaf) => leaf instanceof Secret))
      throw new TypeError(`a step that is written down on the host holds a secret: ${step.why}`)
  }
  const names = new Set(['host', 'now', ...after.flatMap((step) => keptBy(step))])
  const strange = [...references(after), ...references(backs).map((place) => `before ${place}`)].find(
    (place) => !names.has(place.split('.')[0] ?? ''),
  )
  if (strange !== undefined)
    throw new TypeError(`a step that is written down on the host needs what only this run knows: ${strange}`)
}

const keptBy = (step: LocalStep): readonly string[] => {
  if (step.kind !== 'xrpc' && step.kind !== 'check') return []
  const proven = step.proof?.kind === 'query' ? step.proof.keep : undefined
  return [step.kind === 'xrpc' ? step.keep : undefined, proven].filter((name) => name !== undefined)
}
