import { Failure, failed } from '../../base/failure.ts'
import type { Change, ChangePlan } from '../../host/change/change.ts'
import { stepStates } from '../../host/change/describe.ts'
import { mayBeUnwell } from '../../host/change/recovery.ts'
import type { Plan } from '../../plan/plan.ts'
import type { ResumeStep } from '../../plan/steps/resume.ts'
import { afterOf, beforeOf, type StoredStep } from '../../plan/steps/stored-steps.ts'
import { type UndoStep, undoOf } from '../../plan/steps/undo.ts'
import { holderOf } from './change-plan.ts'
import { continueChange, earlierOf, type HostChangeSite } from './host-change.ts'
import {
  ChangeLeftOpen,
  close,
  endOf,
  leaveOnError,
  outcomeFromJournal,
  trackEvents,
} from './host-change-outcome.ts'
import { asFailure } from './local-step.ts'
import { undoSteps } from './local-steps.ts'

/** Takes a change up that was cut off; its own outcome, unknown so far, is written to the trail as well. */
export async function resumeChange(
  planned: ResumeStep,
  plan: Plan<unknown>,
  site: HostChangeSite,
): Promise<void> {
  if (planned.way === 'break lock') return await site.changes.breakLock(planned.holder ?? '')
  const change = await site.changes.adopt(
    planned.id,
    holderOf(site.author, plan),
    planned.program && 'allowed',
  )
  const step = withCurrentMarks(planned, change)
  const tell = async (failure: Failure | undefined): Promise<void> => {
    const { subject, reason } = change.plan
    const item = { subject, steps: [], rows: [] }
    await site.recorder.outcome(step.id, item, { ...plan, reason }, failure).catch(() => {})
  }
  const take = await validate(step, change, site)
  try {
    await tell(await take())
  } catch (cause) {
    if (!(cause instanceof ChangeLeftOpen)) await tell(asFailure(cause))
    throw cause
  }
}

/** The step with what is marked now that the lock is held: another may have gone on since it was planned. */
function withCurrentMarks(step: ResumeStep, { before }: Change): ResumeStep {
  if (!before) return step
  const marked = (...kinds: string[]): readonly number[] =>
    before.events.flatMap(({ kind, index }) => (kinds.includes(kind) ? [index] : []))
  return { ...step, begun: marked('begin', 'done'), done: marked('done') }
}

/** Resolves to how the change itself came out. */
type Resume = () => Promise<Failure | undefined>

/** Reads what is written down; where it cannot be taken up, the change is left as it stands. */
async function validate(step: ResumeStep, change: Change, site: HostChangeSite): Promise<Resume> {
  try {
    // What is only closed need not be understood.
    const written = step.way === 'accept' ? [] : [...afterOf(change.plan), ...beforeOf(change.plan)]
    for (const one of written) if (one?.kind === 'store') await site.vault.assertConfiguredStore(one.store)
    return planResume(step, change, site)
  } catch (cause) {
    await change.leave().catch(() => {})
    throw cause
  }
}

/** What is to be done with what is left of a change. */
function planResume(step: ResumeStep, change: Change, site: HostChangeSite): Resume {
  switch (step.way) {
    case 'finish':
      return finishing(step, change, site)
    case 'undo':
      return planUndo(step, change, site)
    case 'close':
    case 'break lock':
      return async () => {
        await close(change, undefined)
        return step.ended && outcomeFromJournal(step.ended, { plan: change.plan, events: earlierOf(change) })
      }
    case 'accept':
      return accepting(change)
  }
}

/** Nothing more is done: the trail tells how far each step has come. */
function accepting(change: Change): Resume {
  const { plan } = change
  const states = stepStates({ plan, events: earlierOf(change) })
  return async () => {
    await close(change, undefined)
    const lines = states.map(({ step, state }, index) => `${index + 1}. ${step}: ${state}`)
    const message = ['it was closed by recover --accept as the host stands', ...lines].join('\n')
    return new Failure({ outcome: 'partial', code: 'accepted', message })
  }
}

function finishing(step: ResumeStep, change: Change, site: HostChangeSite): Resume {
  const { plan } = change
  const all = afterOf(plan)
  const start = plan.steps.length - all.length
  const done = all.filter((_, index) => step.done.includes(start + index))
  const after = all.slice(done.length)
  const first = start + done.length
  refuseDoubtful(step, first, after[0])
  const undo = [...beforeOf(plan), ...done.map(undoOf)].filter(isStep)
  return async () => {
    const outcome = await continueChange({ change, on: site.follow(plan.steps), after, first, undo }, site)
    if (outcome.kind === 'unverified') throw outcome.failure
    return undefined
  }
}

/** A step that is not the same twice, and that may have been done, is not done again. */
function refuseDoubtful({ begun }: ResumeStep, index: number, step: StoredStep | undefined): void {
  if (step?.kind !== 'xrpc' || step.repeatable === 'yes' || !begun.includes(index)) return
  throw new Failure({
    outcome: 'partial',
    code: 'answer-lost',
    message: `nobody knows whether this was done before the change was cut off: ${step.why}`,
    hint: 'look at it, then turn back: kimbia-ops recover --undo',
  })
}

function planUndo(step: ResumeStep, change: Change, site: HostChangeSite): Resume {
  const { plan } = change
  const start = plan.steps.length - plan.after.length
  const isBegun = (index: number): boolean => step.begun.includes(index)
  const begun = plan.after.some((_, index) => isBegun(start + index))
  const after = begun ? afterOf(plan).filter((_, index) => isBegun(start + index)) : []
  const late = after.map(undoOf).filter(isStep)
  const early = beforeOf(plan)
    .filter((_, index) => isBegun(index))
    .filter(isStep)
  return async () => {
    const own = await undoSteps(late, site)
    const heard = trackEvents(site.follow(plan.steps), earlierOf(change))
    const end = await leaveOnError(change, () => change.undo(heard.hear))
    const back = await undoSteps(early, site)
    const down = mayBeUnwell(plan, heard.begun)
    if (end.kind === 'stuck' || own.stands || back.stands || down) {
      const told = { failure: notUndone(plan), more: [...own.lines, ...back.lines], stands: 'yes' } as const
      throw await endOf({ change, undo: [] }, end, told, heard, site)
    }
    await close(change, undefined)
    return failed('undone', 'it was cut off, and undone by recover')
  }
}

const isStep = (step: UndoStep | undefined): step is UndoStep => step !== undefined

const notUndone = ({ title }: ChangePlan): Failure =>
  failed('not-undone', `“${title}” could not be undone wholly`)
