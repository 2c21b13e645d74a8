import type { Duplex } from 'node:stream'
import { type Failure, unreachable } from '../failure.ts'
import { attachTo } from './attach.ts'
import { conversationWith } from './conversation.ts'
import { brief, collect, type Running, type Start } from './running.ts'
import type { Answer, Attached, Note, RunOptions, Session } from './session.ts'
import type { Shell } from './shell.ts'
import { type Limits, within } from './within.ts'

/** The few things in which one way to a host differs from another. */
export interface Wire {
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
    'is the PDS running, and is this its port? on the host: docker ps, docker logs --tail 50 pds',
    cause,
  )

/** How a stopped command counts for whoever still waits for it. */
export const givenUp = (line: string): Failure => unreachable('given-up', `given up: ${brief(line)}`)

const defaultDeadline = 30_000

/** A session over a wire: how commands are timed, fed, read and told of is the same for all. */
export function sessionOver(wire: Wire, note: Note = () => {}): Session {
  const run = (
    { line }: Shell,
    { stdin, deadline = defaultDeadline, signal }: RunOptions = {},
  ): Promise<Answer> => {
    const what = `${brief(line)} (on ${wire.where})`
    return timed(note, line, () =>
      started(wire, line, { deadline, signal, what }, (running) => collect(running, stdin, what)),
    )
  }
  return {
    where: wire.where,
    ask: run,
    act: run,
    async converse({ line }) {
      const what = `${brief(line)} (on ${wire.where})`
      const running = await timed(note, line, () =>
        started(wire, line, { deadline: defaultDeadline, what }, async (one) => one),
      )
      return conversationWith(running, what)
    },
    attach({ line }, attached) {
      const limits = { signal: attached.signal, what: brief(line) }
      return timed(
        note,
        line,
        () =>
          wire.inherit?.(line, attached) ??
          started(wire, line, limits, (running) => attachTo(running, attached), attached.tty),
      )
    },
    tunnel: (port) => openTunnel(wire, port),
    dispose: () => wire.dispose(),
  }
}

/** A stream that comes too late is of no use to anyone. */
const openTunnel = (wire: Wire, port: number): Promise<Duplex> =>
  within(
    { deadline: defaultDeadline, what: `a connection to port ${port} of ${wire.where}` },
    async (onStop) => {
      const stream = await wire.tunnel(port)
      onStop(() => stream.destroy())
      return stream
    },
  )

/** Starts a command and uses it, within limits; at a limit it is stopped, even one that starts only then. */
const started = <T>(
  wire: Wire,
  line: string,
  limits: Limits,
  use: (running: Running) => Promise<T>,
  tty?: Attached['tty'],
): Promise<T> =>
  within(limits, async (onStop) => {
    const running = await wire.start(line, tty)
    onStop(() => running.stop())
    return use(running)
  })

async function timed<T>(note: Note, line: string, work: () => Promise<T>): Promise<T> {
  const from = performance.now()
  try {
    return await work()
  } finally {
    note(`$ ${brief(line, 500)}`, performance.now() - from)
  }
}
