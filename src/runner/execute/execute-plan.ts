import { Failure } from '../../base/failure.ts'
import type { AccountStatus, Pds } from '../../pds/xrpc/client.ts'
import { type Item, itemsOf, type Plan } from '../../plan/plan.ts'
import type { RunProgram } from '../../plan/steps/local-program.ts'
import { resolve } from '../../plan/steps/placeholders.ts'
import type { LocalStep } from '../../plan/steps/step.ts'
import type { Intent, Recorder } from './audit.ts'
import { type HostChangeTools, runHostChange } from './host-change.ts'
import { ChangeLeftOpen } from './host-change-outcome.ts'
import { asFailure, valueAt } from './local-step.ts'
import { type DoubtfulProof, type LocalOutcome, resolveDoubt, runLocalSteps, unread } from './local-steps.ts'
import { resumeChange } from './resume.ts'
import { verifyStatuses } from './verify.ts'

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
export interface PlanTools {
  readonly pds: Pds
  readonly recorder: Recorder
  /** Aborted by Ctrl-C: nothing new is begun, what has begun is finished. */
  readonly stop: AbortSignal
  readonly progress: (done: number, of: number) => void
  /** For steps that run a program of this machine. */
  readonly runProgram?: RunProgram | undefined
  /** For plans that change the host itself. */
  readonly host?: HostChangeTools | undefined
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
 * How many items are under way at once: a hundred take 7 round trips so, beside that of the first intents; with fifty
 * they would take 2, and Ctrl-C would find nothing left to stop.
 */
const width = 16

/** Carries a plan out: items side by side, the steps of each in order, undone when a later one fails, all read back. */
export async function executePlan(plan: Plan<unknown>, tools: PlanTools): Promise<Result[]> {
  const items = itemsOf(plan)
  const results: Result[] = items.map((item) => ({ state: 'not tried', item }))
  const pending: Pending[] = []
  let next = 0
  let done = 0
  let broken = false
  const work = async (): Promise<void> => {
    while (next < items.length && !tools.stop.aborted && !broken) {
      const index = next++
      const item = items[index] as Item<unknown>
      const attempt = await attemptItem(item, plan, tools)
      tools.progress(++done, items.length)
      if ('proof' in attempt) pending.push({ ...attempt, index })
      else results[index] = attempt
      const failure = 'proof' in attempt ? attempt.proof.doubt : 'failure' in attempt && attempt.failure
      if (failure && endsAll(failure)) broken = true
    }
  }
  const atOnce = Math.min(width, items.filter(({ steps }) => steps.length > 0).length)
  if (atOnce > 1) tools.pds.prepare?.(atOnce)
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, work))
  for (const [index, result] of await settle(pending, plan, tools)) results[index] = result
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
  tools: PlanTools,
): Promise<Result | Attempt> {
  if (item.steps.length === 0) return { state: 'unchanged', item, rows: item.rows }
  const { id, written } = tools.recorder.intent(item, plan)
  // The lock of the host is taken meanwhile.
  if (plan.on !== 'host')
    try {
      await written
    } catch (cause) {
      return { state: 'failed', item, failure: asFailure(cause) }
    }
  const kept = new Map<string, unknown>()
  try {
    const outcome = await carryItem(item, plan, { id, written, kept }, tools)
    if (outcome.kind === 'done' && outcome.proof) return { item, kept, id, proof: outcome.proof }
    const rows = rowsOf(item, kept)
    const result: Result =
      outcome.kind === 'done'
        ? { state: 'done', item, rows }
        : { state: 'failed', item, failure: outcome.failure, rows }
    return await conclude(tools, id, item, plan, result)
  } catch (cause) {
    if (cause instanceof ChangeLeftOpen) return { state: 'failed', item, failure: cause.failure }
    const failure = asFailure(cause)
    const known = await written.then(
      () => true,
      () => false,
    )
    if (!known) return { state: 'failed', item, failure }
    const result = await conclude(tools, id, item, plan, { state: 'failed', item, failure })
    const untouched = failure.outcome === 'interrupted' && !tools.host
    return untouched ? { state: 'not tried', item } : result
  }
}

/** Carries the steps of one item out, by whom they are carried out. */
async function carryItem(
  item: Item<unknown>,
  plan: Plan<unknown>,
  { id, written, kept }: Intent & { readonly kept: Map<string, unknown> },
  tools: PlanTools,
): Promise<LocalOutcome> {
  const stepTools = { pds: tools.pds, kept, runProgram: tools.runProgram }
  // Plans of these two kinds have items of such steps alone.
  if (plan.on !== 'host' && plan.on !== 'pending change')
    return await runLocalSteps(item.steps as readonly LocalStep[], stepTools)
  if (!tools.host) throw new TypeError('this plan changes the host, and nothing is at hand to do it with')
  const site = { ...tools.host, ...stepTools, stop: tools.stop, recorder: tools.recorder }
  if (plan.on === 'host') return await runHostChange({ id, plan }, written, site)
  if (plan.resume) await resumeChange(plan.resume, plan, site)
  return { kind: 'done', proof: undefined }
}

/** A fact of the host that was not found is null; anything else put off was found. */
const rowsOf = (item: Item<unknown>, kept: ReadonlyMap<string, unknown>): readonly unknown[] =>
  item.rows.map((row) =>
    resolve(row, (place) => valueAt(kept, place) ?? (place.startsWith('host.') ? null : undefined)),
  )

/** The item with what only carrying it out has told: the DID of a new account, the status that was read back. */
function identified(item: Item<unknown>, result: Result): Item<unknown> {
  const row = (('rows' in result && result.rows?.[0]) || {}) as {
    readonly did?: unknown
    readonly status?: unknown
  }
  const did = item.did ?? row.did
  const codes = item.made && rowCodes(result)
  const to = typeof row.status === 'string' ? row.status : item.status?.to
  return {
    ...item,
    ...(typeof did === 'string' && { did }),
    ...(item.made && codes && { made: { ...item.made, codes } }),
    ...(item.status !== undefined && to !== undefined && { status: { ...item.status, to } }),
  }
}

const rowCodes = (result: Result): readonly string[] =>
  'rows' in result ? (result.rows ?? []).map((row) => String((row as { code?: unknown }).code)) : []

/** Writes the outcome to the trail; when that fails, what was done stands and the operator is told. */
async function conclude(
  tools: PlanTools,
  id: string,
  item: Item<unknown>,
  plan: Plan<unknown>,
  result: Result,
): Promise<Result> {
  const failure = result.state === 'failed' ? result.failure : undefined
  try {
    await tools.recorder.outcome(id, identified(item, result), plan, failure)
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
  tools: PlanTools,
): ReturnType<typeof verifyStatuses> {
  for (;;) {
    try {
      return await verifyStatuses(tools.pds, proofs)
    } catch (cause) {
      const { outcome, code } = asFailure(cause)
      const away = outcome === 'unreachable' && code !== 'link-lost' && !tools.stop.aborted
      if (!away || !(await tools.awaitPds?.())) throw cause
    }
  }
}

/** Reads the statuses of all pending items together and writes their outcomes. */
async function settle(
  pending: readonly Pending[],
  plan: Plan<unknown>,
  tools: PlanTools,
): Promise<[number, Result][]> {
  if (pending.length === 0) return []
  let now: (did: string) => AccountStatus | Failure
  try {
    const found = await readWhenThere(
      pending.map(({ proof }) => proof),
      tools,
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
      return [index, await conclude(tools, id, item, plan, result)]
    }),
  )
}
