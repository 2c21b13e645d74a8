import { spawn } from 'node:child_process'
import { mkdtemp, readFile, stat } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Failure } from '../../base/failure.ts'
import { lostLink } from '../connect/connect-failures.ts'
import { parseDestination } from '../target/destination.ts'
import type { TargetOptions } from '../target/resolve-target.ts'
import type { Target } from '../target/target.ts'
import { noSshProgram } from './failures.ts'

/** The one `ssh` that holds the connection, and the socket by which others share it. */
export interface Master {
  readonly where: string
  readonly host: string
  readonly dir: string
  readonly socket: string
  /** Why the connection is gone, once it is. */
  readonly lost: () => Failure | undefined
  readonly ended: Promise<void>
  /** What it has said so far. */
  readonly log: () => Promise<string>
  /** Has it end, and its files go, for which nobody waits. */
  readonly close: () => void
}

export interface MasterOptions {
  /** The `ssh` program. */
  readonly ssh: string
  readonly person: 'yes' | 'no'
  /** Milliseconds for the connection and the handshake. */
  readonly timeout: number
  /** Milliseconds between two signs of life. */
  readonly keepalive: number
}

/**
 * Runs ssh, and ends it when its fd 3 is closed: that is when this process is gone, however it went. Ctrl-C is for this
 * process to decide on. The connection's files go last; their folder is the first argument.
 */
const keeper = `trap '' INT QUIT
dir=$1 quiet=$2
shift 2
[ "$quiet" = no ] || exec 2>>"$dir/log"
"$@" 3<&- &
ssh=$!
{
  read -r word || word=
  [ "$word" = ended ] || kill "$ssh"
  rm -rf "$dir"
} <&3 >/dev/null 2>&1 &
exec 3<&-
wait "$ssh"`

/** Begins to connect; it stands once its socket is there. */
export async function startMaster(
  target: Target,
  asked: TargetOptions,
  where: string,
  options: MasterOptions,
): Promise<Master> {
  const dir = await privateFolder()
  const socket = join(dir, 's')
  const log = join(dir, 'log')
  const words = masterWords(target, asked, { ...options, socket, log })
  const quiet = options.person === 'yes' ? 'no' : 'yes'
  // On a terminal its questions, and the word that a key is to be touched, go to whoever sits there.
  const stderr = options.person === 'yes' ? 'inherit' : 'ignore'
  const child = spawn('sh', ['-c', keeper, 'sh', dir, quiet, options.ssh, ...words], {
    // Node closes standard input itself when a child ends, which is too early: its log is still to be read.
    stdio: ['ignore', 'ignore', stderr, 'pipe'],
  })
  const lifeline = child.stdio[3] as Socket
  lifeline.on('error', () => {})
  let lost: Failure | undefined
  const ended = new Promise<void>((resolve) => {
    const end = (code: number | null) => {
      lost ??= code === 127 ? noSshProgram(options.ssh) : lostLink(where)
      resolve()
    }
    child.once('error', () => end(127))
    child.once('exit', end)
  })
  return {
    where,
    host: target.host,
    dir,
    socket,
    lost: () => lost,
    ended,
    log: () => readFile(log, 'utf8').catch(() => ''),
    close() {
      lifeline.end(lost === undefined ? '' : 'ended\n')
      lifeline.unref()
      child.unref()
    },
  }
}

/** Resolves to yes once others can share the connection, to no when it has ended before. */
export async function isUp(master: Master, isGivenUp: () => boolean): Promise<'yes' | 'no'> {
  while (master.lost() === undefined && !isGivenUp()) {
    const found = await stat(master.socket).catch(() => undefined)
    if (found) return 'yes'
    await Promise.race([master.ended, sleep(15)])
  }
  return 'no'
}

/** A folder that nobody else can look into; the path of a socket has room for about 100 bytes. */
async function privateFolder(): Promise<string> {
  const usual = tmpdir()
  return mkdtemp(join(usual.length > 60 ? '/tmp' : usual, 'kimbia-ssh-'))
}

interface Words extends MasterOptions {
  readonly socket: string
  readonly log: string
}

/** The configuration of OpenSSH holds, but for what would do more than connect. */
function masterWords(target: Target, asked: TargetOptions, at: Words): string[] {
  const { user, host, port } = parseDestination(target.destination)
  const seconds = (ms: number) => String(Math.max(1, Math.round(ms / 1000)))
  const [identity] = target.identities
  const [knownHosts] = target.userKnownHosts
  return [
    ...(target.sshConfig === undefined ? [] : ['-F', target.sshConfig]),
    ...['-M', '-N', '-T', '-a', '-x', '-S', literal(at.socket), '-E', at.log],
    ...set('ControlPersist', 'no'),
    ...set('LogLevel', 'DEBUG1'),
    ...set('ClearAllForwardings', 'yes'),
    ...set('PermitLocalCommand', 'no'),
    ...set('RemoteCommand', 'none'),
    ...set('Tunnel', 'no'),
    ...set('ForkAfterAuthentication', 'no'),
    ...set('ServerAliveInterval', seconds(at.keepalive)),
    ...set('ServerAliveCountMax', '3'),
    ...set('ConnectTimeout', seconds(at.timeout)),
    // No key that nobody knows is taken for good by itself, whatever the configuration says.
    ...set('StrictHostKeyChecking', at.person === 'yes' ? 'ask' : 'yes'),
    ...(at.person === 'no' ? set('BatchMode', 'yes') : []),
    ...(asked.identity !== undefined && identity !== undefined
      ? ['-i', literal(identity), ...set('IdentitiesOnly', 'yes')]
      : []),
    ...(asked.knownHosts !== undefined && knownHosts !== undefined
      ? set('UserKnownHostsFile', `"${literal(knownHosts)}"`)
      : []),
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...['--', host],
  ]
}

const set = (key: string, value: string) => ['-o', `${key}=${value}`]

/** Of the tokens of ssh_config(5) none is meant. */
const literal = (path: string) => path.replaceAll('%', '%%')
