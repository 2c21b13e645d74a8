import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { interrupted } from '../../base/deadline.ts'
import { type Failure, unreachable } from '../../base/failure.ts'
import { quote } from '../../base/shell-words.ts'
import { lostLink } from '../connect/connect-failures.ts'
import { acceptance } from '../keys/host-key.ts'
import { parseDestination } from '../target/destination.ts'
import { resolveTarget, type TargetOptions } from '../target/resolve-target.ts'
import type { Target } from '../target/target.ts'

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
  const target = await resolveTarget(destination, wanted)
  // A socket's path is short: 104 bytes on some systems.
  const dir = await mkdtemp(join(tmpdir(), 'kimbia-'))
  const [socket, log] = [join(dir, 's'), join(dir, 'log')]
  const host = wordsOf(wanted)
  const alive = Math.max(1, Math.round(keepalive / 1000))
  const options = optionWords([
    ...['ControlMaster=yes', 'ControlPersist=no', `ServerAliveInterval=${alive}`, 'ServerAliveCountMax=3'],
    ...['RequestTTY=no', ...notForPrograms],
    // Only errors say why there is no connection, whatever ssh_config has for a person to read.
    'LogLevel=ERROR',
    // No setting has an unknown or a changed host key accepted without a word.
    'StrictHostKeyChecking=ask',
    `ConnectTimeout=${target.connectTimeout || 15}`,
    `BatchMode=${person === 'yes' ? 'no' : 'yes'}`,
  ])
  // On its standard error ssh asks a person to touch a FIDO key; what went wrong is in the log.
  const login = spawn('ssh', ['-f', '-N', '-S', socket, '-E', log, ...options, ...host], {
    stdio: ['ignore', 'ignore', person === 'yes' ? 'inherit' : 'ignore'],
  })
  const guard = endWithThisProcess(login.pid, ['ssh', '-S', socket, '-O', 'exit', ...host], dir)
  const abort = () => void login.kill()
  signal?.addEventListener('abort', abort, { once: true })
  if (signal?.aborted) abort()
  const code = await ended(login)
  signal?.removeEventListener('abort', abort)
  const said = code === 0 ? '' : await readFile(log, 'utf8').catch(() => '')
  guard.loginEnded()
  if (code !== 0 || signal?.aborted) {
    guard.end()
    if (signal?.aborted) throw interrupted(signal, `the connection to ${destination}`)
    throw code === undefined ? noSsh() : refused(target, said)
  }
  const control = (word: string): Promise<number | undefined> =>
    ended(spawn('ssh', ['-S', socket, '-O', word, ...host], { stdio: 'ignore' }))
  // Where the connection has no room, or is gone, ssh would make one of its own.
  const only = optionWords(['ProxyCommand=false', 'ControlMaster=no', ...notForPrograms])
  let closed = false
  return {
    over: (...more) => ['ssh', '-S', socket, ...only, ...more, ...host],
    async lost() {
      if (!closed && (await control('check')) === 0) return undefined
      return lostLink(destination)
    },
    async close() {
      if (closed) return
      closed = true
      await control('exit')
      guard.end()
    },
  }
}

/** What ssh_config may say for a person's own shell on the host, and must not do to what a program runs there. */
const notForPrograms = [
  'ClearAllForwardings=yes',
  'ForwardAgent=no',
  'ForwardX11=no',
  'PermitLocalCommand=no',
  'RemoteCommand=none',
]

const optionWords = (options: readonly string[]): string[] => options.flatMap((option) => ['-o', option])

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

/** What ends the connection with this process, however that ends. */
interface Guard {
  /** From now on the process that logged in is nothing to be ended. */
  loginEnded(): void
  end(): void
}

/** A shell that waits for the end of its standard input, which comes with the end of this process. */
function endWithThisProcess(login: number | undefined, exit: readonly string[], dir: string): Guard {
  const script = `read -r ended || kill ${login ?? ''}; cat >/dev/null; ${exit.map(quote).join(' ')}; rm -rf ${quote(dir)}`
  const child = spawn('sh', ['-c', script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  child.on('error', () => {})
  child.unref()
  const { stdin } = child as { stdin: (typeof child.stdin & { unref?: () => void }) | null }
  stdin?.on('error', () => {})
  stdin?.unref?.()
  return { loginEnded: () => stdin?.write('ended\n'), end: () => stdin?.end() }
}

const noSsh = (): Failure =>
  unreachable(
    'no-ssh-client',
    'there is no ssh program on this machine, and the config says “transport: openssh”',
    'install the OpenSSH client, or take “transport:” out of the config',
  )

/** What ssh said of a login that failed, by what its own words tell. */
function refused(target: Target, said: string): Failure {
  const words = said.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('Pseudo-terminal'))
  const last = words.slice(-3).join('; ') || 'it gave no reason'
  const { code, hint } = reasons.find(({ words: pattern }) => pattern.test(said)) ?? unknown
  const what = typeof hint === 'string' ? hint : hint(target)
  return unreachable(code, `ssh does not connect to ${target.destination}: ${last}`, what)
}

interface Reason {
  readonly code: string
  readonly hint: string | ((target: Target) => string)
}

const unknown: Reason = { code: 'ssh-failed', hint: 'try the same with plain ssh: ssh -v DESTINATION' }

/** What ssh says, the code that the same has otherwise, and what to do about it. */
const reasons: readonly (Reason & { readonly words: RegExp })[] = [
  {
    words: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    code: 'host-key-changed',
    hint: 'only when you know why it changed, remove the old one: ssh-keygen -R HOST',
  },
  {
    words: /Host key verification failed|No \S+ host key is known/,
    code: 'host-key-unknown',
    hint: (target) =>
      `compare its fingerprint with the one the host itself shows (ssh-keygen -lf on its .pub file), then ${acceptance(target)}`,
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
