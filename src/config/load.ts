import { join } from 'node:path'
import { usage } from '../base/failure.ts'
import { nearest } from '../base/suggest.ts'
import { configHome } from '../base/user-dirs.ts'
import { type Config, type HostConfig, localHost } from './host-config.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Where the config file is; an empty variable counts as unset. */
export const configFile = (env: Env): string =>
  env.KIMBIA_OPS_CONFIG || join(configHome(env), 'kimbia-ops', 'config.yaml')

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
