import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { type Failure, failed } from '../../src/base/failure.ts'
import { Secret } from '../../src/base/secret.ts'
import { type HostConfig, hostDefaults } from '../../src/config/host-config.ts'
import type { Host, Settings } from '../../src/host/access/host.ts'
import type { TrailEntry } from '../../src/host/trail/append.ts'
import type { Answer, Attached, Conversation, RunOptions } from '../../src/ssh/session.ts'
import type { Shell } from '../../src/ssh/shell.ts'

/** What a scripted line answers: its output, a whole answer, a Failure to throw, or a function of what it was given. */
export type Scripted =
  | string
  | Partial<Answer>
  | Error
  | ((line: string, stdin: string) => string | Partial<Answer> | Error)

export interface ScriptedHostOptions {
  readonly config?: Partial<HostConfig>
  readonly where?: string
  /** By how many milliseconds its clock is ahead of the operator's. */
  readonly clockOffset?: number
  /** Laid over the settings of a usual host; a Failure is thrown instead. */
  readonly settings?: Partial<Settings> | Failure
  /** Why an entry cannot be written; undefined writes it. Asked for each one. */
  readonly refuse?: (entry: TrailEntry) => string | undefined
  readonly tunnel?: (port: number) => Promise<Duplex>
}

/** A host that does what it is told and fails on everything else. */
export interface ScriptedHost extends Host {
  /** Scripts the answer to lines that contain or match `pattern`; the latest one that fits holds. */
  on(pattern: string | RegExp, answer: Scripted): ScriptedHost
  /** Makes every later use fail, as a lost line does. */
  fail(failure: Failure): void
  /** Every line that could change the host, in order; the writer of the trail is one. */
  readonly changes: string[]
  /** Every line that only reads, in order. */
  readonly asked: string[]
  /** What was written to the trail, in order. */
  readonly trail: TrailEntry[]
  /** What was asked of it that nobody had scripted. */
  readonly unscripted: string[]
  readonly disposed: () => boolean
}

const usualConfig: HostConfig = { name: 'kimbia', ssh: 'ops@pds.test', ...hostDefaults }

const usualSettings: Settings = {
  hostname: 'pds.test',
  port: 3000,
  adminPassword: new Secret('admin-password'),
  bypassKey: undefined,
  elevation: 'sudo',
  text: new Secret('PDS_HOSTNAME=pds.test\nPDS_ADMIN_PASSWORD=admin-password\n'),
}

/** Makes a scripted host; its trail is kept in memory. */
export function scriptedHost(options: ScriptedHostOptions = {}): ScriptedHost {
  const config: HostConfig = { ...usualConfig, ...options.config }
  const scripts: { readonly pattern: string | RegExp; readonly answer: Scripted }[] = []
  const [changes, asked, unscripted]: [string[], string[], string[]] = [[], [], []]
  const trail: TrailEntry[] = []
  let broken: Failure | undefined
  let closed = false

  const answerTo = (line: string, stdin: RunOptions['stdin']): Answer => {
    if (broken) throw broken
    const script = scripts.findLast(({ pattern }) =>
      typeof pattern === 'string' ? line.includes(pattern) : pattern.test(line),
    )
    // A host without sqlite3.
    if (!script && line.startsWith('# look into the accounts')) return { code: 0, stdout: '', stderr: '' }
    if (!script && line.startsWith('# read the trail'))
      return readTrailBy(line, `${config.dir}/kimbia-ops`, trail)
    if (!script) throw unknown(line)
    const { answer } = script
    const given = typeof answer === 'function' ? answer(line, textOf(stdin)) : answer
    if (given instanceof Error) throw given
    return { code: 0, stdout: '', stderr: '', ...(typeof given === 'string' ? { stdout: given } : given) }
  }
  const unknown = (line: string): Error => {
    unscripted.push(line)
    return new Error(`nothing is scripted for: ${line}`)
  }

  return {
    changes,
    asked,
    trail,
    unscripted,
    disposed: () => closed,
    on(pattern, answer) {
      scripts.push({ pattern, answer })
      return this
    },
    fail(failure) {
      broken = failure
    },
    config: async () => config,
    clockOffset: async () => options.clockOffset ?? 0,
    async where() {
      if (broken) throw broken
      return options.where ?? 'ops@pds.test:22'
    },
    async pdsEnv() {
      if (broken) throw broken
      if (options.settings instanceof Error) throw options.settings
      return { ...usualSettings, ...options.settings }.text
    },
    async settings() {
      if (broken) throw broken
      if (options.settings instanceof Error) throw options.settings
      return { ...usualSettings, ...options.settings }
    },
    async ask({ line }: Shell<'ask'>, { stdin }: RunOptions = {}) {
      asked.push(line)
      return answerTo(line, stdin)
    },
    async *lines({ line }: Shell<'ask'>) {
      asked.push(line)
      const { code, stdout, stderr } = answerTo(line, undefined)
      yield* stdout.split('\n').slice(0, stdout.endsWith('\n') ? -1 : undefined)
      if (code !== 0) throw failed('command-failed', `it ended with code ${code}: ${stderr}`)
    },
    async act({ line }: Shell<'act'>, { stdin }: RunOptions = {}) {
      changes.push(line)
      return answerTo(line, stdin)
    },
    async converse({ line }) {
      changes.push(line)
      if (broken) throw broken
      if (!line.includes('trail.jsonl')) throw unknown(line)
      return writerOf(trail, options.refuse, () => broken)
    },
    async prepare() {},
    async attach({ line }: Shell, { stdout, first }: Attached) {
      changes.push(line)
      const answer = answerTo(line, first)
      stdout.write(answer.stdout)
      return answer.code
    },
    async tunnel(port) {
      if (broken) throw broken
      if (!options.tunnel) throw unknown(`tunnel to port ${port}`)
      return options.tunnel(port)
    },
    async dispose() {
      closed = true
    },
  }
}

/** What the program that reads a trail makes of these entries: it is run by a real shell, on a file of its own. */
function readTrailBy(line: string, dir: string, trail: readonly TrailEntry[]): Answer {
  const place = mkdtempSync(join(tmpdir(), 'scripted-trail-'))
  try {
    writeFileSync(join(place, 'trail.jsonl'), trail.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
    const { status, stdout, stderr } = spawnSync('sh', ['-c', line.replaceAll(dir, place)], {
      encoding: 'utf8',
    })
    return { code: status ?? 1, stdout, stderr }
  } finally {
    rmSync(place, { recursive: true })
  }
}

function writerOf(
  trail: TrailEntry[],
  refuse: ((entry: TrailEntry) => string | undefined) | undefined,
  broken: () => Failure | undefined,
): Conversation {
  return {
    async say(line) {
      const failure = broken()
      if (failure) throw failure
      if (line === 'sync') return 'ok'
      const entry = JSON.parse(line) as TrailEntry
      const why = refuse?.(entry)
      if (why !== undefined) return why
      trail.push(entry)
      return 'ok'
    },
    end: async () => ({ code: 0, stdout: '', stderr: '' }),
  }
}

const textOf = (stdin: RunOptions['stdin']): string => {
  if (stdin instanceof Secret) return stdin.reveal()
  return stdin instanceof Uint8Array ? new TextDecoder().decode(stdin) : (stdin ?? '')
}
