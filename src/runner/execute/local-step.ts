import { Failure, failed } from '../../base/failure.ts'
import { Secret } from '../../base/secret.ts'
import type { Procedures } from '../../pds/xrpc/client.ts'
import { runProgramStep } from '../../plan/steps/local-program.ts'
import { resolve } from '../../plan/steps/placeholders.ts'
import type { LocalStep } from '../../plan/steps/step.ts'
import { runStoreStep } from '../../plan/steps/store.ts'
import type { StepTools } from '../../plan/steps/tools.ts'
import { saveFile } from './save-file.ts'

/** Carries one step of this machine out; what it answers is kept for later() under the name that the step gives. */
export async function runLocalStep(
  step: LocalStep,
  { kept, pds, vault, runProgram }: Pick<StepTools, 'kept' | 'pds' | 'vault' | 'runProgram'>,
): Promise<void> {
  const of = (place: string): unknown => valueAt(kept, place)
  switch (step.kind) {
    case 'xrpc': {
      const input = resolve(step.input, of, (leaf) => (leaf instanceof Secret ? leaf.reveal() : leaf))
      const options = { as: step.as, repeatable: step.repeatable }
      const answer = await pds.call(
        step.nsid,
        input as Procedures[typeof step.nsid]['input'] as never,
        options,
      )
      if (step.keep) kept.set(step.keep, answer)
      return
    }
    case 'raw': {
      const answer = await pds.post(step.nsid, step.body, step.contentType, { as: step.as })
      if (step.keep) kept.set(step.keep, { answer: parseAnswer(answer.body) })
      return
    }
    case 'save':
      return await saveFile(step)
    case 'store':
      if (!vault) throw new TypeError('a step about a store stands where none can be opened')
      return await runStoreStep(step, vault)
    case 'run':
      if (!runProgram) throw new TypeError('a program stands where none can be run')
      return await runProgramStep(step, runProgram)
    case 'check':
    case 'note':
      // The proof of a check is all there is to it, read back as that of any step; a note is only recorded.
      return
  }
}

function parseAnswer(body: Uint8Array): unknown {
  const text = new TextDecoder().decode(body)
  try {
    return text === '' ? null : JSON.parse(text)
  } catch {
    return text
  }
}

/** The value at `name.field.field` among the answers kept so far. */
export function valueAt(kept: ReadonlyMap<string, unknown>, place: string): unknown {
  const [name = '', ...fields] = place.split('.')
  return fields.reduce<unknown>(
    (value, field) => (value as Record<string, unknown> | undefined)?.[field],
    kept.get(name),
  )
}

/** A PDS that answers a change with an error was reached: this step has failed, the next target may not. */
export function asStepFailure(cause: unknown): Failure {
  const failure = asFailure(cause)
  const { code, message, hint } = failure
  return code === 'pds-error' ? failed(code, message, hint, cause) : failure
}

/** Whatever was thrown, as a Failure; what is none is a bug, told with its stack. */
export const asFailure = (cause: unknown): Failure => {
  if (cause instanceof Failure) return cause
  if (cause instanceof Error)
    return failed(
      'bug',
      `${cause.message} (this is a bug in kimbia-ops: ${cause.stack ?? cause.name})`,
      undefined,
      cause,
    )
  return failed('bug', String(cause))
}
