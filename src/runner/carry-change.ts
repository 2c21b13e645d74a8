import { Failure } from '../failure.ts'
import type { Change, ChangeEvent, Changes, Pending } from '../host/change/change.ts'
import type { HostView } from '../host/host.ts'
import { close, endOf, faultOf, hear, LeftStanding, orLeave, recoverHint, toldLater } from './change-end.ts'
import { type Beginning, changePlanOf, undosOf } from './change-plan.ts'
import { changedMeanwhile } from './changed-meanwhile.ts'
import type { Follow } from './follow.ts'
import { carryOutSteps, type Desk, Unproven } from './own-steps.ts'
import type { OwnStep, Step } from './plan.ts'
import type { Authorship, Recorder } from './record.ts'
import { asFailure } from './step.ts'
import type { UndoStep } from './undo.ts'
import type { Vault } from './vault.ts'

/** What a change to the host needs beside the hands for any other. */
export interface HostHands {
  readonly changes: Changes
  readonly author: Authorship
  readonly view: Pick<HostView, 'ask'>
  readonly follow: Follow
  readonly vault: Vault
  /** Makes the PDS ready to be asked, while the host is at work. */
  readonly warm: () => void
}

/** Where a change to the host is carried out. */
export interface Site extends HostHands, Pick<Desk, 'pds' | 'kept'> {
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
  readonly after: readonly OwnStep[]
  /** The index of the first of `after` among all steps. */
  readonly first: number
  /** What undoes the steps of this machine that are done already, in their order. */
  readonly undo: readonly UndoStep[]
}

/**
 * Takes the lock while the intent is `written` to the trail, and carries a whole change out once both are there: what is
 * kept as `host` are the facts that the host found out.
 */
export async function carryChange(beginning: Beginning, written: Promise<void>, site: Site): Promise<void> {
  const { item, parts } = beginning
  const wanted = changePlanOf(beginning, site.author)
  const change = await locked(site.changes.begin(wanted, parts.host, written), written)
  if (change.before) await tellPutAway(change.before, beginning, site)
  const on = site.follow(wanted.steps)
  const first = parts.before.length + parts.host.length
  const work = { change, on, steps: item.steps, after: parts.after, first, undo: undosOf(parts.before) }
  try {
    await carryOutSteps(parts.before, deskOf({ ...work, first: 0 }, site))
  } catch (cause) {
    if (cause instanceof LeftStanding) throw cause
    const failure = asFailure(cause)
    await close(change, failure)
    throw new Failure(failure)
  }
  await carryOn(work, site)
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
async function tellPutAway(pending: Pending, { plan }: Beginning, site: Site): Promise<void> {
  const { plan: old, end } = pending
  if (!old || !end) return
  const why = end.kind === 'done' ? undefined : end.why
  const item = { subject: old.subject, steps: [], rows: [] }
  const failure = why && toldLater(why, pending)
  await site.recorder.outcome(old.id, item, { ...plan, reason: old.reason }, failure).catch(() => {})
}

/** Has the host do its part and does what follows, or has all of it undone; the lock is given back. */
export async function carryOn(work: Work, site: Site): Promise<void> {
  const { change, steps } = work
  const heard = hear(work.on, earlierOf(change))
  const end = await orLeave(change, () => {
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
  try {
    await carryOutSteps(work.after, deskOf(work, site))
  } catch (cause) {
    if (cause instanceof LeftStanding) throw cause
    const failure = asFailure(cause)
    if (!(cause instanceof Unproven)) throw await turnBack(work, failure, site)
    await close(change, failure)
    throw cause
  }
  await close(change, undefined)
}

/** What was written down of this very change before it was taken up; a new one has put another away. */
export const earlierOf = ({ before, plan }: Change): readonly ChangeEvent[] =>
  before?.plan?.id === plan.id ? before.events : []

/** Has the host's part undone after a step of this machine failed. */
async function turnBack(work: Work, failure: Failure, site: Site): Promise<Failure> {
  const heard = hear(work.on)
  try {
    const end = await work.change.undo(heard.hear)
    return await endOf(work, end, { failure, more: [] }, heard, site)
  } catch (cause) {
    if (cause instanceof LeftStanding) throw cause
    await work.change.leave().catch(() => {})
    const lost = asFailure(cause)
    const message = `${failure.message}\nthe steps of the host could not be undone: ${lost.message}`
    throw new LeftStanding(new Failure({ ...lost, message, hint: lost.hint ?? recoverHint, cause }))
  }
}

/** The desk for steps of this machine that belong to a change: each is written down on the host. */
const deskOf = ({ change, first, on }: Pick<Work, 'change' | 'first' | 'on'>, site: Site): Desk => ({
  pds: site.pds,
  kept: site.kept,
  vault: site.vault,
  before: first,
  prompt: 'yes',
  async mark(event, index) {
    await orLeave(change, () => change.mark(event, first + index))
    on({ kind: event, index: first + index })
  },
})
