import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { usage } from '../../base/failure.ts'
import { parseDestination } from './destination.ts'
import { openSshDefaults, parseSettings, type Settings, type Surroundings, toTarget } from './ssh-config.ts'
import type { Target } from './target.ts'

/** What the config file or flags say of a connection beside its destination. */
export interface TargetOptions {
  readonly sshConfig?: string | undefined
  readonly identity?: string | undefined
  readonly knownHosts?: string | undefined
  readonly acceptedHostKey?: string | undefined
}

/** How the outside is met: the `ssh` program and this user's surroundings. */
export interface TargetDeps {
  readonly ssh?: string
  readonly around?: Surroundings
}

/** Asks `ssh -G` where a destination leads; without an `ssh` program the defaults of OpenSSH hold. */
export async function resolveTarget(
  destination: string,
  { sshConfig, identity, knownHosts, acceptedHostKey }: TargetOptions = {},
  { ssh = 'ssh', around = surroundings() }: TargetDeps = {},
): Promise<Target> {
  const { user, host, port } = parseDestination(destination)
  const args = ['-G']
  if (sshConfig !== undefined) args.push('-F', expandOwn(sshConfig, around))
  if (port !== undefined) args.push('-p', String(port))
  if (user !== undefined) args.push('-l', user)
  const told = await askSsh(ssh, [...args, '--', host])
  if (told === undefined && sshConfig !== undefined) throw noSsh(sshConfig)
  const settings = told === undefined ? withoutSsh(around, user, port) : parseSettings(told)
  const target = toTarget(
    settings,
    { destination, name: host, sshConfig, identity, knownHosts, acceptedHostKey },
    around,
  )
  if (identity !== undefined) requireIdentity(target.identities[0] ?? identity)
  return target
}

/**
 * What `ssh -G` printed, or undefined when there is no `ssh`. node:child_process rather than execa:
 * every command starts with this call, and loading execa takes several times as long as the call.
 */
function askSsh(ssh: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    execFile(ssh, args, { timeout: 10_000, encoding: 'utf8' }, (error, stdout, stderr) => {
      if (!error) resolve(stdout)
      else if (error.code === 'ENOENT') resolve(undefined)
      else reject(refused(error.killed ? 'it did not answer within 10 s' : stderr))
    }).stdin?.end()
  })
}

const refused = (stderr: string) =>
  usage(
    `ssh does not accept its configuration: ${ownWords(stderr)}`,
    'check the ssh destination and your ssh_config with: ssh -G DESTINATION',
    'bad-ssh-config',
  )

const noSsh = (file: string) =>
  usage(
    `cannot read ${file}: there is no ssh program on this machine`,
    'install the OpenSSH client, or leave ssh_config out of the host entry',
    'no-ssh-client',
  )

// `ssh -G` without a terminal also warns that it will not allocate one, which says nothing of the cause.
const ownWords = (stderr: string) =>
  stderr
    .split(/\r?\n/)
    .filter((line) => line !== '' && !line.startsWith('Pseudo-terminal'))
    .join('; ') || 'it gave no reason'

function withoutSsh(around: Surroundings, user: string | undefined, port: number | undefined): Settings {
  const settings = new Map(openSshDefaults(around.home))
  if (user !== undefined) settings.set('user', [user])
  if (port !== undefined) settings.set('port', [String(port)])
  return settings
}

/** A key that was named on purpose must be there; its public half is enough when an agent holds the rest. */
function requireIdentity(file: string): void {
  if (existsSync(file) || existsSync(`${file}.pub`)) return
  throw usage(
    `there is no private key at ${file}`,
    'name another: “identity:” in the config, or init --identity',
    'no-identity',
  )
}

const expandOwn = (path: string, { env, home }: Surroundings) => path.replace(/^~(?=\/|$)/, env.HOME ?? home)

/** OpenSSH takes the home directory from the user database, whatever HOME says. */
function surroundings(): Surroundings {
  try {
    const { homedir: home, username, uid } = userInfo()
    return { home, user: username, uid, env: process.env }
  } catch {
    return {
      home: homedir(),
      user: process.env.USER ?? '',
      uid: process.getuid?.() ?? 0,
      env: process.env,
    }
  }
}
