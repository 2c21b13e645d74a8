import { Failure, failed } from '../../base/failure.ts'
import { resolve } from '../../plan/steps/placeholders.ts'
import type { Proof } from '../../plan/steps/proof.ts'
import { showStep } from '../../plan/steps/show-step.ts'
import type { LocalStep } from '../../plan/steps/step.ts'
import type { StepTools } from '../../plan/steps/tools.ts'
import { type UndoStep, undoOf } from '../../plan/steps/undo.ts'
import { asFailure, asStepFailure, runLocalStep, valueAt } from './local-step.ts'
import { withPasswords } from './password-sources.ts'
import { type StatusProof, VerificationFailed, verify, verifyStatuses } from './verify.ts'

/** A proof of what the PDS has accepted, or of what it may have done: then with the Failure to report unless it holds. */
export type DoubtfulProof = StatusProof & { readonly doubt?: Failure | undefined }

/**
 * What steps of this machine came to. `done` with the proof still to be read, if any; `unverified` where each was
 * accepted and only the proof of the last is missing: all of it stands, and nothing is undone.
 */
export type LocalOutcome =
  | { readonly kind: 'done'; readonly proof: DoubtfulProof | undefined }
  | { readonly kind: 'unverified'; readonly failure: Failure }

/** Carries steps of this machine out in order, and undoes them when one fails. */
export async function runLocalSteps(steps: readonly LocalStep[], tools: StepTools): Promise<LocalOutcome> {
  const undo: UndoStep[] = []
  let last: DoubtfulProof | undefined
  for (const [index, step] of steps.entries()) {
    const begun = tools.mark?.('begin', index)
    // A check only reads, so that nothing is lost by being told of at the same time.
    if (step.kind === 'check') begun?.catch(() => {})
    else await begun
    const back = undoOf(step)
    if (step.kind === 'store' && back) undo.push(back)
    try {
      const doubt = await runLocalStep(step, tools).then(
        () => undefined,
        (cause) => doubtOf(cause, step),
      )
      if (step.kind !== 'store' && back) undo.push(back)
      const proof = 'proof' in step ? step.proof : undefined
      if (proof) last = (await readBack(step, proof, tools, doubt)) ?? last
    } catch (cause) {
      await begun
      const failure = asStepFailure(cause)
      const accepted = failure.outcome === 'partial' && step.kind === 'xrpc' && !step.undo
      if (accepted && step === steps.at(-1)) return { kind: 'unverified', failure }
      throw await undone(failure, step, index, undo, tools)
    }
    await begun
    await tools.mark?.('done', index)
  }
  return { kind: 'done', proof: last }
}

/** A lost answer is no failure yet where reading back will tell, and nothing else of the answer is wanted. */
function doubtOf(cause: unknown, step: LocalStep): Failure {
  const lost = cause instanceof Failure && cause.code === 'answer-lost'
  if (lost && step.kind === 'xrpc' && step.proof && step.keep === undefined) return cause
  throw cause
}

/** Proves one step; when it cannot be read back, nobody knows more than that the PDS accepted it. */
async function readBack(
  step: LocalStep,
  proof: Proof,
  tools: StepTools,
  doubt: Failure | undefined,
): Promise<DoubtfulProof | undefined> {
  try {
    const keep = (name: string, value: unknown) => void tools.kept.set(name, value)
    const whole = await withPasswords(proof, tools.vault)
    const status = await verify(tools.pds, whole, (place) => valueAt(tools.kept, place), keep)
    if (!status || !(tools.prompt || step.kind === 'check')) return status && { ...status, doubt }
    const now = (await verifyStatuses(tools.pds, [status])).get(status.did)
    if (now instanceof Failure) throw now
    tools.kept.set('now', { status: now })
    return undefined
  } catch (cause) {
    if (doubt) throw resolveDoubt(doubt, cause)
    if (step.kind === 'check')
      throw cause instanceof VerificationFailed ? failed(cause.code, cause.found) : cause
    const failure = asStepFailure(cause)
    throw failure.code === 'not-proven' ? failure : unread(failure)
  }
}

/** An error of the PDS that left it open whether the step was done is the failure itself, once it is seen not to be. */
export function resolveDoubt(doubt: Failure, seen: unknown): Failure {
  const { cause } = doubt
  return seen instanceof VerificationFailed && cause instanceof Failure && cause.code === 'pds-error'
    ? asStepFailure(cause)
    : doubt
}

/** What was accepted stands until somebody has looked. */
export const unread = (failure: Failure): Failure =>
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
  step: LocalStep,
  index: number,
  undo: readonly UndoStep[],
  tools: StepTools,
): Promise<Failure> {
  const { outcome, code } = failure
  const hint = (code === 'answer-lost' && step.kind === 'xrpc' && step.ifLost) || failure.hint
  const number = (tools.before ?? 0) + index + 1
  const lines = [failure.message]
  if (number > 1) lines.unshift(`step ${number} failed: ${step.why}`)
  // Accepted but not read back: it stands, unless its own undo takes it back.
  const stands = outcome === 'partial' && !(step.kind === 'xrpc' && step.undo)
  const back = await undoSteps(undo, tools)
  const end = outcome === 'partial' ? 'failed' : outcome
  return new Failure({
    outcome: stands || back.stands ? 'partial' : end,
    code,
    message: [...lines, ...back.lines].join('\n'),
    hint,
    cause: failure,
  })
}

/** What became of steps that were to be undone: a line each, and whether any of them stands. */
export interface Undoing {
  readonly lines: readonly string[]
  readonly stands: boolean
}

/** Undoes steps, the last first; one that cannot be undone keeps none of the others from it. */
export async function undoSteps(
  undo: readonly UndoStep[],
  tools: Pick<StepTools, 'pds' | 'kept' | 'vault' | 'runProgram'>,
): Promise<Undoing> {
  const { pds, kept, vault } = tools
  const lines: string[] = []
  let stands = false
  for (const back of undo.toReversed()) {
    try {
      await runLocalStep(back, tools)
      const proof = 'proof' in back ? back.proof : undefined
      if (proof) await verify(pds, await withPasswords(proof, vault), (place) => valueAt(kept, place))
      lines.push(`undone: ${back.why}`)
    } catch (problem) {
      stands = true
      const call = showStep(resolve(back, (place) => valueAt(kept, place)) as UndoStep)
      lines.push(`NOT undone: ${back.why}: ${asFailure(problem).message} (to do it by hand: ${call})`)
    }
  }
  return { lines, stands }
}
