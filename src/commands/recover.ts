import { Failure, usage } from '../base/failure.ts'
import type { Pending } from '../host/change/change.ts'
import {
  describePending,
  holderName,
  lockFailure,
  type StepState,
  stepStates,
} from '../host/change/describe.ts'
import { isUnwell, type RecoveryWay, recoveryVerbs, stateAfter, wayOf } from '../host/change/recovery.ts'
import type { ResumePlan } from '../plan/plan.ts'
import type { ResumeStep } from '../plan/steps/resume.ts'
import { column, table } from '../runner/command/columns.ts'
import { procedure } from '../runner/command/command.ts'
import { flag, option } from '../runner/command/parameters.ts'
import { choice, moment, optional, text } from '../runner/command/types.ts'
import type { Views } from '../runner/command/views.ts'
import { awaitChange } from '../runner/execute/await-change.ts'
import { unwell } from '../runner/execute/host-change-outcome.ts'
import { foreignStore } from '../runner/execute/password-sources.ts'
import { storeLabel } from '../store/label.ts'
import { storeName } from './admin-password/shared.ts'

const steps = {
  step: column(text, 'what it does'),
  state: column(text, 'not begun, under way, done, failed, undoing, undone or NOT undone'),
}

const output = {
  id: column(optional(text), 'what ties the change to its intent in the trail'),
  command: column(optional(text), 'what was being done'),
  operator: column(optional(text), 'user and machine that began it'),
  begun: column(optional(moment), 'when it was begun'),
  state: column(
    choice('state', ['finished', 'undone', 'closed', 'accepted', 'nothing']),
    'what became of it',
  ),
  steps: table(steps, 'the steps of the change, and how far each has come'),
}

interface Row {
  readonly id: string | null
  readonly command: string | null
  readonly operator: string | null
  readonly begun: string | null
  readonly state: 'finished' | 'undone' | 'closed' | 'accepted' | 'nothing'
  readonly steps: readonly { readonly step: string; readonly state: string }[]
}

/** A change goes on in the direction that it was going, unless it is told to turn back. */
export default procedure({
  name: 'recover',
  summary: 'Finish or undo a change to the host that was cut off',
  about:
    'The plan of each change is written down on the host beside its lock before its first step. What was cut off goes on in the direction that it was going: forward, or back once undoing had begun. What can never be undone, such as a file that somebody else has changed since, is closed with --accept: nothing more is done, and the host is left as it stands. While the host or another operator works on it, it is followed to its end first; with --no-wait, that is told instead (exit code 7). A rotation that was begun with --store wants the same one here.',
  examples: ['kimbia-ops recover --dry-run', 'kimbia-ops recover', 'kimbia-ops recover --undo --yes'],
  risk: 'disruptive',
  on: 'pending change',
  input: {
    undo: flag('undo it instead of finishing it'),
    accept: flag('do nothing more, and close it as the host stands now'),
    breakLock: option(text, 'remove the lock of this user@machine, who is not there any more'),
    store: option(
      storeName,
      'where the rotation that was cut off keeps the password, if not as the config says',
    ),
    noWait: flag('do not wait for a change that is still under way'),
  },
  output,
  async plan({ undo, accept, breakLock, store, noWait }, views): Promise<ResumePlan<Row>> {
    if (undo && breakLock !== undefined) throw usage('--undo and --break-lock cannot go together')
    if (accept && (undo || breakLock !== undefined))
      throw usage('--accept cannot go together with --undo or --break-lock')
    const standing = await views.pending()
    const waits = breakLock === undefined && !accept && !noWait && views.dryRun === 'no'
    const found = standing && waits ? await whenFree(standing, views) : standing
    if (!found) return planOf('recover', 'the host', nothing)
    if (breakLock !== undefined) return breaking(found, breakLock)
    // Its holder is gone, and was never to do anything with it.
    if (found.state === 'over' && !found.plan) return breaking(found, holderName(found.holder))
    const busy = lockFailure(found)
    if (busy && busy.code !== 'cut-off') throw busy
    if (accept) return resuming(found, found.state === 'over' ? 'close' : 'accept')
    const way = undo ? 'undo' : wayOf(found)
    return resuming(found, way, store ?? (await askForStore(found, way, views)))
  },
})

/** A change that is under way is followed to its end; what is left then is for this run. */
async function whenFree(pending: Pending, views: Views): Promise<Pending | undefined> {
  if (pending.state !== 'working' && pending.state !== 'held') return pending
  const left = await awaitChange(pending, views)
  if (!left) views.say('it was ended by the one who began it: see kimbia-ops trail --since 1h')
  return left
}

/** What the host says of a store is not believed: the operator on a terminal is asked for it, and told what it says. */
async function askForStore({ plan }: Pending, way: RecoveryWay, views: Views): Promise<string | undefined> {
  if (!plan || way === 'close') return undefined
  const label = [...plan.after, ...plan.before].map(storeOf).find((it) => it !== undefined)
  const own = (await views.host.config()).adminPassword?.store
  if (label === undefined || label === 'stdout' || (own !== undefined && storeLabel(own) === label))
    return undefined
  const { file } = await views.config()
  const question = `The change keeps the password in ${label}, says the host. Name that store if it is yours`
  const given = await views.askFor(question, '--store').catch((cause: unknown) => {
    throw cause instanceof Failure && cause.outcome === 'usage' ? foreignStore(label, file) : cause
  })
  return storeName.parse(given)
}

const nothing: Row = { id: null, command: null, operator: null, begun: null, state: 'nothing', steps: [] }

const planOf = (
  title: string,
  subject: string,
  row: ResumePlan<Row>['rows'][number],
  more: Partial<ResumePlan<Row>> = {},
): ResumePlan<Row> => ({ on: 'pending change', title, subject, confirm: subject, rows: [row], ...more })

const ends = { finish: 'finished', undo: 'undone', close: 'closed', accept: 'accepted' } as const

/** The store that a step speaks of as it is written down; whether it can be taken up is found out with the lock. */
function storeOf(step: unknown): string | undefined {
  const { kind, store } = (step ?? {}) as { readonly kind?: unknown; readonly store?: unknown }
  return kind === 'store' && typeof store === 'string' ? store : undefined
}

function resuming(pending: Pending, way: RecoveryWay, store?: string): ResumePlan<Row> {
  const { plan, holder } = pending
  if (!plan) throw new TypeError('a lock without a plan can only be broken')
  const before = stepStates(pending)
  const after = before.map(({ step, state }) => ({ step, state: stateAfter(way, state) }))
  const remaining = before.flatMap(({ step, state }, index) => (after[index]?.state === state ? [] : [step]))
  const marked = (kinds: readonly string[]): readonly number[] => [
    ...new Set(pending.events.flatMap(({ kind, index }) => (kinds.includes(kind) ? [index] : []))),
  ]
  const step: ResumeStep = {
    kind: 'resume',
    why: `${recoveryVerbs[way].replace(/^./, (letter) => letter.toUpperCase())} “${plan.title}”`,
    id: plan.id,
    way,
    remaining,
    begun: marked(['begin', 'done']),
    done: marked(['done']),
    ...(store !== undefined && { store }),
    program: pending.program,
    ended: pending.end && pending.end.kind !== 'done' ? pending.end.why : undefined,
  }
  const row = { ...rowOf(pending), state: ends[way], steps: after }
  const runsUnverified = pending.program === 'unverified' && (way === 'finish' || way === 'undo')
  const title = `${recoveryVerbs[way]} “${plan.title}” of ${holderName(holder)}${runsUnverified ? ', whose program is not verified' : ''}`
  return planOf(title, plan.subject, row, {
    resume: step,
    found: describePending(pending),
    ...(way === 'accept' && { warnings: accepted(before) }),
    ...(runsUnverified && unverified),
    ...(way === 'close' && isUnwell(pending) && { afterwards: [unwell] }),
  })
}

/** Its program would run as root, and the container of the PDS may have written it: `--yes` is not enough. */
const unverified = {
  risk: 'irreversible',
  warnings: [
    'an earlier version of kimbia-ops, or somebody else, has put this change where the container of the PDS may write: nothing vouches for its program, which would be run as root',
    'read it first: kimbia-ops/change/run.sh beside pds.env; or run nothing of it: kimbia-ops recover --accept',
  ],
} as const

/** What is left as it is, before somebody says yes to that. */
function accepted(steps: readonly { readonly step: string; readonly state: StepState }[]): string[] {
  const stands = (state: StepState): boolean => state !== 'not begun' && state !== 'undone'
  const named = (which: typeof steps): string =>
    which.map(({ step, state }) => `${step} (${state})`).join('; ') || 'none'
  return [
    `left as they stand: ${named(steps.filter(({ state }) => stands(state)))}`,
    `not done, or undone: ${named(steps.filter(({ state }) => !stands(state)))}`,
    'no step is finished or undone, no container is recreated and no file is written: see to that yourself, then look with kimbia-ops health and kimbia-ops env diff',
    'what a file held before stays as a dated copy under kimbia-ops/backups',
  ]
}

const rowOf = ({ plan, holder }: Pending) => ({
  id: plan?.id ?? null,
  command: holder.command,
  operator: holderName(holder),
  begun: holder.time,
})

function breaking(pending: Pending, given: string): ResumePlan<Row> {
  const holder = holderName(pending.holder)
  if (pending.state === 'working')
    throw lockFailure(pending) ?? new TypeError('the host works, and is not busy')
  if (given !== holder)
    throw new Failure({
      outcome: 'busy',
      code: 'locked',
      message: `the lock is held by ${holder}, not by ${given}`,
      hint: `if that is whom you mean: kimbia-ops recover --break-lock ${holder}`,
    })
  const step: ResumeStep = {
    kind: 'resume',
    why: `Break the lock of ${holder}`,
    id: pending.plan?.id ?? '',
    way: 'break lock',
    holder,
    remaining: [],
    begun: [],
    done: [],
  }
  const row = { ...rowOf(pending), state: 'closed' as const, steps: stepStates(pending) }
  return planOf(`break the lock of ${holder}`, holder, row, {
    resume: step,
    found: describePending(pending),
    ...(pending.state !== 'over' && {
      warnings: [`if ${holder} is still there, both of you change the host at once`],
    }),
    ...(pending.plan && { afterwards: ['the change itself still stands: kimbia-ops recover'] }),
  })
}
