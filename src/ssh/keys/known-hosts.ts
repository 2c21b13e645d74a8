import { createHash, createHmac } from 'node:crypto'

/** One usable line of a known_hosts file (sshd(8), “SSH_KNOWN_HOSTS FILE FORMAT”). */
export interface KnownHost {
  readonly file: string
  readonly line: number
  readonly marker: 'revoked' | 'cert-authority' | undefined
  /** The host field as it stands: a list of patterns, or one hashed name. */
  readonly hosts: string
  readonly type: string
  readonly key: Buffer
}

/** Under which names a host's key is looked up. */
export interface HostName {
  readonly host: string
  readonly port: number
  readonly alias?: string | undefined
}

/** What the known_hosts files say of a presented key. */
export type Verdict =
  | { readonly kind: 'known'; readonly entry: KnownHost }
  | {
      readonly kind: 'unknown'
      /** Keys of other types that are known for this host. */
      readonly others: readonly KnownHost[]
      /** A @cert-authority line for this host, which only a host certificate could satisfy. */
      readonly authority: KnownHost | undefined
    }
  | { readonly kind: 'changed'; readonly entry: KnownHost }
  | { readonly kind: 'revoked'; readonly entry: KnownHost }

/** Reads a known_hosts file; comments and lines that OpenSSH would skip are left out. */
export function parseKnownHosts(text: string, file = 'known_hosts'): KnownHost[] {
  return text.split(/\r?\n/).flatMap((line, i) => parseLine(line, file, i + 1) ?? [])
}

/** Compares a presented host key with what is known of the host, as OpenSSH does. */
export function lookup(entries: readonly KnownHost[], name: HostName, presented: Buffer): Verdict {
  const all = entries.filter((entry) => matches(entry.hosts, mainName(name)))
  const revoked = all.find((entry) => entry.marker === 'revoked' && entry.key.equals(presented))
  if (revoked) return { kind: 'revoked', entry: revoked }
  const known = all.filter((entry) => entry.marker === undefined)
  const same = known.find((entry) => entry.key.equals(presented)) ?? portless(entries, name, known, presented)
  if (same) return { kind: 'known', entry: same }
  const changed = known.find((entry) => entry.type === keyType(presented))
  if (changed) return { kind: 'changed', entry: changed }
  return { kind: 'unknown', others: known, authority: all.find((entry) => entry.marker === 'cert-authority') }
}

/** The key types known for a host, to be asked for first: a host known by one type must not look changed by another. */
export function knownTypes(entries: readonly KnownHost[], name: HostName): string[] {
  const types = (as: string) =>
    entries
      .filter((entry) => entry.marker === undefined && matches(entry.hosts, as))
      .map((entry) => entry.type)
  const found = types(mainName(name))
  return [...new Set(found.length > 0 || !hasOtherName(name) ? found : types(name.host.toLowerCase()))]
}

/** `SHA256:…`, as `ssh-keygen -lf` prints it. */
export const fingerprint = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`

/** The type that a public key in wire format names first (RFC 4253, section 6.6). */
export function keyType(key: Buffer): string {
  if (key.length < 4) return ''
  return key.toString('latin1', 4, 4 + key.readUInt32BE(0))
}

/** The name a host is kept under: `[host]:port` unless the port is 22, or its alias. */
export function mainName({ host, port, alias }: HostName): string {
  if (alias !== undefined) return alias.toLowerCase()
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`
}

const hasOtherName = ({ port, alias }: HostName) => alias === undefined && port !== 22

/** OpenSSH takes the bare name's key for another port too, but only as a match and never to call it changed. */
const portless = (
  entries: readonly KnownHost[],
  name: HostName,
  known: readonly KnownHost[],
  presented: Buffer,
): KnownHost | undefined => {
  if (!hasOtherName(name) || known.some((entry) => entry.type === keyType(presented))) return undefined
  const host = name.host.toLowerCase()
  const verdict = lookup(entries, { host, port: 22 }, presented)
  return verdict.kind === 'known' ? verdict.entry : undefined
}

function parseLine(line: string, file: string, number: number): KnownHost | undefined {
  const words = line.trim().split(/[ \t]+/)
  const first = words[0] ?? ''
  if (first === '' || first.startsWith('#')) return undefined
  const marker = first.startsWith('@') ? words.shift()?.slice(1) : undefined
  if (marker !== undefined && marker !== 'revoked' && marker !== 'cert-authority') return undefined
  const [hosts, type, base64] = words
  if (hosts === undefined || type === undefined || base64 === undefined) return undefined
  const key = Buffer.from(base64, 'base64')
  if (keyType(key) !== type) return undefined
  return { file, line: number, marker, hosts, type, key }
}

function matches(hosts: string, name: string): boolean {
  if (hosts.startsWith('|')) return matchesHash(hosts, name)
  const patterns = hosts.split(',')
  const hit = (pattern: string) => toRegExp(pattern).test(name)
  if (patterns.some((pattern) => pattern.startsWith('!') && hit(pattern.slice(1)))) return false
  return patterns.some((pattern) => !pattern.startsWith('!') && hit(pattern))
}

/** `|1|salt|hash`: HMAC-SHA1 of the name, keyed with the salt. */
function matchesHash(hosts: string, name: string): boolean {
  const [, version, salt, hash] = hosts.split('|')
  if (version !== '1' || salt === undefined || hash === undefined) return false
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash
}

function toRegExp(pattern: string): RegExp {
  const escaped = pattern
    .toLowerCase()
    .replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${escaped}$`)
}
