import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../process/ports.ts'
import type { Operator } from './operator.ts'
import { startSshServer } from './ssh-server.ts'

const run = promisify(execFile)

/** The host keys of the rig; RSA is left out because making one takes longer than all the rest. */
const KEY_TYPES = ['ed25519', 'ecdsa'] as const

/** A running SSH server: sshd as a child, or a stand-in within this process where there is no sshd. */
export interface Sshd {
  port: number
  child?: ChildProcess
  close?(): Promise<void>
}

/** Where sshd is on this machine, if it is; RIG_NO_SSHD hides it, to try what happens without. */
export const findSshd = (): string | undefined =>
  [
    '/usr/sbin/sshd',
    '/usr/local/sbin/sshd',
    '/usr/bin/sshd',
    '/usr/local/bin/sshd',
    '/opt/homebrew/sbin/sshd',
  ].find((place) => existsSync(place) && !process.env.RIG_NO_SSHD)

/** Makes the host keys in `dir` and one user key at `identity`. */
export async function makeKeys(dir: string, identity: string): Promise<void> {
  const keygen = (type: string, file: string, comment: string) =>
    run('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', comment, '-f', file])
  await Promise.all([
    ...KEY_TYPES.map((type) => keygen(type, hostKey(dir, type), 'rig-host')),
    keygen('ed25519', identity, 'rig-operator'),
  ])
  writeFileSync(join(dir, 'authorized_keys'), readFileSync(`${identity}.pub`), { mode: 0o644 })
}

/** The lines of a known_hosts file for the rig's host keys. */
export function knownHosts(dir: string, port: number): string {
  return KEY_TYPES.map((type) => {
    const [algorithm, key] = readFileSync(`${hostKey(dir, type)}.pub`, 'utf8').split(' ')
    return `[127.0.0.1]:${port} ${algorithm} ${key}\n`
  }).join('')
}

/** Starts sshd on a free loopback port; `bin` comes first on the PATH of its sessions, `lines` in its configuration. */
export async function startSshd(
  dir: string,
  user: string,
  bin: string,
  lines: readonly string[] = [],
): Promise<Sshd> {
  const binary = findSshd()
  if (binary === undefined) throw new Error('rig: there is no sshd on this machine')
  // Root's sshd insists on its privilege separation directory, which only the system's service would make.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    const config = join(dir, 'sshd_config')
    writeFileSync(config, [...lines, sshdConfig(dir, user, bin, port)].join('\n'), { mode: 0o600 })
    try {
      return { port, child: await listening(binary, config, join(dir, 'sshd.log')) }
    } catch (error) {
      if (attempt === 3) throw error
    }
  }
}

/** Where there is no sshd: real SSH all the same, spoken by Node, with commands run as the operator. */
export async function startStandIn(
  dir: string,
  operator: Operator,
  home: string,
  bin: string,
): Promise<Sshd> {
  console.error('rig: there is no sshd on this machine; an SSH server within Node stands in for it')
  const [, admitted = ''] = readFileSync(join(dir, 'authorized_keys'), 'utf8').split(' ')
  const root = process.getuid?.() === 0
  const server = await startSshServer({
    hostKeys: KEY_TYPES.map((type) => readFileSync(hostKey(dir, type), 'utf8')),
    admits: (key) => key.toString('base64') === admitted,
    runAs: {
      cwd: home,
      env: { PATH: `${bin}:/usr/local/bin:/usr/bin:/bin`, HOME: home, USER: operator.name },
      ...(root && { uid: operator.uid, gid: operator.gid }),
    },
  })
  return { port: server.port, close: async () => server[Symbol.asyncDispose]() }
}

function hostKey(dir: string, type: string): string {
  return join(dir, `host_${type}_key`)
}

function sshdConfig(dir: string, user: string, bin: string, port: number): string {
  return [
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    ...KEY_TYPES.map((type) => `HostKey ${hostKey(dir, type)}`),
    `PidFile ${join(dir, 'sshd.pid')}`,
    `AuthorizedKeysFile ${join(dir, 'authorized_keys')}`,
    `AllowUsers ${user}`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'AllowTcpForwarding yes',
    'MaxStartups 100',
    'UseDNS no',
    'PrintMotd no',
    'PrintLastLog no',
    `SetEnv PATH=${bin}:/usr/local/bin:/usr/bin:/bin`,
    'Subsystem sftp internal-sftp',
    '',
  ].join('\n')
}

/** sshd as a child in the foreground, once it says that it listens. */
function listening(binary: string, config: string, log: string): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' })
    const deadline = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error('rig: sshd did not listen within 10 s'))
    }, 10_000)
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      appendFileSync(log, chunk)
      if (said.length < 4000) said += chunk
      if (!said.includes('Server listening on')) return
      clearTimeout(deadline)
      resolve(child)
    })
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(deadline)
      reject(new Error(`rig: sshd ended (${code}): ${said.trim()}`))
    })
  })
}
