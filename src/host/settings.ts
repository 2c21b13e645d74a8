import type { HostConfig } from '../config.ts'
import { unreachable } from '../failure.ts'
import { Secret } from '../secret.ts'
import { parseEnvFile } from './env-file.ts'

/** What pds.env says of the PDS, read with compose's own rules. */
export interface PdsEnv {
  /** PDS_HOSTNAME, or the config's `hostname`. */
  readonly hostname: string
  readonly port: number
  readonly adminPassword: Secret
  readonly bypassKey: Secret | undefined
  /** The whole of pds.env, byte for byte as it was read. */
  readonly text: Secret
}

/** Reads the settings that every command needs; the config's own values come first. An empty value counts as none. */
export function readPdsEnv(text: string, config: HostConfig, where: string): PdsEnv {
  const file = `${where}:${config.dir}/pds.env`
  if (text.trim() === '') throw unreachable('pds-env-empty', `${file} is empty`, 'restore it from a backup')
  const env = parseEnvFile(text, file)
  const adminPassword = env.get('PDS_ADMIN_PASSWORD')
  if (!adminPassword)
    throw unreachable(
      'admin-password-missing',
      `${file} sets no PDS_ADMIN_PASSWORD`,
      'set it there and recreate the container; the PDS does not start without it',
    )
  const bypassKey = env.get('PDS_RATE_LIMIT_BYPASS_KEY')
  return {
    hostname: config.hostname ?? (env.get('PDS_HOSTNAME') || 'localhost'),
    port: config.port ?? readPort(env.get('PDS_PORT') || '3000', file),
    adminPassword: new Secret(adminPassword),
    bypassKey: bypassKey ? new Secret(bypassKey) : undefined,
    text: new Secret(text),
  }
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
