import { readFile } from 'node:fs/promises'
import { Failure, unreachable } from '../../base/failure.ts'
import { quote } from '../../base/shell-words.ts'
import type { Target } from '../target/target.ts'
import {
  fingerprint,
  type HostName,
  type KnownHost,
  keyType,
  knownTypes,
  lookup,
  mainName,
  parseKnownHosts,
  type Verdict,
} from './known-hosts.ts'
import { readRevokedKeys } from './revoked-keys.ts'

/** What is known of a host's key before connecting: what to ask for, and how to judge what comes. */
export interface HostKeyCheck {
  /** Host key algorithms, those of the known keys first. */
  readonly algorithms: readonly HostKeyAlgorithm[]
  /** Why the presented key is refused, or undefined when it is the known one. */
  refusal(presented: Buffer): Failure | undefined
}

/** The host key algorithms that are asked for; ssh-rsa with SHA-1 is not among them. */
export type HostKeyAlgorithm = (typeof preferred)[number]

const preferred = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
] as const

/** Reads the known_hosts and RevokedHostKeys files of a target and prepares the check of its host key. */
export async function hostKeyCheck(target: Target): Promise<HostKeyCheck> {
  const [entries, revoked] = await Promise.all([
    readKnownHosts([...target.userKnownHosts, ...target.globalKnownHosts]),
    readRevokedKeys(target.revokedHostKeys ?? []),
  ])
  const name: HostName = { host: target.host, port: target.port, alias: target.hostKeyAlias }
  const known = knownTypes(entries, name)
  const isKnown = (algorithm: string) => known.includes(algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm)
  return {
    algorithms: [...preferred.filter(isKnown), ...preferred.filter((algorithm) => !isKnown(algorithm))],
    refusal(presented) {
      const one = revoked.find(({ key }) => key.equals(presented))
      if (one) return revokedKey(`in ${place(one)}`, presented, mainName(name))
      return refusal(lookup(entries, name, presented), presented, target, mainName(name))
    },
  }
}

/** A file that is not there holds nothing; one that cannot be read may hold the very key, so nothing is accepted. */
async function readKnownHosts(files: readonly string[]): Promise<KnownHost[]> {
  const read = async (file: string) => {
    try {
      return parseKnownHosts(await readFile(file, 'utf8'), file)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'ENOENT' || code === 'ENOTDIR') return []
      throw unreachable(
        'known-hosts-unreadable',
        `cannot read ${file} (${code ?? error}), so no host key can be trusted`,
        `make it readable for you: ls -l ${quote(file)}`,
        error,
      )
    }
  }
  return (await Promise.all(files.map(read))).flat()
}

function refusal(verdict: Verdict, presented: Buffer, target: Target, name: string): Failure | undefined {
  switch (verdict.kind) {
    case 'known':
      return undefined
    case 'unknown':
      if (target.acceptedHostKey === knownHostsLine(presented, name)) return undefined
      return unknownKey(verdict, presented, target, name)
    case 'changed':
      return changedKey(verdict.entry, presented, name)
    case 'revoked':
      return revokedKey(`as @revoked in ${place(verdict.entry)}`, presented, name)
  }
}

function revokedKey(stands: string, presented: Buffer, name: string): Failure {
  return unreachable(
    'host-key-revoked',
    `the host key of ${name} is revoked: ${shown(presented)} stands ${stands}`,
    'do not connect; ask whoever revoked the key for the new one',
  )
}

function unknownKey(
  { others, authority }: Extract<Verdict, { kind: 'unknown' }>,
  presented: Buffer,
  target: Target,
  name: string,
): Failure {
  const also = others.map((entry) => `${entry.type} (${place(entry)})`).join(', ')
  const message = `the host key of ${name} is not known: ${shown(presented)}${also ? `; known for it: ${also}` : ''}`
  const compare =
    'compare this fingerprint with the one the host itself shows (ssh-keygen -lf on its .pub file)'
  const note = authority
    ? `; ${place(authority)} trusts a certificate authority for it: set “transport: openssh” for this host in the config`
    : ''
  const file = target.knownHostsCommand ? undefined : target.userKnownHosts.find((it) => it !== '/dev/null')
  return new Failure({
    outcome: 'unreachable',
    code: 'host-key-unknown',
    message,
    hint: `${compare}, then ${acceptance(target)}${note}`,
    // What a person may agree to, and where it is to be kept then.
    details: file && !authority ? { knownHosts: { file, line: knownHostsLine(presented, name) } } : {},
  })
}

const knownHostsLine = (key: Buffer, name: string): string =>
  `${name} ${keyType(key)} ${key.toString('base64')}`

/** How a key becomes known: ssh asks and writes it down, but for where it writes to no file that is read here. */
export function acceptance(target: Target): string {
  const { host, port, userKnownHosts, knownHostsCommand } = target
  if (!knownHostsCommand && userKnownHosts.some((file) => file !== '/dev/null'))
    return `accept it by answering yes to: ${sshCommand(target)}`
  const scan = `ssh-keyscan -p ${port} ${quote(host)} >>~/.ssh/kimbia_known_hosts`
  const other = knownHostsCommand
    ? '; or set “transport: openssh”, which asks the KnownHostsCommand of your ssh_config'
    : ''
  return `put it into a file of its own: ${scan}, and set “known_hosts: ~/.ssh/kimbia_known_hosts” for this host in the config${other}`
}

function changedKey(entry: KnownHost, presented: Buffer, name: string): Failure {
  return unreachable(
    'host-key-changed',
    `the host key of ${name} has changed: it shows ${shown(presented)}, but ${place(entry)} has ${shown(entry.key)}; ` +
      'someone may be listening in, or the host was set up anew',
    `only when you know why it changed, remove the old one: ssh-keygen -R ${quote(name)} -f ${quote(entry.file)}`,
  )
}

/** The plain ssh command that meets the same host with the same files. */
function sshCommand(target: Target): string {
  const words = ['ssh']
  if (target.sshConfig !== undefined) words.push('-F', target.sshConfig)
  const [file] = target.userKnownHosts
  if (file !== undefined && !file.endsWith('/.ssh/known_hosts'))
    words.push('-o', `UserKnownHostsFile=${file}`)
  words.push('-p', String(target.port), `${target.user}@${withoutPort(target)}`, 'true')
  return words.map(quote).join(' ')
}

const withoutPort = ({ destination }: Target) => {
  const host = destination.slice(destination.lastIndexOf('@') + 1)
  const bracketed = /^\[([^\]]*)\]/.exec(host)?.[1]
  return bracketed ?? (host.split(':').length === 2 ? host.slice(0, host.indexOf(':')) : host)
}

const shown = (key: Buffer) => `${keyType(key)} ${fingerprint(key)}`

const place = ({ file, line }: Pick<KnownHost, 'file' | 'line'>) => `${file}:${line}`
