import type { Secret } from './secret.ts'

/** What starts programs of this machine; loaded when one is first needed. */
export const loadExeca = async () => (await import('execa')).execa

/** A program of this machine to be run to its end; its words and environment never hold a secret. */
export interface Program {
  readonly file: string
  readonly words: readonly string[]
  /** Without it, the program reads nothing. */
  readonly stdin?: Secret | undefined
  /** Beside the environment of this process. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Milliseconds. */
  readonly deadline: number
  /**
   * `own`: what it has started ends with it, and Ctrl-C does not reach it;
   * `shared`: it stays in the terminal's session, for a program that is unlocked once per terminal.
   */
  readonly group: 'own' | 'shared'
}

/** How a program ended: by itself, by a signal, past its deadline, or it was never started. */
export type Ended =
  | { readonly kind: 'code'; readonly code: number; readonly stdout: string; readonly stderr: string }
  | { readonly kind: 'signal'; readonly signal: string; readonly stderr: string }
  | { readonly kind: 'late' }
  | { readonly kind: 'not-started'; readonly reason: string }

/** How long an end that was asked for may take, in milliseconds, before it is enforced. */
const grace = 2000

const outputLimit = 16 * 1024 * 1024

/** Runs a program of this machine; never throws for what the program does. */
export async function runProgram(program: Program): Promise<Ended> {
  const execa = await loadExeca()
  const { file, words, stdin, env, deadline, group } = program
  const child = execa(file, words, {
    reject: false,
    stripFinalNewline: false,
    maxBuffer: outputLimit,
    detached: group === 'own',
    ...(env && { env }),
    ...(stdin === undefined ? { stdin: 'ignore' } : { input: stdin.reveal() }),
  })
  const kill = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(group === 'own' ? -child.pid : child.pid, signal)
    } catch {
      // It has ended already.
    }
  }
  const givenUp = Promise.withResolvers<Ended>()
  let isLate = false
  let enforce: NodeJS.Timeout | undefined
  const timer = setTimeout(() => {
    isLate = true
    kill('SIGTERM')
    enforce = setTimeout(() => {
      kill('SIGKILL')
      // What has left the group may still hold these open.
      for (const stream of child.stdio) stream?.destroy()
      child.nodeChildProcess.unref()
      givenUp.resolve({ kind: 'late' })
    }, grace)
  }, deadline)
  const ended = await Promise.race([child.then(toEnded), givenUp.promise])
  clearTimeout(timer)
  clearTimeout(enforce)
  if (!isLate) return ended
  kill('SIGKILL')
  return { kind: 'late' }
}

interface Outcome {
  readonly exitCode?: number | undefined
  readonly signal?: string | undefined
  readonly stdout?: unknown
  readonly stderr?: unknown
  readonly originalMessage?: string | undefined
}

function toEnded({ exitCode, signal, stdout, stderr, originalMessage }: Outcome): Ended {
  if (signal !== undefined) return { kind: 'signal', signal, stderr: String(stderr ?? '') }
  if (exitCode === undefined) return { kind: 'not-started', reason: originalMessage ?? 'no reason given' }
  return { kind: 'code', code: exitCode, stdout: String(stdout ?? ''), stderr: String(stderr ?? '') }
}
