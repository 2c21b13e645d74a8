import { unreachable } from '../../base/failure.ts'
import { Secret } from '../../base/secret.ts'
import type { HostConfig } from '../../config/host-config.ts'
import { type EnvFile, parseEnvFile } from '../env/parse.ts'

/** What pds.env says of the PDS, read with compose's own rules. */
export interface PdsEnv {
  /** The config's `hostname`, or PDS_HOSTNAME where it is written as it is; what variables make of it is not known here. */
  readonly hostname: string | undefined
  readonly port: number
  readonly adminPassword: Secret
  readonly bypassKey: Secret | undefined
  /** The whole of pds.env, byte for byte as it was read. */
  readonly text: Secret
}

/** pds.env of a host, for a person. */
export const pdsEnvOf = (where: string, { dir }: HostConfig): string => `${where}:${dir}/pds.env`

/** The settings of a running container. */
export type RunningEnv = ReadonlyMap<string, Secret>

/** Whether pds.env alone does not tell what every command needs: another env file does, or variables. */
export function needsRunningEnv(text: string, file: string): boolean {
  if (text.trim() === '') return false
  const { entries } = parseEnvFile(text, file)
  const made = ['PDS_ADMIN_PASSWORD', 'PDS_PORT', 'PDS_RATE_LIMIT_BYPASS_KEY']
  return (
    !entries.some(({ key }) => key === 'PDS_ADMIN_PASSWORD') ||
    entries.some(({ key, interpolated }) => interpolated && made.includes(key))
  )
}

/**
 * Reads the settings that every command needs; the config's own values come first. An empty value counts as none. What
 * pds.env does not set, or makes from variables, is what the container `running` has.
 */
export function readPdsEnv(text: string, config: HostConfig, where: string, running?: RunningEnv): PdsEnv {
  const file = pdsEnvOf(where, config)
  assertText(text, file)
  const parsed = parseEnvFile(text, file)
  const env = { entries: parsed.entries, get: (key: string) => settingIn(key, parsed, running) }
  const adminPassword = env.get('PDS_ADMIN_PASSWORD')
  if (!adminPassword)
    throw unreachable(
      'admin-password-missing',
      `${file} sets no PDS_ADMIN_PASSWORD, and no container tells it`,
      'set it there and recreate the container; the PDS does not start without it',
    )
  const bypassKey = env.get('PDS_RATE_LIMIT_BYPASS_KEY')
  const named = env.entries.findLast(({ key }) => key === 'PDS_HOSTNAME')
  return {
    hostname: config.hostname ?? (named?.interpolated ? undefined : named?.value || undefined),
    port: config.port ?? readPort(env.get('PDS_PORT') || '3000', file),
    adminPassword: new Secret(adminPassword),
    bypassKey: bypassKey ? new Secret(bypassKey) : undefined,
    text: new Secret(text),
  }
}

function settingIn(
  key: string,
  { entries, get }: EnvFile,
  running: RunningEnv | undefined,
): string | undefined {
  const entry = entries.findLast((it) => it.key === key)
  return entry && !entry.interpolated ? entry.value : (running?.get(key)?.reveal() ?? get(key))
}

/** A Failure where there is nothing in pds.env. */
export function assertText(text: string, file: string): void {
  if (text.trim() === '') throw unreachable('pds-env-empty', `${file} is empty`, 'restore it from a backup')
}

function readPort(value: string, file: string): number {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : 0
  if (port >= 1 && port <= 65_535) return port
  throw unreachable(
    'pds-port-invalid',
    `${file}: PDS_PORT is not a port number`,
    'mend it there, or set “port:” in the config',
  )
}
