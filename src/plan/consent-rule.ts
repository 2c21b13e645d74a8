import { itemsOf, type Plan, type Risk } from './plan.ts'

/** Of more targets than this at once the count must be typed, unless the change is routine. */
const bulkThreshold = 25

/** How many targets a plan would change. */
export const countChanges = (plan: Plan<unknown>): number =>
  itemsOf(plan).reduce((sum, { steps, rows }) => sum + (steps.length > 0 ? rows.length : 0), 0)

/** What must be typed or passed with `--confirm`, or undefined when y/N or nothing is enough. */
export function mustType(plan: Plan<unknown>, risk: Risk): string | undefined {
  const harm = plan.risk ?? risk
  const targets = countChanges(plan)
  if (targets > bulkThreshold && harm !== 'routine') return String(targets)
  return harm === 'irreversible' ? plan.confirm : undefined
}
