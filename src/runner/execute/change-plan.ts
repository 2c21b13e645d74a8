import type { ChangePlan, Holder } from '../../host/change/change.ts'
import { isHostStep } from '../../host/change/step.ts'
import { type HostPlan, itemsOf, type Plan } from '../../plan/plan.ts'
import { showStep } from '../../plan/steps/show-step.ts'
import type { LocalStep, Step } from '../../plan/steps/step.ts'
import { type UndoStep, undoOf } from '../../plan/steps/undo.ts'
import type { Authorship } from './audit.ts'

/** A change to the host that is about to begin. */
export interface Beginning {
  /** That of its intent in the trail. */
  readonly id: string
  readonly plan: HostPlan<unknown>
}

/** Who holds the lock from now on. */
export const holderOf = (
  { operator, command, clock }: Authorship,
  { reason }: Pick<Plan<unknown>, 'reason'>,
): Holder => ({
  operator,
  command,
  time: clock().toISOString(),
  ...(reason !== undefined && { reason }),
})

/** What is written down beside the lock; `before` has, for each step before those of the host, what undoes it or null. */
export function changePlanOf({ id, plan }: Beginning, author: Authorship): ChangePlan {
  const { title, subject, before = [], after = [] } = plan
  const steps = stepsOf(plan)
  return {
    ...holderOf(author, plan),
    id,
    title,
    subject,
    version: author.version,
    steps: steps.map((step, index) => ({
      kind: step.kind,
      why: step.why,
      does: showStep(step),
      by: isHostStep(step) ? 'host' : 'operator',
      ...(!hasWayBack(steps, index) && { back: 'none' }),
    })),
    after,
    before: before.map((step) => undoOf(step) ?? null),
  }
}

/** All steps of a change, in their order. */
export const stepsOf = (plan: HostPlan<unknown>): readonly Step[] =>
  itemsOf(plan).flatMap(({ steps }) => steps)

/** Whether the PDS is brought back when a step interrupts it and the change fails: by the undo of that one or of one before. */
const hasWayBack = (steps: readonly Step[], index: number): boolean => {
  const step = steps[index]
  if (step?.kind !== 'shell' || !step.interrupts) return true
  return steps.slice(0, index + 1).some((one) => one.kind === 'shell' && (one.undo?.length ?? 0) > 0)
}

/** What undoes some steps of this machine, in their order. */
export const undosOf = (steps: readonly LocalStep[]): readonly UndoStep[] =>
  steps.flatMap((step) => undoOf(step) ?? [])
