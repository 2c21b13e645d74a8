import type { Duplex } from 'node:stream'
import { type Limits, withDeadline } from '../../base/deadline.ts'
import { type Failure, unreachable } from '../../base/failure.ts'
import type { Answer, Attached, Note, RunOptions, Session } from '../session.ts'
import type { Shell } from '../shell.ts'
import { attachTo } from './attach.ts'
import { conversationWith } from './conversation.ts'
import { betweenMarks, type MarkedRunning } from './marked-output.ts'
import { brief, collect, type ProcessSpec, type RemoteProcess, type Start } from './remote-process.ts'
import { linesOf } from './stream-lines.ts'

/** The few things in which one way to a host differs from another. */
export interface Connection {
  readonly where: string
  readonly start: Start
  tunnel(port: number): Promise<Duplex>
  dispose(): Promise<void>
  /** Runs on the operator's own terminal, where the wire can hand that over as it is. */
  readonly inherit?: ((line: string, attached: Attached) => Promise<number> | undefined) | undefined
}

/** A tunnel led to a port on which nobody answers. */
export const nothingListens = (port: number, where: string, cause?: unknown): Failure =>
  unreachable(
    'tunnel-refused',
    `nothing listens on 127.0.0.1:${port} (on ${where})`,
    'is the PDS running, and is this its port? see: kimbia-ops ps, kimbia-ops logs --tail 50',
    cause,
  )

/** How a stopped command counts for whoever still waits for it. */
export const givenUp = (what: string): Failure => unreachable('given-up', `given up: ${what}`)

const defaultDeadline = 30_000

/** How long a line of `--verbose` may be. */
const noteLength = 96

/** Whom a session tells of what it does, and what ends the wait for something new to begin. */
export interface Surroundings {
  readonly note?: Note | undefined
  readonly signal?: AbortSignal | undefined
}

/** A session over a wire: how commands are timed, fed, read and told of is the same for all. */
export function createSession(
  wire: Connection,
  { note = () => {}, signal: ending }: Surroundings = {},
): Session {
  const named = (line: string) => ({ line, what: `${brief(line)} (on ${wire.where})`, mark: newMark() })
  const run = (
    { line }: Shell,
    { stdin, deadline = defaultDeadline, signal }: RunOptions = {},
  ): Promise<Answer> => {
    const command = named(line)
    return timed(note, shown(line), () =>
      started(wire, command, { deadline, signal }, (running) => collect(running, stdin, command.what)),
    )
  }
  return {
    where: wire.where,
    ask: run,
    act: run,
    async *lines({ line }, options = {}) {
      const command = { ...named(line), lasts: 'yes' } as const
      const { signal = ending } = options
      const limits = { deadline: defaultDeadline, signal }
      const running = await timed(note, shown(line), () =>
        started(wire, command, limits, async (one) => {
          await one.begun
          return one
        }),
      )
      yield* linesOf(running, { ...options, signal }, command.what)
    },
    async converse({ line }, { deadline = defaultDeadline } = {}) {
      const command = { ...named(line), lasts: 'yes' } as const
      const running = await timed(note, shown(line), () =>
        started(wire, command, { deadline, signal: ending }, async (one) => one),
      )
      return conversationWith(running, { deadline, what: command.what })
    },
    attach({ line }, attached) {
      const { tty, signal } = attached
      // Its arguments are the operator's own, and may hold a password: they are named nowhere.
      const command = { line, what: `a program of the host (on ${wire.where})`, tty, lasts: 'yes' } as const
      const join = (running: RemoteProcess) => attachTo(running, attached)
      const begin = () =>
        // On a terminal what a login shell says is for the person who sits there.
        tty
          ? startedAsIs(wire, command, { signal }, join)
          : started(wire, { ...command, mark: newMark() }, { signal }, join)
      return timed(note, 'attached a program of the host', () => wire.inherit?.(line, attached) ?? begin())
    },
    tunnel: (port) => openTunnel(wire, port),
    dispose: () => wire.dispose(),
  }
}

/** A stream that comes too late is of no use to anyone. */
const openTunnel = (wire: Connection, port: number): Promise<Duplex> =>
  withDeadline(
    { deadline: defaultDeadline, what: `a connection to port ${port} of ${wire.where}` },
    async (onStop) => {
      const stream = await wire.tunnel(port)
      onStop(() => stream.destroy())
      return stream
    },
  )

/** Starts a command of which only what stands between its marks is heard, and uses it, within limits. */
const started = <T>(
  wire: Connection,
  command: ProcessSpec & { readonly mark: string },
  limits: Omit<Limits, 'what'>,
  use: (running: MarkedRunning) => Promise<T>,
): Promise<T> => {
  const { where } = wire
  const start = async (it: ProcessSpec) => betweenMarks(await wire.start(it), { ...command, where })
  return startedAsIs({ start }, command, limits, use)
}

/** Starts a command and uses it, within limits; at a limit it is stopped, even one that starts only then. */
const startedAsIs = <R extends RemoteProcess, T>(
  { start }: { readonly start: (command: ProcessSpec) => Promise<R> },
  command: ProcessSpec,
  limits: Omit<Limits, 'what'>,
  use: (running: R) => Promise<T>,
): Promise<T> =>
  withDeadline({ ...limits, what: command.what }, async (onStop) => {
    let over = false
    onStop(() => {
      over = true
    })
    const running = await start({ ...command, isGivenUp: () => over })
    onStop(() => running.stop())
    return use(running)
  })

/** Known to nobody before: what a command prints, or reads out of a file, cannot hold it. */
const newMark = (): string => crypto.randomUUID().replaceAll('-', '').slice(0, 16)

const shown = (line: string) => `$ ${brief(line, noteLength)}`

async function timed<T>(note: Note, text: string, work: () => Promise<T>): Promise<T> {
  const from = performance.now()
  try {
    return await work()
  } finally {
    note(text, performance.now() - from)
  }
}
