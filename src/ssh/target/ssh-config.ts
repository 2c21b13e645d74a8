import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Target } from './target.ts'

/** The settings that `ssh -G` prints, by lower-case keyword; a keyword may come several times. */
export type Settings = ReadonlyMap<string, readonly string[]>

/** The local facts that `~`, `%u`, `$VAR` and the agent's default stand for. */
export interface Surroundings {
  readonly home: string
  readonly user: string
  readonly uid: number
  readonly env: Readonly<Record<string, string | undefined>>
}

/** What the operator asked for beside ssh's own configuration. */
export interface Asked {
  readonly destination: string
  /** The host as written, before HostName (`%n`). */
  readonly name: string
  readonly sshConfig: string | undefined
  readonly identity: string | undefined
  readonly knownHosts: string | undefined
  readonly acceptedHostKey?: string | undefined
}

/** Reads what `ssh -G` prints: a keyword and its value on each line. */
export function parseSettings(text: string): Settings {
  const settings = new Map<string, string[]>()
  for (const line of text.split(/\r?\n/)) {
    const [, key, value] = /^(\S+) (.*)$/.exec(line) ?? []
    if (key === undefined || value === undefined) continue
    const known = settings.get(key.toLowerCase())
    if (known) known.push(value)
    else settings.set(key.toLowerCase(), [value])
  }
  return settings
}

/** The target that ssh's settings and the operator's own words make together. */
export function toTarget(settings: Settings, asked: Asked, around: Surroundings): Target {
  const one = (key: string) => settings.get(key)?.[0]
  const host = one('hostname') ?? asked.name
  const port = Number(one('port') ?? 22)
  const user = one('user') ?? around.user
  const hostKeyAlias = one('hostkeyalias')
  const tokens = tokensOf({ host, port, user, name: asked.name, alias: hostKeyAlias }, around)
  const path = (text: string) => expandPath(text, tokens, around)
  const own = (text: string) => expandHome(text, around.env.HOME ?? around.home)
  const proxyCommand = unlessNone(one('proxycommand'))
  return {
    destination: asked.destination,
    host,
    port,
    user,
    family: families[one('addressfamily') ?? 'any'] ?? 0,
    identities: asked.identity ? [own(asked.identity)] : identities(settings).map(path),
    identitiesOnly: asked.identity || one('identitiesonly') === 'yes' ? 'yes' : 'no',
    agent: agentOf(one('identityagent'), path, around.env),
    userKnownHosts: asked.knownHosts
      ? [own(asked.knownHosts)]
      : fileList(one('userknownhostsfile')).map(path),
    globalKnownHosts: fileList(one('globalknownhostsfile')).map(path),
    revokedHostKeys: (settings.get('revokedhostkeys') ?? []).flatMap(fileList).map(path),
    ...(unlessNone(one('knownhostscommand')) && { knownHostsCommand: 'yes' as const }),
    hostKeyAlias,
    acceptedHostKey: asked.acceptedHostKey,
    proxyJump: unlessNone(one('proxyjump')),
    proxyCommand: proxyCommand === undefined ? undefined : expandTokens(proxyCommand, tokens),
    connectTimeout: Number(unlessNone(one('connecttimeout')) ?? 0),
    sshConfig: asked.sshConfig === undefined ? undefined : own(asked.sshConfig),
  }
}

/** What OpenSSH would assume without any configuration, for a machine without the `ssh` program. */
export function openSshDefaults(home: string): Settings {
  const keys = ['id_rsa', 'id_ecdsa', 'id_ed25519'].map((name) => join(home, '.ssh', name))
  return new Map([
    ['identityfile', keys],
    ['userknownhostsfile', [`${home}/.ssh/known_hosts ${home}/.ssh/known_hosts2`]],
    ['globalknownhostsfile', ['/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2']],
  ])
}

const families: Readonly<Record<string, 0 | 4 | 6>> = { any: 0, inet: 4, inet6: 6 }

const unlessNone = (value: string | undefined) => (value === 'none' || value === '' ? undefined : value)

const identities = (settings: Settings) =>
  (settings.get('identityfile') ?? []).filter((file) => unlessNone(file) !== undefined)

/** `ssh -G` joins several files with spaces and quotes none; a name that goes on after a space is not absolute. */
const fileList = (value: string | undefined) =>
  (unlessNone(value) ?? '').split(/ (?=[/~%$])/).filter((file) => file)

function agentOf(
  value: string | undefined,
  path: (text: string) => string,
  env: Surroundings['env'],
): string | undefined {
  if (value === 'none') return undefined
  if (value === undefined || value === 'SSH_AUTH_SOCK') return env.SSH_AUTH_SOCK || undefined
  const variable = /^\$([A-Za-z_]\w*)$/.exec(value)?.[1]
  return variable === undefined ? path(value) : env[variable] || undefined
}

/** The tokens of ssh_config(5) that may stand in a file name or a ProxyCommand. */
function tokensOf(
  at: { host: string; port: number; user: string; name: string; alias: string | undefined },
  around: Surroundings,
): Readonly<Record<string, string>> {
  return {
    '%': '%',
    d: around.home,
    h: at.host,
    i: String(around.uid),
    k: at.alias ?? at.name,
    L: hostname().split('.')[0] ?? '',
    l: hostname(),
    n: at.name,
    p: String(at.port),
    r: at.user,
    u: around.user,
  }
}

const expandTokens = (text: string, tokens: Readonly<Record<string, string>>) =>
  text.replaceAll(/%(.)/g, (whole, token: string) => tokens[token] ?? whole)

const expandPath = (text: string, tokens: Readonly<Record<string, string>>, around: Surroundings) =>
  expandTokens(expandHome(text, around.home), tokens).replaceAll(
    /\$\{(\w+)\}/g,
    (whole, name: string) => around.env[name] ?? whole,
  )

const expandHome = (text: string, home: string) => (/^~(\/|$)/.test(text) ? home + text.slice(1) : text)
