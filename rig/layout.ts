import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RigOptions } from './host.ts'
import { freePort } from './process/ports.ts'

/** Where everything of one rig lies; all of it is below `dir`. */
export interface Layout {
  name: string
  dir: string
  pdsDir: string
  envFile: string
  pdsLog: string
  bin: string
  sshd: string
  home: string
  client: string
  identity: string
}

/** Makes the directories of a new rig: others may pass through `dir`, but see no more than they need. */
export function makeLayout(): Layout {
  const name = `kimbia-rig-${randomBytes(3).toString('hex')}`
  // The operator of a rig that root makes must be able to reach it, and root's TMPDIR may be private.
  const dir = join(process.getuid?.() === 0 ? '/tmp' : tmpdir(), name)
  const make = (path: string, mode: number) => {
    mkdirSync(path, { mode })
    return path
  }
  make(dir, 0o711)
  const pdsDir = make(join(dir, 'pds'), 0o700)
  const client = make(join(dir, 'client'), 0o700)
  make(join(client, 'home'), 0o700)
  return {
    name,
    dir,
    pdsDir,
    envFile: join(pdsDir, 'pds.env'),
    pdsLog: join(dir, 'pds.log'),
    bin: make(join(dir, 'bin'), 0o755),
    sshd: make(join(dir, 'sshd'), 0o711),
    home: make(join(dir, 'operator'), 0o700),
    client,
    identity: join(client, 'id_ed25519'),
  }
}

/** Writes pds.env in the form of the official installer and returns what it says. */
export async function writePdsEnv(layout: Layout, options: RigOptions): Promise<Record<string, string>> {
  const dataDir = options.docker ? '/pds' : layout.pdsDir
  const settings: Record<string, string> = {
    PDS_HOSTNAME: 'localhost',
    PDS_JWT_SECRET: randomBytes(16).toString('hex'),
    PDS_ADMIN_PASSWORD: randomBytes(16).toString('hex'),
    PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: randomBytes(32).toString('hex'),
    PDS_DATA_DIRECTORY: dataDir,
    PDS_BLOBSTORE_DISK_LOCATION: join(dataDir, 'blocks'),
    PDS_BLOB_UPLOAD_LIMIT: '104857600',
    // By name, because the PDS refuses to resolve a DID at a numeric address; see load.js for where the name leads.
    PDS_DID_PLC_URL: `http://localhost:${await freePort()}`,
    // Nobody listens there: a call to the app view fails at once and nothing leaves the machine.
    PDS_BSKY_APP_VIEW_URL: 'http://localhost:1',
    PDS_BSKY_APP_VIEW_DID: 'did:web:appview.test',
    PDS_CRAWLERS: '',
    LOG_ENABLED: 'true',
    PDS_PORT: String(await freePort()),
    PDS_DEV_MODE: 'true',
    PDS_SERVICE_HANDLE_DOMAINS: '.test',
    PDS_INVITE_REQUIRED: String(options.inviteRequired ?? true),
    PDS_RATE_LIMITS_ENABLED: String(options.rateLimits ?? true),
    ...(options.bypassKey ? { PDS_RATE_LIMIT_BYPASS_KEY: options.bypassKey } : {}),
    ...options.env,
  }
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`)
  writeFileSync(layout.envFile, lines.join(''), { mode: 0o600 })
  return settings
}

/** What the client side of the rig needs to know to write its files. */
export interface Login {
  user: string
  sshPort: number
  pdsPort: number
  knownHosts: string
}

/** Writes known_hosts, ssh_config and the kimbia-ops config; returns their paths. */
export function writeClient(layout: Layout, login: Login) {
  const write = (file: string, text: string) => {
    const path = join(layout.client, file)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
  const knownHosts = write('known_hosts', login.knownHosts)
  const sshConfig = write(
    'ssh_config',
    [
      'Host rig-alias',
      '  HostName 127.0.0.1',
      `  Port ${login.sshPort}`,
      `  User ${login.user}`,
      `  IdentityFile ${layout.identity}`,
      '  IdentitiesOnly yes',
      `  UserKnownHostsFile ${knownHosts}`,
      '',
    ].join('\n'),
  )
  const configFile = write(
    'config.yaml',
    [
      'default: rig',
      'hosts:',
      '  rig:',
      `    ssh: ${login.user}@127.0.0.1:${login.sshPort}`,
      `    ssh_config: ${sshConfig}`,
      `    identity: ${layout.identity}`,
      `    known_hosts: ${knownHosts}`,
      `    dir: ${layout.pdsDir}`,
      `    port: ${login.pdsPort}`,
      '',
    ].join('\n'),
  )
  return { knownHosts, sshConfig, configFile }
}
