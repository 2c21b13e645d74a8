import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import ssh2, { type AuthContext, type Connection, type ServerChannel, type Session } from 'ssh2'

const run = promisify(execFile)

/** What the server is like; every switch is off by default. */
export interface ServerOptions {
  /** Host keys, the text of private key files; a fresh ed25519 key by default. */
  readonly hostKeys?: readonly string[]
  /** Whether a public key, in wire format, may log in; any may by default. */
  readonly admits?: (publicKey: Buffer) => boolean
  readonly forwarding?: 'prohibited'
  /** What an exec request does in place of running the command. */
  readonly exec?: 'refused' | 'close without exit'
  /** As whom and with what environment commands run; as this process by default. */
  readonly runAs?: Pick<SpawnOptions, 'uid' | 'gid' | 'cwd' | 'env'>
  /** Hangs up on whoever has this many refused attempts. */
  readonly maxAuthTries?: number
}

/** A small real SSH server on loopback, in this process, whose commands are run by sh. */
export interface SshServer extends AsyncDisposable {
  readonly port: number
  /** `type base64` of its first host key. */
  readonly hostKey: string
  /** The command lines it was asked to run. */
  readonly commands: readonly string[]
  /** The terminals it was asked for. */
  readonly terminals: readonly string[]
  /** The public keys that were offered, in order and wire format. */
  readonly offered: readonly Buffer[]
  /** The signatures that were given: how often a private key was used. */
  readonly signed: readonly Buffer[]
}

/** Starts the server on an ephemeral port. */
export async function startSshServer(options: ServerOptions = {}): Promise<SshServer> {
  const hostKeys = options.hostKeys ?? [await freshHostKey()]
  const seen: Seen = {
    commands: [],
    terminals: [],
    offered: [],
    signed: [],
    children: new Set(),
    connections: new Set(),
  }
  const ssh = new ssh2.Server({ hostKeys: [...hostKeys] }, (client) => serve(client, options, seen))
  const server = createServer({ noDelay: true }, (socket) => ssh.injectSocket(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    hostKey: publicLine(hostKeys[0] ?? ''),
    commands: seen.commands,
    terminals: seen.terminals,
    offered: seen.offered,
    signed: seen.signed,
    async [Symbol.asyncDispose]() {
      for (const child of seen.children) kill(child, 'SIGKILL')
      for (const client of seen.connections) client.end()
      server.close()
      await once(server, 'close')
    },
  }
}

interface Seen {
  readonly commands: string[]
  readonly terminals: string[]
  readonly offered: Buffer[]
  readonly signed: Buffer[]
  readonly children: Set<ChildProcess>
  readonly connections: Set<Connection>
}

function serve(client: Connection, options: ServerOptions, seen: Seen): void {
  seen.connections.add(client)
  client.on('close', () => seen.connections.delete(client))
  client.on('error', () => {})
  let refused = 0
  client.on('authentication', (attempt) => {
    if (admit(attempt, options, seen)) return attempt.accept()
    refused++
    if (refused === options.maxAuthTries) client.end()
    else attempt.reject(['publickey'])
  })
  client.on('ready', () => {
    client.on('session', (accept) => serveSession(accept(), options, seen))
    // ssh2 itself answers "prohibited" where nobody listens for it.
    if (options.forwarding === 'prohibited') return
    client.on('tcpip', (accept, reject, { destIP, destPort }) => {
      const socket = connect({ host: destIP, port: destPort, noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject).on('error', () => {})
        const channel = accept()
        channel.on('error', () => {})
        channel.pipe(socket).pipe(channel)
      })
    })
  })
}

function admit(attempt: AuthContext, options: ServerOptions, seen: Seen): boolean {
  if (attempt.method !== 'publickey') return false
  const blob = attempt.key.data
  if (attempt.signature === undefined) seen.offered.push(blob)
  if (options.admits && !options.admits(blob)) return false
  if (attempt.signature === undefined) return true
  seen.signed.push(blob)
  const key = ssh2.utils.parseKey(blob)
  if (key instanceof Error || attempt.blob === undefined) return false
  return key.verify(attempt.blob, attempt.signature, attempt.hashAlgo) === true
}

function serveSession(session: Session, options: ServerOptions, seen: Seen): void {
  session.on('pty', (accept, _reject, info) => {
    seen.terminals.push(`${(info as { term?: string }).term} ${info.rows}x${info.cols}`)
    accept?.()
  })
  session.on('window-change', (accept, _reject, info) => {
    seen.terminals.push(`${info.rows}x${info.cols}`)
    accept?.()
  })
  session.on('exec', (accept, reject, { command }) => {
    seen.commands.push(command)
    if (options.exec === 'refused') return reject()
    const channel = accept()
    if (options.exec === 'close without exit') return channel.close()
    runCommand(session, channel, command, options, seen)
  })
}

function runCommand(
  session: Session,
  channel: ServerChannel,
  command: string,
  { runAs }: ServerOptions,
  seen: Seen,
): void {
  const child = spawn('sh', ['-c', command], { ...runAs, stdio: 'pipe', detached: true })
  seen.children.add(child)
  channel.on('error', () => {})
  child.stdin.on('error', () => {})
  channel.pipe(child.stdin)
  child.stdout.pipe(channel, { end: false })
  child.stderr.pipe(channel.stderr, { end: false })
  session.on('signal', (accept, _reject, { name }) => {
    kill(child, `SIG${name}` as NodeJS.Signals)
    accept?.()
  })
  child.on('close', (code, signal) => {
    seen.children.delete(child)
    if (signal) channel.exit(signal.slice(3), false, '')
    else channel.exit(code ?? 0)
    channel.end()
  })
}

function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal)
  } catch {
    // It has ended already.
  }
}

/** By ssh-keygen: what ssh2 makes itself, it cannot always read again. */
async function freshHostKey(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'ssh-server-'))
  try {
    const file = join(dir, 'key')
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file])
    return await readFile(file, 'utf8')
  } finally {
    await rm(dir, { recursive: true })
  }
}

function publicLine(privateKey: string): string {
  const key = ssh2.utils.parseKey(privateKey)
  if (key instanceof Error) throw key
  return `${key.type} ${key.getPublicSSH().toString('base64')}`
}
