import { Failure } from '../../src/base/failure.ts'
import type { Ended } from '../../src/base/local-program.ts'
import { commands as allCommands } from '../../src/commands/index.ts'
import type { Config } from '../../src/config/host-config.ts'
import { chooseHost } from '../../src/config/load.ts'
import type { ChangePlan, Pending } from '../../src/host/change/change.ts'
import { openTrail, type TrailEntry } from '../../src/host/trail/append.ts'
import type { Command } from '../../src/runner/command/command.ts'
import { main } from '../../src/runner/invoke/main.ts'
import type { World } from '../../src/runner/invoke/world.ts'
import { type Between, type Observer, observedPds, observedTrail, type PdsChange } from './observed.ts'
import { type ChangesScript, type HostChange, scriptedChanges } from './scripted-changes.ts'
import { type ScriptedHost, scriptedHost } from './scripted-host.ts'
import { type ScriptedPds, scriptedPds } from './scripted-pds.ts'
import type { ScriptedStore } from './scripted-store.ts'
import { scriptedTerminal, type TerminalScript } from './scripted-terminal.ts'

/** What a world is made of; what is left out is as usual: one host, an empty PDS, nobody at the terminal. */
export interface WorldScript {
  readonly pds?: ScriptedPds
  readonly host?: ScriptedHost
  readonly config?: Config
  readonly terminal?: TerminalScript
  readonly env?: NodeJS.ProcessEnv
  /** What is piped in. */
  readonly stdin?: string
  /** The files of this machine, by path. */
  readonly files?: Readonly<Record<string, string>>
  /** When they were last written; a year ago without it. */
  readonly modified?: Readonly<Record<string, string>>
  /** What the public sees at a URL. */
  readonly outside?: Readonly<Record<string, { status: number; text: string } | Failure>>
  readonly now?: string
  /** The table of commands, when it is not the real one. */
  readonly commands?: readonly Command[]
  /** Aborted as by Ctrl-C. */
  readonly stop?: AbortSignal
  /** What stands on the host at each look, in order. */
  readonly pendings?: readonly (Pending | undefined)[]
  /** What happens while something is waited for; absent, nothing is. */
  readonly sleep?: () => Promise<void>
  /** The streams of this process, for a program of the host. */
  readonly streams?: ReturnType<World['streams']>
  /** Why the PDS cannot be opened. */
  readonly closed?: Failure
  readonly between?: Between
  /** How changes of the host itself go; without it, nobody may begin one. */
  readonly hostChanges?: ChangesScript
  /** What a program of this machine comes to, by its line and what it reads. */
  readonly programs?: (line: string, stdin: string | undefined) => Ended
  /** The store of the admin password, by whatever name it is opened. */
  readonly store?: ScriptedStore
  /** What stands unfinished on the host; nothing does without it. */
  readonly pending?: Pending
  /** Whether what is opened may be opened again, by a command that begins anew. */
  readonly reopens?: true
}

/** How a run ended, and all that it did. */
export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** The changes that the PDS was asked for, in order. */
  readonly changes: readonly PdsChange[]
  /** What was run on the host that could change it, by its first line, in order; the writer of the trail is one. */
  readonly acts: readonly string[]
  /** What the host was told to do by itself, in order: a step in a line, `undo` before what is undone. */
  readonly hostSteps: readonly string[]
  /** What was begun, adopted, closed or left of changes to the host, in order, with the plan where one was written down. */
  readonly hostChanges: readonly HostChange[]
  readonly trail: readonly TrailEntry[]
  /** The questions that were asked. */
  readonly asked: readonly string[]
  readonly progress: readonly string[]
  /** Intents, changes, what was read, outcomes and writing to standard output, in order. */
  readonly happened: readonly string[]
}

export interface ScriptedWorld {
  readonly pds: ScriptedPds
  readonly host: ScriptedHost
  /** Lives one command line to its end; rejects when it did what nobody scripted, or left something open. */
  run(...argv: string[]): Promise<Ran>
}

/** What a run comes to that changes nothing and leaves no trace. */
export const nothing = { changes: [], acts: [], hostSteps: [], hostChanges: [], trail: [] } as const

/** A world of scripted values, in which command lines are lived by the real runner. */
export function scriptedWorld(script: WorldScript = {}): ScriptedWorld {
  const { pds = scriptedPds(), host = scriptedHost(), commands = allCommands } = script
  return {
    pds,
    host,
    async run(...argv) {
      const before = host.trail.length
      const acted = host.changes.length
      const it = observe(script, pds, host)
      const code = await main(argv, it.world, commands)
      // What was held back to be written when idle is written.
      await new Promise((resolve) => setImmediate(resolve))
      const stderr = it.terminal.stderr()
      if (stderr.includes('this is a bug in kimbia-ops')) throw new Error(stderr)
      it.check(host.trail.slice(before))
      return {
        code,
        stdout: it.terminal.stdout(),
        stderr,
        changes: it.changes,
        acts: host.changes.slice(acted).map((line) => line.split('\n')[0] ?? ''),
        hostSteps: it.hostSteps,
        hostChanges: it.hostChanges,
        trail: host.trail.slice(before),
        asked: it.terminal.asked,
        progress: it.terminal.progress,
        happened: it.happened,
      }
    },
  }
}

function observe(script: WorldScript, pds: ScriptedPds, host: ScriptedHost) {
  const happened: string[] = []
  const changes: PdsChange[] = []
  const hostSteps: string[] = []
  const hostChanges: HostChange[] = []
  const problems: unknown[] = []
  const opened: string[] = []
  const closed: string[] = []
  const problem = (text: string): Error => {
    const error = new Error(text)
    problems.push(error)
    return error
  }
  const observer: Observer = {
    happens: (what) => void happened.push(what),
    change: (change) => void changes.push(change),
    bug: (cause) => void problems.push(cause),
  }
  const terminal = scriptedTerminal(
    { ...script.terminal, ...(script.stdin !== undefined && { stdin: script.stdin }) },
    problem,
    () => happened.push('stdout'),
  )
  const between = script.between ?? ((_change, make) => make())
  const open = (what: string): void => void opened.push(what)
  const close = (what: string): void => void closed.push(what)

  let looks = 0
  const nextPending = () => script.pendings?.[Math.min(looks++, script.pendings.length - 1)]

  const world: World = {
    env: script.env ?? {},
    version: '1.2.3',
    terminal: terminal.open,
    clock: () => new Date(Date.parse(script.now ?? '2026-11-22T18:00:00.000Z') + terminal.spent()),
    newOperationId: () => operationId(new Set(host.trail.map(({ operation }) => operation)).size + 1),
    operator: () => ({ user: 'ana', machine: 'laptop' }),
    loadConfig: async () =>
      script.config ?? {
        file: '/config.yaml',
        exists: true,
        default: undefined,
        hosts: [await host.config()],
      },
    chooseHost: async (config, wanted) => chooseHost(config, { host: wanted, env: script.env ?? {} }, false),
    openHost() {
      open('host')
      return {
        ...host,
        async dispose() {
          close('host')
          await host.dispose()
        },
      }
    },
    async openPds() {
      if (script.closed) throw script.closed
      open('pds')
      const observed = observedPds(pds, observer, between)
      return {
        ...observed,
        dispose() {
          close('pds')
          observed.dispose()
        },
      }
    },
    async openChanges() {
      if (!script.hostChanges) throw problem('nothing is scripted for changes of the host')
      const keep = { happens: observer.happens, problem, steps: hostSteps, changes: hostChanges }
      return scriptedChanges({ pending: script.pending, ...script.hostChanges }, keep)
    },
    readPending: async () => (script.pendings ? nextPending() : script.pending),
    async openTrail(at) {
      const trail = await openTrail(at)
      open('trail')
      return observedTrail(trail, observer, () => close('trail'))
    },
    async openStore(name) {
      if (!script.store) throw problem(`nothing is scripted for the store ${name}`)
      return script.store.open(name)
    },
    async runProgram({ file, words, stdin }) {
      const line = [file, ...words].join(' ')
      if (!script.programs) throw problem(`nothing is scripted for the program: ${line}`)
      return script.programs(line, stdin?.reveal())
    },
    self: ['/usr/bin/node', '/opt/kimbia-ops/bin/kimbia-ops.js'],
    async readFile(path) {
      const text = script.files?.[path]
      if (text === undefined) throw new Error(`ENOENT: no such file ${path}`)
      return text
    },
    modifiedAt: async (path) => new Date(script.modified?.[path] ?? '2025-11-22T18:00:00.000Z'),
    async fetchPublic(url) {
      const answer = script.outside?.[url]
      if (answer === undefined) throw problem(`nothing is scripted for ${url}`)
      if (answer instanceof Failure) throw answer
      return answer
    },
    streams() {
      if (script.streams) return script.streams
      throw problem('nothing is scripted for the streams of this process')
    },
    stop: script.stop ?? new AbortController().signal,
    lastWords() {},
    async sleep() {
      if (!script.sleep) throw new Error('nobody waits here')
      await script.sleep()
    },
  }
  const check = (trail: readonly TrailEntry[]): void => {
    if (problems.length > 0) throw problems[0]
    if (host.unscripted.length > 0) throw new Error(`the host was asked: ${host.unscripted.join('; ')}`)
    if (terminal.left().length > 0) throw new Error(`nobody asked for ${JSON.stringify(terminal.left())}`)
    if (!script.reopens && new Set(opened).size < opened.length)
      throw new Error(`opened more than once: ${opened.join(', ')}`)
    if (opened.toSorted().join() !== closed.toSorted().join())
      throw new Error(`opened ${opened.join(', ')}, but closed only ${closed.join(', ')}`)
    checkPairs(trail, script.pending?.plan)
  }
  return { world, terminal, happened, changes, hostSteps, hostChanges, check }
}

/** Each outcome belongs to one intent before it, of the same change; that of a pending change was written before. */
function checkPairs(trail: readonly TrailEntry[], pending: ChangePlan | undefined): void {
  const intents = new Map<string, TrailEntry>()
  for (const entry of trail) {
    if (entry.event === 'intent') {
      if (intents.has(entry.id)) throw new Error(`two intents have the id ${entry.id}`)
      intents.set(entry.id, entry)
      continue
    }
    const intent = entry.id === pending?.id ? pending : intents.get(entry.id)
    if (intent?.subject !== entry.subject) throw new Error(`no intent for ${JSON.stringify(entry)}`)
  }
}

/** The id of the n-th run that wrote to the trail of a scripted host. */
export const operationId = (n: number): string => `20261122T180000Z-${String(n).padStart(4, '0')}`

/** The fields that the runner adds to a row that the n-th run changed, and to one that nothing was to do for. */
export const changedBy = (n: number) => ({ changed: true, operation: operationId(n) })
export const unchanged = { changed: false, operation: null }

/** The closing note of such a run, with its way back where it has one. */
export const closingNote = (n: number, way: 'undo' | 'none' = 'none'): string =>
  `note: operation ${operationId(n)}${way === 'undo' ? `; to undo it: kimbia-ops undo ${operationId(n)}` : ''}\n`

/** The objects of `--json` output, one a line. */
export const rowsOf = ({ stdout }: Ran): Record<string, unknown>[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** The error object that `--json` puts on standard error, as its last line. */
export function errorOf({ stderr }: Ran): Record<string, unknown> {
  const line = stderr.trimEnd().split('\n').at(-1) ?? ''
  if (!line.startsWith('{"error"')) throw new Error(`no error object on standard error: ${stderr}`)
  return JSON.parse(line).error
}

/** All that a PDS is asked to do to one account's status. */
export const statusChange = (did: string, takedown: { applied: boolean; ref?: string }): PdsChange => ({
  nsid: 'com.atproto.admin.updateSubjectStatus',
  input: { subject: { $type: 'com.atproto.admin.defs#repoRef', did }, takedown },
})

/** What a trail says, without what ties it together and who wrote it when. */
export const told = ({ trail }: Ran) =>
  trail.map(({ event, subject, outcome, message }) =>
    event === 'intent' ? `intent ${subject}` : `${outcome} ${subject}${message ? `: ${message}` : ''}`,
  )
