import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { RigFacts } from '../../rig/host.ts'
import { bin } from './cli.ts'

/** A program on a terminal of its own, seen and typed to as by a person. */
export interface Screen {
  /** All that was written so far, escape sequences included. */
  text(): string
  /** Waits until the screen has shown this. */
  shows(wanted: string | RegExp): Promise<void>
  type(keys: string): void
  /** The exit code of the program. */
  readonly ended: Promise<number>
}

export interface ScreenOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly columns?: number
  /** What follows the program in the shell: `2>errors`, `| cat`. */
  readonly shell?: string
}

const open = new Set<ChildProcess>()

/** Ends what a test that failed has left waiting. */
export const endScreens = (): void => {
  for (const child of open) child.kill()
}

const word = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** Starts the built program on a new terminal. */
export function onScreen(rig: RigFacts, args: readonly string[], options: ScreenOptions = {}): Screen {
  const { env, columns = 120, shell = '' } = options
  const line = [process.execPath, bin, ...args].map(word).join(' ')
  const script = `stty rows 40 cols ${columns}; ${line} ${shell}`
  const { FORCE_COLOR, NO_COLOR, ...inherited } = process.env
  const child = spawn('script', ['-qec', script, '/dev/null'], {
    env: { ...inherited, CI: '', SHELL: '/bin/sh', TERM: 'xterm', PAGER: 'cat', ...rig.env, ...env },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  open.add(child)
  let seen = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    seen += chunk
  })
  child.stdin.on('error', () => {})
  const ended = once(child, 'close').then(([code]) => {
    child.stdin.end()
    open.delete(child)
    return code as number
  })
  let over = false
  void ended.then(() => {
    over = true
  })
  const found = (wanted: string | RegExp): boolean =>
    typeof wanted === 'string' ? seen.includes(wanted) : wanted.test(seen)
  return {
    text: () => seen,
    async shows(wanted) {
      while (!found(wanted)) {
        if (over) throw new Error(`the program ended without showing ${wanted}:\n${seen}`)
        await Promise.race([once(child.stdout, 'data'), ended])
      }
    },
    type: (keys) => void child.stdin.write(keys),
    ended,
  }
}

/** A text without what only colours and moves, and without the status lines that were wiped. */
export const plain = (text: string): string =>
  text
    .replace(/[^\r\n]*\r\u001b\[K/g, '')
    .replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '')
    .replaceAll('\r', '')
