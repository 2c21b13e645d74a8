import { Secret } from '../base/secret.ts'
import type { HostPlan } from './plan.ts'
import { contains, references } from './steps/placeholders.ts'
import type { StoredStep } from './steps/stored-steps.ts'
import { undoOf } from './steps/undo.ts'

/** A TypeError where what a plan has written down on the host is not whole for another process, or holds a secret. */
export function assertStorable({ before = [], after = [] }: HostPlan<unknown>): void {
  const backs = before.flatMap((step) => undoOf(step) ?? [])
  for (const step of [...after, ...backs])
    if (contains(step, (leaf) => leaf instanceof Secret))
      throw new TypeError(`a step that is written down on the host holds a secret: ${step.why}`)
  const names = new Set(['host', 'now', ...after.flatMap((step) => keptBy(step))])
  const strange = [...references(after), ...references(backs).map((place) => `before ${place}`)].find(
    (place) => !names.has(place.split('.')[0] ?? ''),
  )
  if (strange !== undefined)
    throw new TypeError(`a step that is written down on the host needs what only this run knows: ${strange}`)
}

const keptBy = (step: StoredStep): readonly string[] => {
  if (step.kind === 'store') return []
  const proven = step.proof?.kind === 'query' ? step.proof.keep : undefined
  return [step.kind === 'xrpc' ? step.keep : undefined, proven].filter((name) => name !== undefined)
}
