import { type Failure, failed } from '../base/failure.ts'
import { type Ended, runProgram } from '../base/local-program.ts'
import { Secret } from '../base/secret.ts'
import { held, said } from './verify.ts'

/** Which of the two passwords a line is run for. */
export type Slot = 'pending' | 'current'

/** A line for sh on this machine, from the config, and what it is told beside the password. */
export interface Line {
  readonly line: string
  /** What a Failure calls it; the line itself is quoted nowhere, it may be private. */
  readonly what: string
  readonly slot: Slot
  readonly hostName: string
}

/** Milliseconds that a program of a store may take, a person's answer to its question included. */
export const deadline = 60_000

/** Gives the password to a line, on standard input, with a newline. */
export async function writeTo(line: Line, secret: Secret): Promise<void> {
  outputOf(await run(line, new Secret(`${secret.reveal()}\n`)), line.what, [secret])
}

/** The password that a line prints. */
export async function readFrom(line: Line): Promise<Secret | undefined> {
  const ended = await run(line)
  return held(outputOf(ended, line.what, ended.kind === 'code' ? [new Secret(ended.stdout.trim())] : []))
}

/** Looks whether the program that a line begins with is there, where it begins with a plain name. */
export async function checkLine({ line, what }: Pick<Line, 'line' | 'what'>): Promise<void> {
  const [program] = /^[\w./~+-]+(?=\s|$)/.exec(line.trim()) ?? []
  if (!program || program.startsWith('~')) return
  const words = ['-c', 'command -v -- "$1" >/dev/null', 'sh', program]
  const ended = await runProgram({ file: 'sh', words, deadline, group: 'own' })
  if (ended.kind === 'code' && ended.code !== 0) throw missing(what, program, 'command not found')
  outputOf(ended, what, [])
}

/** What a program printed; any end but success is a Failure that says how it ended, without these secrets. */
export function outputOf(ended: Ended, what: string, hidden: readonly Secret[]): string {
  switch (ended.kind) {
    case 'code':
      if (ended.code === 0) return ended.stdout
      throw refused(`${what} ended with exit code ${ended.code}${said(ended.stderr, hidden)}`)
    case 'signal':
      throw refused(`${what} was ended by ${ended.signal}${said(ended.stderr, hidden)}`)
    case 'late':
      throw failed(
        'store-timeout',
        `${what} was not done within ${deadline / 1000} s, and was ended`,
        'does it wait for a password or a key? unlock it, then try again',
      )
    case 'not-started':
      throw missing(what, 'it', ended.reason)
  }
}

/** A program that a store needs is not on this machine. */
const missing = (what: string, program: string, reason: string): Failure =>
  failed(
    'store-tool-missing',
    `${what} cannot be used: ${program} cannot be run on this machine: ${reason}`,
    'install it, or put its folder in PATH',
  )

const refused = (message: string): Failure =>
  failed('store-refused', message, 'run the program by hand to see what it wants, then try again')

function run({ line, slot, hostName }: Line, stdin?: Secret): Promise<Ended> {
  const env = { KIMBIA_OPS_SLOT: slot, KIMBIA_OPS_HOST: hostName }
  return runProgram({ file: 'sh', words: ['-c', line], stdin, env, deadline, group: 'own' })
}
