import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Failure, unreachable } from '../../base/failure.ts'
import { quote } from '../../base/shell-words.ts'
import { lostLink } from '../connect/connect-failures.ts'
import { parseDestination } from '../target/destination.ts'
import type { TargetOptions } from '../target/resolve-target.ts'

/** Where the system's ssh is to go, and whether somebody is there whom it may ask. */
export interface Wanted extends TargetOptions {
  readonly destination: string
  readonly person: 'yes' | 'no'
  readonly signal?: AbortSignal | undefined
  /** Milliseconds between two signs of life; without an answer to three of them the link is lost. */
  readonly keepalive?: number | undefined
}

/** A connection that the system's ssh holds (ControlMaster in ssh_config(5)). */
export interface Master {
  /** The words of an ssh that goes over it, up to the destination; what is to be done there comes behind. */
  over(...options: readonly string[]): readonly string[]
  /** Why it is gone; undefined while it stands. */
  lost(): Promise<Failure | undefined>
  close(): Promise<void>
}

/** Has ssh log in, and stay in the background until it is closed or this process is gone. */
export async function openMaster(wanted: Wanted): Promise<Master> {
  const { destination, person, signal, keepalive = 15_000 } = wanted
  // A socket's path is short: 104 bytes on some systems.
  const dir = await mkdtemp(join(tmpdir(), 'kimbia-'))
  const [socket, log] = [join(dir, 's'), join(dir, 'log')]
  const host = wordsOf(wanted)
  const alive = Math.max(1, Math.round(keepalive / 1000))
  const options = [
    ...['ControlMaster=yes', 'ControlPersist=no', `ServerAliveInterval=${alive}`, 'ServerAliveCountMax=3'],
    ...['ClearAllForwardings=yes', 'RequestTTY=no', 'RemoteCommand=none', 'PermitLocalCommand=no'],
    `BatchMode=${person === 'yes' ? 'no' : 'yes'}`,
  ].flatMap((option) => ['-o', option])
  const login = spawn('ssh', ['-f', '-N', '-S', socket, '-E', log, ...options, ...host], {
    stdio: ['ignore', 'ignore', 'ignore'],
    ...(signal && { signal }),
  })
  const code = await ended(login)
  if (code !== 0) {
    const said = await readFile(log, 'utf8').catch(() => '')
    await rm(dir, { recursive: true, force: true })
    throw code === undefined ? noSsh() : refused(destination, said)
  }
  const control = (word: string): Promise<number | undefined> =>
    ended(spawn('ssh', ['-S', socket, '-O', word, ...host], { stdio: 'ignore' }))
  const guard = endWithThisProcess(['ssh', '-S', socket, '-O', 'exit', ...host], dir)
  let closed = false
  return {
    // Where the connection has no room, or is gone, ssh would make one of its own.
    over: (...more) => [
      'ssh',
      '-S',
      socket,
      '-o',
      'ProxyCommand=false',
      '-o',
      'ControlMaster=no',
      ...more,
      ...host,
    ],
    async lost() {
      if (!closed && (await control('check')) === 0) return undefined
      return lostLink(destination)
    },
    async close() {
      if (closed) return
      closed = true
      await control('exit')
      guard()
    },
  }
}

/** The words that name the host to ssh, the last of them its name. */
function wordsOf({ destination, sshConfig, identity, knownHosts }: Wanted): readonly string[] {
  const { user, host, port } = parseDestination(destination)
  return [
    ...(sshConfig === undefined ? [] : ['-F', sshConfig]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(user === undefined ? [] : ['-l', user]),
    ...(identity === undefined ? [] : ['-i', identity, '-o', 'IdentitiesOnly=yes']),
    ...(knownHosts === undefined ? [] : ['-o', `UserKnownHostsFile=${quoted(knownHosts)}`]),
    host,
  ]
}

/** ssh splits the value of an option at spaces. */
const quoted = (path: string): string => (path.includes(' ') ? `"${path}"` : path)

/** The exit code; undefined where it could not be started. */
async function ended(child: ReturnType<typeof spawn>): Promise<number | undefined> {
  try {
    const [code] = (await once(child, 'exit')) as [number | null]
    return code ?? 255
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cause
  }
}

/** A shell that waits for the end of its standard input, which comes with the end of this process, however that ends. */
function endWithThisProcess(exit: readonly string[], dir: string): () => void {
  const script = `cat >/dev/null; ${exit.map(quote).join(' ')} 2>/dev/null; rm -rf ${quote(dir)}`
  const child = spawn('sh', ['-c', script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  child.unref()
  const { stdin } = child as { stdin: (typeof child.stdin & { unref?: () => void }) | null }
  stdin?.unref?.()
  return () => stdin?.end()
}

const noSsh = (): Failure =>
  unreachable(
    'no-ssh-client',
    'there is no ssh program on this machine, and the config says “transport: openssh”',
    'install the OpenSSH client, or take “transport:” out of the config',
  )

/** What ssh said of a login that failed, by what its own words tell. */
function refused(destination: string, said: string): Failure {
  const words = said
    .split(/\r?\n/)
    .filter((line) => line !== '' && !/^(Pseudo-terminal|Warning: Permanently added)/.test(line))
  const last = words.slice(-3).join('; ') || 'it gave no reason'
  const { code, hint } = reasons.find(({ words: pattern }) => pattern.test(said)) ?? unknown
  return unreachable(code, `ssh does not connect to ${destination}: ${last}`, hint)
}

const unknown = { code: 'ssh-failed', hint: 'try the same with plain ssh: ssh -v DESTINATION' }

/** What ssh says, the code that the same has otherwise, and what to do about it. */
const reasons = [
  {
    words: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    code: 'host-key-changed',
    hint: 'only when you know why it changed, remove the old one: ssh-keygen -R HOST',
  },
  {
    words: /Host key verification failed|No \S+ host key is known/,
    code: 'host-key-unknown',
    hint: 'compare the fingerprint with the one that the host itself shows, then accept it by answering yes to plain ssh',
  },
  {
    words: /Permission denied|Too many authentication failures/,
    code: 'auth-refused',
    hint: 'try the same with plain ssh: ssh -v DESTINATION; a FIDO key must be plugged in, and touched',
  },
  { words: /Could not resolve hostname/, code: 'host-not-found', hint: 'is the name right?' },
  { words: /Connection refused/, code: 'ssh-refused', hint: 'does sshd run there, on this port?' },
  { words: /timed out/i, code: 'ssh-timeout', hint: 'is this the port of sshd, and is the host well?' },
]
