import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { usage } from '../base/failure.ts'
import { nearest } from '../base/suggest.ts'
import { baseDir } from '../base/user-dirs.ts'

/** How one host is reached and laid out (README, “Config”). Paths are absolute, `~` is expanded. */
export interface HostConfig {
  readonly name: string
  /** `[user@]host[:port]`, an alias of the ssh config, or `local`. */
  readonly ssh: string
  readonly sshConfig: string | undefined
  readonly identity: string | undefined
  readonly knownHosts: string | undefined
  readonly sudo: 'auto' | 'always' | 'never'
  /** Where pds.env and compose.yaml are, on the host. */
  readonly dir: string
  /** The compose service of the PDS. */
  readonly service: string
  /** The compose file, where it is none of those that compose finds by itself in `dir`; relative to `dir`. */
  readonly composeFile: string | undefined
  /** The compose project, where the running containers do not tell it. */
  readonly project: string | undefined
  /** The public name; default PDS_HOSTNAME. */
  readonly hostname: string | undefined
  /** The PDS on the host's loopback; default PDS_PORT or 3000. */
  readonly port: number | undefined
  readonly adminPassword: AdminPasswordConfig | undefined
}

/** How long the admin password may stand, in milliseconds, and where a copy of it is kept. */
export interface AdminPasswordConfig {
  readonly rotateEvery: number | undefined
  /** `op://…`, `file:PATH`, `command:LINE` or `age:RECIPIENT:PATH`; relative paths start at the folder of the config file. */
  readonly store: string | undefined
  /** A line for sh that prints the password, for a store that is otherwise only written to. */
  readonly read?: string | undefined
}

/** What the config file says; an absent file says nothing. */
export interface Config {
  /** The file it came from, whether it exists or not. */
  readonly file: string
  readonly exists: boolean
  readonly default: string | undefined
  readonly hosts: readonly HostConfig[]
}

/** What holds for a host of which the config names only `ssh`: the layout of the official installer. */
export const hostDefaults = {
  sshConfig: undefined,
  identity: undefined,
  knownHosts: undefined,
  sudo: 'auto',
  dir: '/pds',
  service: 'pds',
  composeFile: undefined,
  project: undefined,
  hostname: undefined,
  port: undefined,
  adminPassword: undefined,
} as const satisfies Omit<HostConfig, 'name' | 'ssh'>

/** This very machine as a host. */
export const localHost: HostConfig = { name: 'local', ssh: 'local', ...hostDefaults }

type Env = Readonly<Record<string, string | undefined>>

/** Where the config file is; an empty variable counts as unset. */
export const configFile = (env: Env): string =>
  env.KIMBIA_OPS_CONFIG || join(baseDir(env, 'config'), 'kimbia-ops', 'config.yaml')

/** A path of this machine made absolute: `~` is the home directory, anything relative starts at `base`. */
export const fullPath = (path: string, base: string): string =>
  path === '~' || path.startsWith('~/') ? resolve(homedir(), path.slice(2)) : resolve(base, path)

/** Reads and checks the config file. The YAML library is loaded only when there is a file. */
export async function loadConfig(file: string): Promise<Config> {
  const { readFile } = await import('node:fs/promises')
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return { file, exists: false, default: undefined, hosts: [] }
    throw usage(
      `the config file ${file} cannot be read (${code})`,
      `see what it is: ls -ld '${file}'`,
      'config-unreadable',
    )
  }
  const { parseConfig } = await import('./parse.ts')
  return parseConfig(text, file)
}

/** The text of the config with one host added or replaced; comments and order stay as they are. */
export async function saveHost(text: string, host: HostConfig, makeDefault: boolean): Promise<string> {
  const { withHost } = await import('./parse.ts')
  return withHost(text, host, makeDefault)
}

/** The host an invocation is about: `-H`, else KIMBIA_OPS_HOST, else the default, else the only one there is. */
export function chooseHost(
  config: Config,
  wanted: { readonly host: string | undefined; readonly env: Env },
  localPdsEnvExists: boolean,
): HostConfig {
  const named = wanted.host || wanted.env.KIMBIA_OPS_HOST || config.default
  if (named) return hostNamed(config, named)
  const [only, second] = config.hosts
  if (only && !second) return only
  if (only)
    throw usage(
      `several hosts are configured and none is the default: ${names(config)}`,
      `name one with -H, or set “default:” in ${config.file}`,
      'no-default-host',
    )
  if (localPdsEnvExists) return localHost
  throw usage(
    `no host is configured in ${config.file}, and there is no /pds/pds.env on this machine`,
    'run: kimbia-ops init',
    'no-host',
  )
}

function hostNamed(config: Config, name: string): HostConfig {
  const found = config.hosts.find((host) => host.name === name)
  if (found) return found
  if (name === 'local') return localHost
  if (config.hosts.length === 0)
    throw usage(
      `there is no host “${name}”: none is configured in ${config.file}`,
      `run: kimbia-ops init ${name}`,
      'unknown-host',
    )
  const known = config.hosts.map((host) => host.name)
  const near = nearest(name, known)
  throw usage(
    `there is no host “${name}” in ${config.file}`,
    near ? `did you mean “${near}”? Configured: ${names(config)}` : `configured: ${names(config)}`,
    'unknown-host',
  )
}

const names = (config: Config): string => config.hosts.map((host) => host.name).join(', ')
