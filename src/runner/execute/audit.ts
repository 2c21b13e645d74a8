import type { Failure } from '../../base/failure.ts'
import type { Trail, TrailEntry } from '../../host/trail/append.ts'
import { maskCode } from '../../pds/invites.ts'
import type { Item, Plan } from '../../plan/plan.ts'
import { showStep } from '../../plan/steps/show-step.ts'

/** What stays the same in every line that one invocation writes to the trail. */
export interface Authorship {
  readonly operator: TrailEntry['operator']
  /** The id of the run. */
  readonly operation: string
  readonly command: string
  readonly version: string
  readonly clock: () => Date
}

/** A line of the trail that says what is about to be done. */
export interface Intent {
  /** What ties the outcome to it. */
  readonly id: string
  /** Resolves when the host has the line: nothing may be changed before. */
  readonly written: Promise<void>
}

/** Writes intents before and outcomes after, one line each. */
export interface Recorder {
  intent(item: Item<unknown>, plan: Plan<unknown>): Intent
  outcome(id: string, item: Item<unknown>, plan: Plan<unknown>, failure: Failure | undefined): Promise<void>
}

/** A recorder of what changes only this machine: nothing is written. */
export const noRecorder: Recorder = {
  intent: () => ({ id: '', written: Promise.resolve() }),
  outcome: async () => {},
}

/** Which invite codes were made, with the end of each hidden, for whoever asks later who made one. */
function madeBy({ made }: Item<unknown>): string | undefined {
  if (!made) return undefined
  const codes = made.codes.flatMap((code) => (typeof code === 'string' ? [maskCode(code)] : []))
  return `made ${[made.what, ...codes].join(' ')}`
}

/** A recorder that writes to the host's trail. */
export function recorder(
  trail: Trail,
  { operator, operation, command, version, clock }: Authorship,
): Recorder {
  const entry = (
    id: string,
    event: TrailEntry['event'],
    { subject, did, status }: Item<unknown>,
    { reason }: Plan<unknown>,
  ): TrailEntry => ({
    time: clock().toISOString(),
    id,
    operation,
    event,
    operator,
    command,
    subject,
    ...(did !== undefined && { did }),
    ...(status !== undefined && { status }),
    ...(reason !== undefined && { reason }),
    version,
  })
  return {
    intent(item, plan) {
      const id = crypto.randomUUID()
      const line = { ...entry(id, 'intent', item, plan), steps: item.steps.map(showStep) }
      return { id, written: trail.write(line) }
    },
    async outcome(id, item, plan, failure) {
      const made = madeBy(item)
      const result = failure
        ? { outcome: failure.outcome, message: `${failure.code}: ${failure.message}` }
        : { outcome: 'ok', ...(made !== undefined && { message: made }) }
      await trail.write({ ...entry(id, 'outcome', item, plan), ...result })
    },
  }
}
