import { expect } from 'vitest'
import { Secret } from '../../../src/base/secret.ts'
import type { HostConfig } from '../../../src/config/host-config.ts'
import { dataIn, lookAnswer } from '../../support/scripted-engine.ts'
import { type ScriptedHost, scriptedHost } from '../../support/scripted-host.ts'

/** The settings of a scripted host, as pds.env holds them. */
export const pdsEnv = `# made by the installer
PDS_HOSTNAME=pds.test
PDS_PORT=3000
PDS_JWT_SECRET=jwt-hush
PDS_ADMIN_PASSWORD=admin-password
PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX=${'ab'.repeat(32)}
PDS_BLOBSTORE_DISK_LOCATION=/pds/blocks
PDS_INVITE_REQUIRED=false

# how much is logged
LOG_LEVEL=info
`

/** What the container runs with where it runs with what pds.env says, and what its image brings along. */
export const runningEnv = [
  ...pdsEnv.split('\n').filter((line) => /^[A-Z]/.test(line)),
  'NODE_ENV=production',
  'LOG_ENABLED=true',
]
export const imageEnv = ['NODE_ENV=production', 'LOG_ENABLED=true']

interface Composed {
  readonly text?: string
  readonly env?: readonly string[]
  readonly state?: string
  readonly config?: Partial<HostConfig>
  /** What the compose file names. */
  readonly image?: string
  /** The whole of the compose file. */
  readonly file?: string
  /** What docker is like; `none`: there is none. */
  readonly docker?: 'none' | 'no container'
}

const inspected = (env: readonly string[], state: string): string =>
  JSON.stringify([
    {
      Id: 'c'.repeat(64),
      Name: '/pds',
      Image: 'sha256:abc',
      State: { Status: state, ExitCode: 0, StartedAt: '2026-11-22T17:00:00Z', FinishedAt: '' },
      Config: {
        Image: 'pds:0.4',
        Env: env,
        Labels: {
          'com.docker.compose.project': 'pds',
          'com.docker.compose.service': 'pds',
          'com.docker.compose.project.working_dir': '/pds',
          'com.docker.compose.project.config_files': '/pds/compose.yaml',
        },
        ...dataIn('/pds').Config,
      },
      HostConfig: { NetworkMode: 'host' },
      Mounts: dataIn('/pds').Mounts,
    },
  ])

/** The compose file of such a host. */
const fileOf = (image: string): string =>
  `services:\n  pds:\n    image: ${image}\n    env_file: [/pds/pds.env]\n`

/** What it answers that is asked for its containers. */
export function composedLook({
  env = runningEnv,
  state = 'running',
  image = 'pds:0.4',
  docker,
  file = fileOf(image),
}: Composed = {}): string {
  if (docker === 'none') return 'kimbia-ops:no-docker\n'
  const containers = docker === 'no container' ? '[]' : inspected(env, state)
  return lookAnswer(JSON.parse(containers), { texts: { '/pds/compose.yaml': file } })
}

/** A host whose PDS runs in a container that compose has made. */
export function composed(it: Composed = {}) {
  const { text = pdsEnv, config, image = 'pds:0.4' } = it
  const port = Number(/^PDS_PORT=(\d+)/m.exec(text)?.[1] ?? 3000)
  const host: ScriptedHost = scriptedHost({
    ...(config && { config }),
    settings: { text: new Secret(text), port },
  })
  return host
    .on('# look at the containers', composedLook(it))
    .on('# which container is the PDS', composedLook(it))
    .on('config --hash', 'pds hash-of-the-files\n')
    .on(/^docker image inspect/, JSON.stringify(imageEnv))
    .on('config --images', `${image}\n`)
    .on('cat -- /pds/pds.env', text)
}

/** The step that recreates the container of this host. */
export const recreated: unknown = expect.stringMatching(
  /^docker compose .* up --detach --no-deps --no-build --pull never +pds$/,
)

/** The line of compose for this host, up to its command. */
export const compose = 'docker compose --project-directory /pds --file /pds/compose.yaml --project-name pds'
