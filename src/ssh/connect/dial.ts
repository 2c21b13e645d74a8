import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Failure, unreachable } from '../../base/failure.ts'
import { ask } from '../shell.ts'
import { parseDestination } from '../target/destination.ts'
import type { Target } from '../target/target.ts'
import { noHandshake } from './connect-failures.ts'

/** A byte stream to the SSH port of a host. */
export interface Transport {
  readonly socket: Duplex
  /** What a proxy that failed had to say. */
  readonly said: () => Promise<string>
  readonly close: () => void
}

export interface DialOptions {
  /** Milliseconds until a connection must stand; those of the target's ConnectTimeout when absent. */
  readonly timeout?: number | undefined
  /** Whether a person can be asked by the ssh of a jump host. */
  readonly person: 'yes' | 'no'
  readonly signal?: AbortSignal | undefined
}

/** A transport that is being opened: the far end can get ready while what will speak to it is still being loaded. */
export interface Dialing {
  /** Where it leads, as `user@host:port`. */
  readonly where: string
  /** Milliseconds for each step of the way. */
  readonly timeout: number
  /** When it began, in the time of `performance.now()`. */
  readonly from: number
  /** Resolves once the far end is being called; how it went, `transport` tells. */
  readonly dialed: Promise<void>
  readonly transport: Promise<Transport>
  /** Closes the transport, which stands or is yet to come. */
  readonly cancel: () => void
}

/** Begins to connect to a target. Module loading blocks the event loop: await `dialed` first. */
export function dial(target: Target, { timeout, person, signal }: DialOptions): Dialing {
  const host = target.host.includes(':') ? `[${target.host}]` : target.host
  const limit = timeout ?? (target.connectTimeout > 0 ? target.connectTimeout * 1000 : 15_000)
  const dialed = Promise.withResolvers<void>()
  const transport = openTransport(target, { timeout: limit, person, signal, onCall: dialed.resolve })
  // Errors surface at the await of `transport`.
  transport.catch(() => {}).then(() => dialed.resolve())
  return {
    where: `${target.user}@${host}:${target.port}`,
    timeout: limit,
    from: performance.now(),
    dialed: dialed.promise,
    transport,
    cancel: () =>
      void transport.then(
        ({ close }) => close(),
        () => {},
      ),
  }
}

interface TransportOptions extends DialOptions {
  readonly timeout: number
  readonly onCall: () => void
}

/** Opens the stream that SSH will be spoken over: a socket, a ProxyCommand, or the system's ssh to a jump host. */
async function openTransport(target: Target, options: TransportOptions): Promise<Transport> {
  options.signal?.throwIfAborted()
  if (target.proxyJump !== undefined) return proxy(jumpCommand(target, target.proxyJump, options))
  if (target.proxyCommand !== undefined) return proxy(target.proxyCommand)
  const socket = await openSocket(target, options)
  return { socket, said: async () => '', close: () => void socket.destroy() }
}

/**
 * What OpenSSH itself runs for a ProxyJump: another ssh that connects its standard streams
 * to the host. It checks the key of each hop by that hop's own name and configuration.
 */
export function jumpCommand(
  target: Target,
  proxyJump: string,
  { person }: Pick<DialOptions, 'person'>,
): string {
  const hops = proxyJump.split(',')
  const last = hops.pop() ?? ''
  const words: string[] = []
  if (target.sshConfig !== undefined) words.push('-F', target.sshConfig)
  if (person === 'no') words.push('-o', 'BatchMode=yes')
  if (hops.length > 0) words.push('-J', hops.join(','))
  const { user, host, port } = last.startsWith('ssh://') ? uri(last) : parseDestination(last)
  if (user !== undefined) words.push('-l', user)
  if (port !== undefined) words.push('-p', String(port))
  return ask`ssh ${words} -W ${`[${target.host}]:${target.port}`} -- ${host}`.line
}

const uri = (host: string) => ({ user: undefined, host, port: undefined })

/** TCP_NODELAY from the start: with Nagle's algorithm each round trip of the handshake waits for a delayed ACK. */
function openSocket(
  { host, port, family }: Target,
  { timeout, signal, onCall }: TransportOptions,
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, family, noDelay: true, autoSelectFamilyAttemptTimeout: 1500 })
    const settle = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
    const fail = (error: unknown) => {
      settle()
      socket.destroy()
      reject(error)
    }
    const abort = () => fail(signal?.reason)
    // While ssh2 is loaded nothing is heard: a connection that stands by now is seen first.
    const late = () => socket.connecting && fail(noAnswer(host, port, timeout))
    const timer = setTimeout(() => setImmediate(late), timeout)
    signal?.addEventListener('abort', abort)
    // For good: it may be reset while ssh2 is loaded and keys are gathered, before anyone else listens;
    // that it is closed is seen then.
    socket.on('error', (error: NodeJS.ErrnoException) => fail(notConnected(error, host, port)))
    socket.once('connectionAttempt', onCall)
    socket.once('connect', () => {
      settle()
      resolve(socket)
    })
  })
}

function notConnected(error: NodeJS.ErrnoException, host: string, port: number): Failure {
  const at = `${host} port ${port}`
  switch (error.code) {
    case 'ECONNREFUSED':
      return unreachable(
        'ssh-refused',
        `${at} refused the connection`,
        'is sshd running, and on this port?',
        error,
      )
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return unreachable(
        'host-not-found',
        `there is no address for ${host} (${error.code})`,
        'check the name, and this machine’s DNS',
        error,
      )
    // Told of a connection that stood, but was reset before there was a turn to see it stand.
    case 'ECONNRESET':
      return noHandshake(at, 'it closed the connection', error)
    case 'ETIMEDOUT':
      return unreachable('ssh-timeout', `${at} did not answer`, firewall, error)
    default:
      return unreachable(
        'ssh-unreachable',
        `cannot connect to ${at} (${error.code ?? error.message})`,
        firewall,
        error,
      )
  }
}

const firewall = 'is the host up, and does its firewall let you through to this port?'

const noAnswer = (host: string, port: number, timeout: number) =>
  unreachable('ssh-timeout', `${host} port ${port} did not answer within ${timeout / 1000} s`, firewall)

/** Runs a proxy; Ctrl-C is for this process to decide on, and must not cut the line under an undo. */
function proxy(command: string): Transport {
  const child = spawn('sh', ['-c', `trap '' INT; exec ${command}`], { stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2000)
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  const socket = Duplex.from({ readable: child.stdout, writable: child.stdin })
  // It may end before anyone else listens; that it is closed is seen all the same.
  socket.on('error', () => {})
  child.once('error', (error) => socket.destroy(error))
  return {
    socket,
    async said() {
      // Its last words may come a moment after its stream has closed.
      await Promise.race([ended, sleep(500, undefined, { ref: false })])
      return said.trim()
    },
    close: () => {
      socket.destroy()
      end(child)
    },
  }
}

const end = (child: ChildProcess) => {
  child.stderr?.destroy()
  if (child.exitCode === null) child.kill()
  child.unref()
}
