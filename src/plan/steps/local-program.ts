import { type Failure, failed } from '../../base/failure.ts'
import type { Ended, Program } from '../../base/local-program.ts'
import { Secret } from '../../base/secret.ts'

/** A program of this machine; its words hold no secret. */
export interface RunStep {
  readonly kind: 'run'
  readonly why: string
  readonly file: string
  readonly words: readonly string[]
  /** What it reads, such as a whole crontab. */
  readonly stdin?: string | undefined
}

/** Runs programs of this machine to their end. */
export type RunProgram = (program: Program) => Promise<Ended>

/** A step that runs a program of this machine. */
export const program = (why: string, [file = '', ...words]: readonly string[], stdin?: string): RunStep => ({
  kind: 'run',
  why,
  file,
  words,
  ...(stdin !== undefined && { stdin }),
})

const deadline = 30_000

/** Carries such a step out; any end but exit code 0 is a Failure. */
export async function runProgramStep(step: RunStep, run: RunProgram): Promise<void> {
  const stdin = step.stdin === undefined ? undefined : new Secret(step.stdin)
  const ended = await run({ file: step.file, words: step.words, stdin, deadline, group: 'own' })
  if (ended.kind !== 'code' || ended.code !== 0) throw programFailed(step, ended)
}

function programFailed({ file, words }: RunStep, ended: Ended): Failure {
  const line = [file, ...words].join(' ')
  return failed('program-failed', `${line}: ${howItEnded(ended)}`, `run it by hand to see more: ${line}`)
}

function howItEnded(ended: Ended): string {
  switch (ended.kind) {
    case 'code':
      return `exit code ${ended.code}${ended.stderr.trim() ? `: ${ended.stderr.trim().slice(-300)}` : ''}`
    case 'signal':
      return `ended by ${ended.signal}`
    case 'late':
      return `not done within ${deadline / 1000} s, and ended`
    case 'not-started':
      return `cannot be run on this machine: ${ended.reason}`
  }
}
