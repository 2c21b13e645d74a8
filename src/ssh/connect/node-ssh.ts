import { once } from 'node:events'
import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { NodeSSH } from 'node-ssh'
import type { AgentAuthMethod, Client, ConnectConfig } from 'ssh2'
import { interrupted, withDeadline } from '../../base/deadline.ts'
import type { Failure } from '../../base/failure.ts'
import { type HostKeyCheck, hostKeyCheck } from '../keys/host-key.ts'
import { type AskPassphrase, gatherKeys, type KeyRing } from '../keys/key-ring.ts'
import { createSession } from '../session/create-session.ts'
import type { Note, Session } from '../session.ts'
import type { Target } from '../target/target.ts'
import { type Link, openTunnel, startOn } from './channel.ts'
import { lostLink, type Trouble, whyNotConnected } from './connect-failures.ts'
import { type Dialing, dial, type Transport } from './dial.ts'
import { OpenSessions } from './open-sessions.ts'
import { PausableTimeout } from './pausable-timeout.ts'

/** How to connect, beside where to. */
export interface OpenOptions {
  readonly note?: Note | undefined
  readonly signal?: AbortSignal | undefined
  /** Absent: a key with a passphrase is of use only in an agent. */
  readonly askPassphrase?: AskPassphrase | undefined
  /** Milliseconds for the connection, the handshake and the login, each. */
  readonly timeout?: number | undefined
  /** Milliseconds between two signs of life; without an answer to three of them the link is lost. */
  readonly keepalive?: number | undefined
  /** A way to this very target that was set out on before, which is this session's from now on. */
  readonly dialing?: Dialing | undefined
}

/** Opens one SSH connection to a target; its host key is checked and keys are tried as OpenSSH would. */
export async function openSsh(target: Target, options: OpenOptions = {}): Promise<Session> {
  const { note, signal, askPassphrase, timeout } = options
  const way = options.dialing ?? dial(target, { timeout, person: askPassphrase ? 'yes' : 'no', signal })
  const { where, from } = way
  const what = `connecting to ${where}`
  const line = await withDeadline({ signal, what }, async () => {
    const parts = await prepare(target, options, way)
    if (signal?.aborted) throw interrupted(signal, what)
    return login(parts, target, way, options)
  }).catch((error: unknown) => {
    way.cancel()
    throw error
  })
  note?.(`connected to ${where}`, performance.now() - from)
  return createSession(
    {
      where,
      start: (command) => startOn(line.client, line.link, command),
      tunnel: (port) =>
        openTunnel((to) => line.ssh.forwardOut('127.0.0.1', 0, '127.0.0.1', to), line.link, port),
      dispose: () => hangUp(line),
    },
    { note, signal },
  )
}

/** What a login is made with. */
interface Parts {
  readonly check: HostKeyCheck
  readonly ring: KeyRing
  readonly transport: Transport
  readonly clock: PausableTimeout
}

/** A connection that stands. */
interface Line {
  readonly ssh: NodeSSH
  readonly client: Client
  readonly link: Link
  readonly transport: Transport
}

async function prepare(target: Target, { askPassphrase }: OpenOptions, way: Dialing): Promise<Parts> {
  const clock = new PausableTimeout(way.timeout)
  const [transport, check, ring] = await Promise.all([
    way.transport,
    hostKeyCheck(target),
    gatherKeys(target, askPassphrase && clock.pausedDuring(askPassphrase)),
  ])
  return { transport, check, ring, clock }
}

/** What has been seen of the far end so far. */
interface Seen {
  refused: Failure | undefined
  secured: 'yes' | 'no'
}

async function login(
  parts: Parts,
  target: Target,
  { where, timeout }: Dialing,
  { keepalive = 15_000 }: OpenOptions,
): Promise<Line> {
  const { check, ring, transport, clock } = parts
  const ssh = new NodeSSH()
  const link: Link = { where, lost: undefined, tunnels: new Set(), sessions: new OpenSessions() }
  const seen: Seen = { refused: undefined, secured: 'no' }
  const verify = (key: Buffer) => {
    seen.refused = check.refusal(key)
    return seen.refused === undefined
  }
  // Its own promise fails at any error event, even one that only means "on to the next key".
  ssh.connect(configOf(target, parts, { verify, keepalive })).catch(() => {})
  const client = ssh.connection as Client
  try {
    // A proxy that has ended by now tells nobody any more.
    if (transport.socket.destroyed) throw { message: 'it closed the connection' } satisfies Trouble
    await loggedIn(client, link, seen, clock)
    // Closing is what tells every channel that is open by then.
    client.on('error', transport.close)
    return { ssh, client, link, transport }
  } catch (trouble) {
    const said = seen.refused ? '' : await transport.said()
    transport.close()
    const { secured } = seen
    throw seen.refused ?? whyNotConnected(trouble as Trouble, { where, secured, timeout, ring, said })
  }
}

/** Resolves when the server lets us in; rejects with the first Trouble. */
function loggedIn(client: Client, link: Link, seen: Seen, clock: PausableTimeout): Promise<void> {
  const ready = Promise.withResolvers<void>()
  client.on('handshake', () => {
    seen.secured = 'yes'
    clock.restart()
  })
  client.once('ready', ready.resolve)
  watch(client, link, ready.reject)
  clock.start(() => ready.reject({ level: 'client-timeout', message: 'no answer' } satisfies Trouble))
  return ready.promise.finally(() => clock.stop())
}

/** Listens for as long as the client lives: an error event without a listener would end the process. */
function watch(client: Client, link: Link, fail: (trouble: Trouble) => void): void {
  let first: Trouble | undefined
  const lose = () => {
    link.lost ??= lostLink(link.where, first)
    for (const tunnel of link.tunnels) if (tunnel.listenerCount('error') > 0) tunnel.emit('error', link.lost)
    link.tunnels.clear()
    fail(first ?? { message: 'it closed the connection' })
  }
  client.on('error', (error: Trouble) => {
    if (error.level === 'agent') return
    first ??= error
    lose()
  })
  client.on('close', lose)
}

function configOf(
  target: Target,
  { check, ring, transport }: Parts,
  { verify, keepalive }: { verify: (key: Buffer) => boolean; keepalive: number },
): Parameters<NodeSSH['connect']>[0] {
  const keys: AgentAuthMethod = { type: 'agent', username: target.user, agent: ring }
  return {
    sock: transport.socket as NonNullable<ConnectConfig['sock']>,
    username: target.user,
    authHandler: [keys],
    hostVerifier: verify,
    algorithms: { ...algorithms, serverHostKey: [...check.algorithms] },
    keepaliveInterval: keepalive,
    keepaliveCountMax: 3,
    // Timed by our own clock, which stops while a passphrase is typed.
    readyTimeout: 0,
  }
}

/** No SHA-1, no CBC; AES-GCM first, since without its native addon ssh2 is fastest with it. */
const algorithms = {
  kex: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group-exchange-sha256',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group18-sha512',
    'diffie-hellman-group14-sha256',
  ],
  cipher: [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'aes128-ctr',
    'aes192-ctr',
    'aes256-ctr',
    'chacha20-poly1305@openssh.com',
  ],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  compress: ['none'],
} satisfies ConnectConfig['algorithms']

/**
 * Says goodbye. What was handed to the system's own socket gets out by itself, and the answer is not waited for: on a link
 * of 300 ms that is 0.8 round trips of every command. A proxy must pass it on first, and is not waited for long.
 */
async function hangUp({ ssh, client, link, transport }: Line): Promise<void> {
  if (link.lost === undefined) {
    const patience = new AbortController()
    const { socket } = transport
    const told = socket instanceof Socket ? [once(socket, 'finish', { signal: patience.signal })] : []
    const closed = once(client, 'close', { signal: patience.signal })
    const waited = sleep(250, undefined, { signal: patience.signal })
    ssh.dispose()
    await Promise.race([closed, waited, ...told]).catch(() => {})
    patience.abort()
    await Promise.allSettled([closed, waited, ...told])
  }
  transport.close()
}
