import { Failure } from '../../base/failure.ts'
import type { HostView } from '../../host/access/host.ts'
import type { Change, ChangeEvent, Changes, Pending } from '../../host/change/change.ts'
import type { LocalStep, Step } from '../../plan/steps/step.ts'
import type { PasswordSources, StepTools } from '../../plan/steps/tools.ts'
import type { UndoStep } from '../../plan/steps/undo.ts'
import type { Authorship, Recorder } from './audit.ts'
import { type Beginning, changePlanOf, stepsOf, undosOf } from './change-plan.ts'
import type { Follow } from './change-progress.ts'
import { changedMeanwhile } from './file-conflict.ts'
import {
  ChangeLeftOpen,
  close,
  endOf,
  faultOf,
  leaveOnError,
  outcomeFromJournal,
  recoverHint,
  trackEvents,
} from './host-change-outcome.ts'
import { asFailure } from './local-step.ts'
import { type LocalOutcome, runLocalSteps } from './local-steps.ts'

/** What a change to the host needs beside the tools of any other. */
export interface HostChangeTools {
  readonly changes: Changes
  readonly author: Authorship
  readonly view: Pick<HostView, 'ask'>
  readonly follow: Follow
  readonly vault: PasswordSources
  /** Makes the PDS ready to be asked, while the host is at work. */
  readonly warm: () => void
}

/** Where a change to the host is carried out. */
export interface HostChangeSite extends HostChangeTools, Pick<StepTools, 'pds' | 'kept'> {
  /** Aborted by Ctrl-C or an expired `--timeout`. */
  readonly stop: AbortSignal
  readonly recorder: Recorder
}

/** A change of which the lock is held, and what this machine adds to the host's part. */
export interface Work {
  readonly change: Change
  readonly on: (event: ChangeEvent) => void
  /** The steps as they were planned; absent where they are known only by what is written down. */
  readonly steps?: readonly Step[]
  readonly after: readonly LocalStep[]
  /** The index of the first of `after` among all steps. */
  readonly first: number
  /** What undoes the steps of this machine that are done already, in their order. */
  readonly undo: readonly UndoStep[]
}

/**
 * Takes the lock while the intent is `written` to the trail, and carries a whole change out once both are there: what is
 * kept as `host` are the facts that the host found out.
 */
export async function runHostChange(
  beginning: Beginning,
  written: Promise<void>,
  site: HostChangeSite,
): Promise<LocalOutcome> {
  const { plan } = beginning
  const { before = [], after = [] } = plan
  const wanted = changePlanOf(beginning, site.author)
  const change = await locked(site.changes.begin(wanted, plan.steps, written), written)
  if (change.before) await recordArchivedOutcome(change.before, beginning, site)
  const on = site.follow(wanted.steps)
  const first = before.length + plan.steps.length
  const work = { change, on, steps: stepsOf(plan), after, first, undo: undosOf(before) }
  try {
    const outcome = await runLocalSteps(before, stepToolsOf({ ...work, first: 0 }, site))
    if (outcome.kind === 'unverified') throw outcome.failure
  } catch (cause) {
    if (cause instanceof ChangeLeftOpen) throw cause
    const failure = asFailure(cause)
    await close(change, failure)
    throw new Failure(failure)
  }
  return await continueChange(work, site)
}

/** Whoever has the lock, and could not say so in the trail, gives it back. */
async function locked(locking: Promise<Change>, written: Promise<void>): Promise<Change> {
  const [lock, line] = await Promise.allSettled([locking, written])
  if (lock.status === 'rejected') throw line.status === 'rejected' ? line.reason : lock.reason
  if (line.status === 'fulfilled') return lock.value
  const failure = asFailure(line.reason)
  await close(lock.value, failure)
  throw new Failure(failure)
}

/** The outcome of a change that was over, and of which nobody was left to write it. */
async function recordArchivedOutcome(
  pending: Pending,
  { plan }: Beginning,
  site: HostChangeSite,
): Promise<void> {
  const { plan: old, end } = pending
  if (!old || !end) return
  const why = end.kind === 'done' ? undefined : end.why
  const item = { subject: old.subject, steps: [], rows: [] }
  const failure = why && outcomeFromJournal(why, pending)
  await site.recorder.outcome(old.id, item, { ...plan, reason: old.reason }, failure).catch(() => {})
}

/** Has the host do its part and does what follows, or has all of it undone; the lock is given back. */
export async function continueChange(work: Work, site: HostChangeSite): Promise<LocalOutcome> {
  const { change, steps } = work
  const heard = trackEvents(work.on, earlierOf(change))
  const end = await leaveOnError(change, () => {
    return change.run((event) => {
      // Where the PDS was made anew it is found anew: by the last step of the host, which waits for it, it is there.
      if (work.after.length > 0 && event.kind === 'begin' && event.index === work.first - 1) site.warm()
      heard.hear(event)
    }, site.stop)
  })
  if (end.kind !== 'done') {
    const step = steps?.[end.index]
    const diff =
      end.why.code === 'changed-meanwhile' && step?.kind === 'write'
        ? await changedMeanwhile(step, site.view)
        : []
    throw await endOf(work, end, { ...faultOf(change.plan, end, site.stop), more: diff }, heard, site)
  }
  site.kept.set('host', end.facts)
  let outcome: LocalOutcome
  try {
    outcome = await runLocalSteps(work.after, stepToolsOf(work, site))
  } catch (cause) {
    if (cause instanceof ChangeLeftOpen) throw cause
    throw await undoHostSteps(work, asFailure(cause), site)
  }
  await close(change, outcome.kind === 'unverified' ? outcome.failure : undefined)
  return outcome
}

/** What was written down of this very change before it was taken up; a new one has put another away. */
export const earlierOf = ({ before, plan }: Change): readonly ChangeEvent[] =>
  before?.plan?.id === plan.id ? before.events : []

/** Has the host's part undone after a step of this machine failed. */
async function undoHostSteps(work: Work, failure: Failure, site: HostChangeSite): Promise<Failure> {
  const heard = trackEvents(work.on)
  try {
    const end = await work.change.undo(heard.hear)
    return await endOf(work, end, { failure, more: [] }, heard, site)
  } catch (cause) {
    if (cause instanceof ChangeLeftOpen) throw cause
    await work.change.leave().catch(() => {})
    const lost = asFailure(cause)
    const message = `${failure.message}\nthe steps of the host could not be undone: ${lost.message}`
    throw new ChangeLeftOpen(new Failure({ ...lost, message, hint: lost.hint ?? recoverHint, cause }))
  }
}

/** The tools of steps of this machine that belong to a change: each is written down on the host. */
const stepToolsOf = (
  { change, first, on }: Pick<Work, 'change' | 'first' | 'on'>,
  site: HostChangeSite,
): StepTools => ({
  pds: site.pds,
  kept: site.kept,
  vault: site.vault,
  before: first,
  prompt: 'yes',
  async mark(event, index) {
    await leaveOnError(change, () => change.mark(event, first + index))
    on({ kind: event, index: first + index })
  },
})
