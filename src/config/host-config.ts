import { homedir } from 'node:os'
import { resolve } from 'node:path'

/** How one host is reached and laid out (docs/config.md). Paths are absolute, `~` is expanded. */
export interface HostConfig {
  readonly name: string
  /** `[user@]host[:port]`, an alias of the ssh config, or `local`. */
  readonly ssh: string
  readonly sshConfig: string | undefined
  readonly identity: string | undefined
  readonly knownHosts: string | undefined
  /** A line of known_hosts that was agreed to while `init` looks at the host; in no config. */
  readonly acceptedHostKey?: string | undefined
  /** `ssh2`: our own connection, the faster one. `openssh`: the system's ssh, for what only that can do. */
  readonly transport: 'ssh2' | 'openssh'
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
  transport: 'ssh2',
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

/** A path of this machine made absolute: `~` is the home directory, anything relative starts at `base`. */
export const fullPath = (path: string, base: string): string =>
  path === '~' || path.startsWith('~/') ? resolve(homedir(), path.slice(2)) : resolve(base, path)
