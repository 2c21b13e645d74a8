import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { RigFacts } from '../../rig/host.ts'

/** The program that is tested. */
export const bin = join(import.meta.dirname, '../../bin/kimbia-ops.js')

/** What a finished run left behind. */
export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** The most memory that it held, where that was to be measured (getrusage, `ru_maxrss`). */
  readonly peakMegabytes?: number | undefined
}

export interface RunOptions {
  /** Whether the result tells how much memory it took. */
  readonly measure?: 'memory'

  /** Written to standard input; `closed` starts the program without one; absent is empty. */
  readonly stdin?: string | 'closed'
  /** Where standard output goes instead of to the test, such as /dev/full. */
  readonly stdout?: string
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Has a program say at its end how much memory it has held at most, in kB. */
const measuring = `data:text/javascript,process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS + '\\n'))`

/** Starts the built program against a rig, as a script would: no terminal anywhere. */
export function start(
  rig: RigFacts | undefined,
  args: readonly string[],
  { stdin, stdout, env, measure }: RunOptions = {},
): ChildProcess {
  const words = [process.execPath, ...(measure ? ['--import', measuring] : []), bin, ...args]
  const line = `exec "$@"${stdin === 'closed' ? ' <&-' : ''}${stdout === undefined ? '' : ` >${stdout}`}`
  const [command, ...rest] = ['sh', '-c', line, 'sh', ...words]
  const child = spawn(command as string, rest, {
    env: { ...process.env, CI: '', ...rig?.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.stdin?.on('error', () => {})
  child.stdin?.end(stdin === 'closed' ? '' : (stdin ?? ''))
  return child
}

/** Runs the built program to its end. */
export async function run(
  rig: RigFacts | undefined,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  return await ended(start(rig, args, options))
}

/** The end of a program that was started. */
export async function ended(child: ChildProcess): Promise<Ran> {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk))
  const [code] = (await once(child, 'close')) as [number | null]
  const said = Buffer.concat(stderr).toString()
  const [, peak] = /^peak (\d+)$/m.exec(said) ?? []
  return {
    code,
    stdout: Buffer.concat(stdout).toString(),
    stderr: said.replace(/^peak \d+\n/m, ''),
    ...(peak && { peakMegabytes: Number(peak) / 1024 }),
  }
}

/** The objects of `--json` output, one a line. */
export const rows = <T = Record<string, unknown>>({ stdout }: Pick<Ran, 'stdout'>): T[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)

/** The only object of `--json` output. */
export function row<T = Record<string, unknown>>(ran: Ran): T {
  const all = rows<T>(ran)
  if (all.length !== 1) throw new Error(`expected one row, got ${all.length}: ${ran.stdout}${ran.stderr}`)
  return all[0] as T
}

/** The error object that `--json` puts on stderr, behind any notes. */
export function problem(ran: Ran): {
  code: string
  message: string
  hint?: string
  [detail: string]: unknown
} {
  const line = ran.stderr.split('\n').find((text) => text.startsWith('{"error"'))
  if (line === undefined) throw new Error(`no error object on stderr: ${ran.stderr}`)
  return JSON.parse(line).error
}
