import { Failure } from '../failure.ts'
import type { AccountStatus, Pds } from '../pds/client.ts'
import { carryChange, type HostHands } from './carry-change.ts'
import { carryResume } from './carry-resume.ts'
import { LeftStanding } from './change-end.ts'
import { fill } from './fill.ts'
import { carryOutSteps, type DoubtfulProof, resolveDoubt, Unproven, unread } from './own-steps.ts'
import { ownSteps, partsOf, resumeOf } from './parts.ts'
import type { Item, Plan } from './plan.ts'
import { proveStatuses } from './prove.ts'
import type { Intent, Recorder } from './record.ts'
import type { RunProgram } from './run-step.ts'
import { asFailure, lookUp } from './step.ts'

/** What became of one item. Its `rows` have every Later filled in. */
export type Result =
  | { readonly state: 'done' | 'unchanged'; readonly item: Item<unknown>; readonly rows: readonly unknown[] }
  | {
      readonly state: 'failed'
      readonly item: Item<unknown>
      readonly failure: Failure
      /** What stands all the same and is told nowhere else, such as a password that was set. */
      readonly rows?: readonly unknown[] | undefined
    }
  | { readonly state: 'not tried'; readonly item: Item<unknown> }

/** What carrying out needs: the writing halves, the trail, and the wish to stop. */
export interface Hands {
  readonly pds: Pds
  readonly recorder: Recorder
  /** Aborted by Ctrl-C: nothing new is begun, what has begun is finished. */
  readonly stop: AbortSignal
  readonly progress: (done: number, of: number) => void
  /** For steps that run a program of this machine. */
  readonly runProgram?: RunProgram | undefined
  /** For plans that change the host itself. */
  readonly host?: HostHands | undefined
  /** Waits a while for a PDS that is away, such as one that restarts; false where it has waited long enough. */
  readonly awaitPds?: (() => Promise<boolean>) | undefined
}

/** Whether a failure is about the way there or the trail, so that nothing further can be tried. */
const endsAll = ({ outcome, code, cause }: Failure): boolean =>
  (outcome === 'unreachable' && !(cause instanceof Failure && cause.code === 'pds-error')) ||
  code === 'trail-not-writable' ||
  code === 'trail-cut-off' ||
  (outcome === 'partial' && cause instanceof Failure && endsAll(cause))

/**
 * How many items are under way at once: a hundred take 2 round trips so, beside that of the first intents, and 7 with
 * sixteen. More of them would leave less to stop.
 */
const width = 50

/** Carries a plan out: items side by side, the steps of each in order, undone when a later one fails, all read back. */
export async function carryOut(plan: Plan<unknown>, hands: Hands): Promise<Result[]> {
  const results: Result[] = plan.items.map((item) => ({ state: 'not tried', item }))
  const pending: Pending[] = []
  let next = 0
  let done = 0
  let broken = false
  const work = async (): Promise<void> => {
    while (next < plan.items.length && !hands.stop.aborted && !broken) {
      const index = next++
      const item = plan.items[index] as Item<unknown>
      const attempt = await attemptItem(item, plan, hands)
      hands.progress(++done, plan.items.length)
      if ('proof' in attempt) pending.push({ ...attempt, index })
      else results[index] = attempt
      const failure = 'proof' in attempt ? attempt.proof.doubt : 'failure' in attempt && attempt.failure
      if (failure && endsAll(failure)) broken = true
    }
  }
  const atOnce = Math.min(width, plan.items.filter(({ steps }) => steps.length > 0).length)
  if (atOnce > 1) hands.pds.prepare?.(atOnce)
  await Promise.all(Array.from({ length: Math.min(width, plan.items.length) }, work))
  for (const [index, result] of await settle(pending, plan, hands)) results[index] = result
  return results
}

/** An item whose steps are carried out and whose status is still to be read back. */
interface Attempt {
  readonly item: Item<unknown>
  readonly kept: Map<string, unknown>
  readonly id: string
  readonly proof: DoubtfulProof
}

type Pending = Attempt & { readonly index: number }

async function attemptItem(
  item: Item<unknown>,
  plan: Plan<unknown>,
  hands: Hands,
): Promise<Result | Attempt> {
  if (item.steps.length === 0) return { state: 'unchanged', item, rows: item.rows }
  const { id, written } = hands.recorder.intent(item, plan)
  if (!partsOf(plan))
    try {
      await written
    } catch (cause) {
      return { state: 'failed', item, failure: asFailure(cause) }
    }
  const kept = new Map<string, unknown>()
  try {
    const proof = await carryItem(item, plan, { id, written, kept }, hands)
    if (proof) return { item, kept, id, proof }
    return await conclude(hands, id, item, plan, { state: 'done', item, rows: rowsOf(item, kept) })
  } catch (cause) {
    if (cause instanceof LeftStanding) return { state: 'failed', item, failure: cause.failure }
    const failure = asFailure(cause)
    const known = await written.then(
      () => true,
      () => false,
    )
    if (!known) return { state: 'failed', item, failure }
    const rows = cause instanceof Unproven ? rowsOf(item, kept) : undefined
    const result = await conclude(hands, id, item, plan, { state: 'failed', item, failure, rows })
    const untouched = failure.outcome === 'interrupted' && !hands.host
    return untouched ? { state: 'not tried', item } : result
  }
}

/** Carries the steps of one item out, by whom they are carried out; hands back the proof still to be read. */
async function carryItem(
  item: Item<unknown>,
  plan: Plan<unknown>,
  { id, written, kept }: Intent & { readonly kept: Map<string, unknown> },
  hands: Hands,
): Promise<DoubtfulProof | undefined> {
  const desk = { pds: hands.pds, kept, runProgram: hands.runProgram }
  const parts = partsOf(plan)
  const resume = resumeOf(item)
  if (!parts && !resume) return await carryOutSteps(ownSteps(item), desk)
  if (!hands.host) throw new TypeError('this plan changes the host, and nothing is at hand to do it with')
  const site = { ...hands.host, ...desk, stop: hands.stop, recorder: hands.recorder }
  if (parts) await carryChange({ id, item, plan, parts }, written, site)
  if (resume) await carryResume(resume, plan, site)
  return undefined
}

/** A fact of the host that was not found is null; anything else put off was found. */
const rowsOf = (item: Item<unknown>, kept: ReadonlyMap<string, unknown>): readonly unknown[] =>
  item.rows.map((row) =>
    fill(row, (place) => lookUp(kept, place) ?? (place.startsWith('host.') ? null : undefined)),
  )

/** The item with what only carrying it out has told: the DID of a new account, the status that was read back. */
function identified(item: Item<unknown>, result: Result): Item<unknown> {
  const row = (('rows' in result && result.rows?.[0]) || {}) as {
    readonly did?: unknown
    readonly status?: unknown
  }
  const did = item.did ?? row.did
  const to = typeof row.status === 'string' ? row.status : item.status?.to
  return {
    ...item,
    ...(typeof did === 'string' && { did }),
    ...(item.status !== undefined && to !== undefined && { status: { ...item.status, to } }),
  }
}

/** Writes the outcome to the trail; when that fails, what was done stands and the operator is told. */
async function conclude(
  hands: Hands,
  id: string,
  item: Item<unknown>,
  plan: Plan<unknown>,
  result: Result,
): Promise<Result> {
  const failure = result.state === 'failed' ? result.failure : undefined
  try {
    await hands.recorder.outcome(id, identified(item, result), plan, failure)
    return result
  } catch (cause) {
    if (failure) return result
    const lost = asFailure(cause)
    const message = `it was done, but its outcome could not be written to the trail: ${lost.message}`
    const hint = 'do not repeat it, for it is done; see to the disk of the host'
    const rows = 'rows' in result ? result.rows : undefined
    const cutOff = new Failure({ outcome: 'partial', code: 'trail-cut-off', message, hint, cause })
    return { state: 'failed', item, failure: cutOff, rows }
  }
}

/** The PDS may restart in the middle: what it has accepted is read once it is there again. */
async function readWhenThere(
  proofs: readonly DoubtfulProof[],
  hands: Hands,
): ReturnType<typeof proveStatuses> {
  for (;;) {
    try {
      return await proveStatuses(hands.pds, proofs)
    } catch (cause) {
      const { outcome, code } = asFailure(cause)
      const away = outcome === 'unreachable' && code !== 'link-lost' && !hands.stop.aborted
      if (!away || !(await hands.awaitPds?.())) throw cause
    }
  }
}

/** Reads the statuses of all pending items together and writes their outcomes. */
async function settle(
  pending: readonly Pending[],
  plan: Plan<unknown>,
  hands: Hands,
): Promise<[number, Result][]> {
  if (pending.length === 0) return []
  let now: (did: string) => AccountStatus | Failure
  try {
    const found = await readWhenThere(
      pending.map(({ proof }) => proof),
      hands,
    )
    now = (did) => found.get(did) ?? 'deleted'
  } catch (cause) {
    const failure = unread(asFailure(cause))
    now = () => failure
  }
  return await Promise.all(
    pending.map(async ({ index, item, kept, id, proof }): Promise<[number, Result]> => {
      const status = now(proof.did)
      kept.set('now', { status })
      const result: Result =
        status instanceof Failure
          ? { state: 'failed', item, failure: proof.doubt ? resolveDoubt(proof.doubt, status) : status }
          : { state: 'done', item, rows: rowsOf(item, kept) }
      return [index, await conclude(hands, id, item, plan, result)]
    }),
  )
}
