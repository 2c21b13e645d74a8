import { Failure } from '../failure.ts'
import type { AccountStatus, Pds } from '../pds/client.ts'
import { fill, type Item, type Plan, type Proof, type Step, showStep, type XrpcStep } from './plan.ts'
import { prove, proveStatuses, type StatusProof } from './prove.ts'
import type { Recorder } from './record.ts'
import { asFailure, asStepFailure, carryOutStep, lookUp } from './step.ts'

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
}

/** Whether a failure is about the way there or the trail, so that nothing further can be tried. */
const endsAll = ({ outcome, code, cause }: Failure): boolean =>
  outcome === 'unreachable' ||
  code === 'trail-not-writable' ||
  code === 'trail-cut-off' ||
  (outcome === 'partial' && cause instanceof Failure && endsAll(cause))

/** How many items are under way at once. */
const width = 8

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

/** A proof of what the PDS has accepted, or of what it may have done: then with the Failure to report unless it holds. */
type DoubtfulProof = StatusProof & { readonly doubt?: Failure | undefined }

type Pending = Attempt & { readonly index: number }

async function attemptItem(
  item: Item<unknown>,
  plan: Plan<unknown>,
  hands: Hands,
): Promise<Result | Attempt> {
  if (item.steps.length === 0) return { state: 'unchanged', item, rows: item.rows }
  let id: string
  try {
    id = await hands.recorder.intent(item, plan)
  } catch (cause) {
    return { state: 'failed', item, failure: asFailure(cause) }
  }
  const kept = new Map<string, unknown>()
  try {
    const proof = await carryOutSteps(item.steps, kept, hands.pds)
    if (proof) return { item, kept, id, proof }
    return await conclude(hands, id, item, plan, { state: 'done', item, rows: rowsOf(item, kept) })
  } catch (cause) {
    const failure = asFailure(cause)
    const rows = cause instanceof Unproven ? rowsOf(item, kept) : undefined
    const result = await conclude(hands, id, item, plan, { state: 'failed', item, failure, rows })
    return failure.outcome === 'interrupted' ? { state: 'not tried', item } : result
  }
}

const rowsOf = (item: Item<unknown>, kept: ReadonlyMap<string, unknown>): readonly unknown[] =>
  item.rows.map((row) => fill(row, (place) => lookUp(kept, place)))

/** The item with the DID that only carrying it out has told: that of a new account. */
function identified(item: Item<unknown>, result: Result): Item<unknown> {
  const { did } = (('rows' in result && result.rows?.[0]) || {}) as { readonly did?: unknown }
  return item.did === undefined && typeof did === 'string' ? { ...item, did } : item
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

async function carryOutSteps(
  steps: readonly Step[],
  kept: Map<string, unknown>,
  pds: Pds,
): Promise<DoubtfulProof | undefined> {
  const undo: XrpcStep[] = []
  let last: DoubtfulProof | undefined
  for (const [index, step] of steps.entries()) {
    try {
      const doubt = await carryOutStep(step, kept, pds).then(
        () => undefined,
        (cause) => doubtOf(cause, step),
      )
      if (step.kind === 'xrpc' && step.undo) undo.push(step.undo)
      if (step.kind === 'xrpc' && step.proof) last = (await readBack(pds, step.proof, kept, doubt)) ?? last
    } catch (cause) {
      const failure = asStepFailure(cause)
      const accepted = failure.outcome === 'partial' && step.kind === 'xrpc' && !step.undo
      if (accepted && step === steps.at(-1)) throw new Unproven(failure)
      throw await undone(failure, step, index, undo, kept, pds)
    }
  }
  return last
}

/** Every step was accepted, and only the proof of the last is missing: all of it stands, and nothing is undone. */
class Unproven extends Failure {}

/** A lost answer is no failure yet where reading back will tell, and nothing else of the answer is wanted. */
function doubtOf(cause: unknown, step: Step): Failure {
  const lost = cause instanceof Failure && cause.code === 'answer-lost'
  if (lost && step.kind === 'xrpc' && step.proof && step.keep === undefined) return cause
  throw cause
}

/** Proves one step; when it cannot be read back, nobody knows more than that the PDS accepted it. */
async function readBack(
  pds: Pds,
  proof: Proof,
  kept: Map<string, unknown>,
  doubt: Failure | undefined,
): Promise<DoubtfulProof | undefined> {
  try {
    const keep = (name: string, value: unknown) => void kept.set(name, value)
    const status = await prove(pds, proof, (place) => lookUp(kept, place), keep)
    return status && { ...status, doubt }
  } catch (cause) {
    if (doubt) throw doubt
    const failure = asStepFailure(cause)
    throw failure.code === 'not-proven' ? failure : unread(failure)
  }
}

/** What was accepted stands until somebody has looked. */
const unread = (failure: Failure): Failure =>
  new Failure({
    outcome: 'partial',
    code: failure.code,
    message: `it was accepted, but could not be read back: ${failure.message}`,
    hint: failure.hint,
    cause: failure,
  })

/** The failure to report once the steps before it are undone, or could not be. */
async function undone(
  failure: Failure,
  step: Step,
  index: number,
  undo: XrpcStep[],
  kept: Map<string, unknown>,
  pds: Pds,
): Promise<Failure> {
  const { outcome, code } = failure
  const hint = (code === 'answer-lost' && step.kind === 'xrpc' && step.ifLost) || failure.hint
  const lines = [failure.message]
  if (index > 0) lines.unshift(`step ${index + 1} failed: ${step.why}`)
  // Accepted but not read back: it stands, unless its own undo takes it back.
  let stands = outcome === 'partial' && !(step.kind === 'xrpc' && step.undo)
  for (const back of undo.reverse()) {
    try {
      await carryOutStep(back, kept, pds)
      if (back.proof) await prove(pds, back.proof, (place) => lookUp(kept, place))
      lines.push(`undone: ${back.why}`)
    } catch (problem) {
      stands = true
      const call = showStep({ ...back, input: fill(back.input, (place) => lookUp(kept, place)) })
      lines.push(`NOT undone: ${back.why}: ${asFailure(problem).message} (to do it by hand: ${call})`)
    }
  }
  const end = outcome === 'partial' ? 'failed' : outcome
  return new Failure({
    outcome: stands ? 'partial' : end,
    code,
    message: lines.join('\n'),
    hint,
    cause: failure,
  })
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
    const found = await proveStatuses(
      hands.pds,
      pending.map(({ proof }) => proof),
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
          ? { state: 'failed', item, failure: proof.doubt ?? status }
          : { state: 'done', item, rows: rowsOf(item, kept) }
      return [index, await conclude(hands, id, item, plan, result)]
    }),
  )
}
