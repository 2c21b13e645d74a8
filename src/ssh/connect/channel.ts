import type { Duplex, Readable } from 'node:stream'
import { type Failure, unreachable } from '../../base/failure.ts'
import { loginShellLine } from '../session/command-line.ts'
import { givenUp } from '../session/create-session.ts'
import type { Exit, ProcessSpec, RemoteProcess } from '../session/remote-process.ts'
import { isFull, noChannel, noTunnel, type Refusal } from './channel-failures.ts'
import type { OpenSessions } from './open-sessions.ts'

/** What is used of ssh2's client. */
export interface Client {
  exec(
    command: string,
    options: { pty?: { rows: number; cols: number; term: string } },
    done: (error: Error | undefined, channel: Channel) => void,
  ): unknown
}

/** What is used of the channels that it opens. */
export interface Channel extends Duplex {
  readonly stderr: Readable
  close(): void
  setWindow(rows: number, columns: number, height: number, width: number): void
}

/** The life of the connection that its channels depend on. */
export interface Link {
  readonly where: string
  /** Why the connection is gone, once it is. */
  lost: Failure | undefined
  readonly tunnels: Set<Duplex>
  readonly sessions: OpenSessions
}

/**
 * Starts a command line in sh, whatever the login shell is (RFC 4254, section 6.5). Where the server has no room for one
 * more session, it waits for one of ours that ends by itself.
 */
export async function startOn(client: Client, link: Link, command: ProcessSpec): Promise<RemoteProcess> {
  for (;;) {
    try {
      return await link.sessions.run(open(client, link, command), command.lasts === 'yes')
    } catch (error) {
      if (link.lost) throw link.lost
      if (!isFull(error) || (await link.sessions.room()) === 'no')
        throw noChannel(link.where, error, link.sessions.count)
      if (command.isGivenUp?.()) throw givenUp(command.what)
    }
  }
}

/** A command, and when its session is closed: one that is given up may go on for a while. */
interface Opened extends RemoteProcess {
  readonly closed: Promise<unknown>
}

function open(client: Client, link: Link, { line, mark, what, tty }: ProcessSpec): Promise<Opened> {
  const command = loginShellLine({ line, mark })
  const pty = tty && { rows: tty.rows, cols: tty.columns, term: tty.term }
  return new Promise((resolve, reject) => {
    if (link.lost) return reject(link.lost)
    try {
      client.exec(command, pty ? { pty } : {}, (error, channel) => {
        if (error) reject(error)
        else resolve(runningOn(channel, client, link, what))
      })
    } catch (error) {
      reject(error)
    }
  })
}

/** A connection from the host to a port of its own loopback (RFC 4254, section 7.2). */
export async function openTunnel(
  forward: (port: number) => Promise<Duplex>,
  link: Link,
  port: number,
): Promise<Duplex> {
  if (link.lost) throw link.lost
  try {
    const channel = await forward(port)
    link.tunnels.add(channel)
    channel.once('close', () => link.tunnels.delete(channel))
    return channel
  } catch (error) {
    throw link.lost ?? noTunnel(error as Refusal, port, link.where)
  }
}

function runningOn(channel: Channel, client: Client, link: Link, what: string): Opened {
  const ended = Promise.withResolvers<Exit>()
  const closed = new Promise((resolve) => channel.once('close', resolve))
  let ending: Exit | undefined
  channel.on('exit', (code: number | null, signal?: string) => {
    ending = code === null ? { kind: 'signal', signal: signal ?? 'a signal' } : { kind: 'code', code }
  })
  channel.on('error', () => {})
  channel.once('close', () => {
    // A channel closes without an exit code when the line drops: that is no success.
    const last: Exit = ending ?? { kind: 'lost', failure: link.lost ?? noExit(what) }
    whenRead(channel, () => ended.resolve(last))
  })
  return {
    stdin: channel,
    stdout: channel,
    stderr: channel.stderr,
    ended: ended.promise,
    closed,
    stop() {
      ended.resolve({ kind: 'lost', failure: givenUp(what) })
      channel.resume()
      channel.stderr.resume()
      terminate(client, channel)
      channel.close()
    },
    resize: (rows, columns) => channel.setWindow(rows, columns, 0, 0),
  }
}

/**
 * Closing a channel leaves its command running, a signal ends it (RFC 4254, section 6.9).
 * ssh2's own `signal` sends none once the standard input is closed, which it mostly is.
 */
function terminate(client: Client, channel: Channel): void {
  const { _protocol: protocol } = client as { _protocol?: { signal?: (id: number, name: string) => void } }
  const { outgoing } = channel as { outgoing?: { id: number; state: string } }
  if (outgoing?.state === 'open' || outgoing?.state === 'eof') protocol?.signal?.(outgoing.id, 'TERM')
}

/** The channel closes after its standard output is read; standard error may still have some to give. */
function whenRead({ stderr }: Channel, then: () => void): void {
  if (stderr.readableEnded || stderr.destroyed) then()
  else stderr.once('end', then)
}

const noExit = (what: string) =>
  unreachable('link-lost', `its channel was closed without a word on how it ended: ${what}`)
