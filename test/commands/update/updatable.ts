import { Secret } from '../../../src/base/secret.ts'
import type { HostConfig } from '../../../src/config/host-config.ts'
import { resolved } from '../../support/scripted-compose.ts'
import { lookAnswer } from '../../support/scripted-engine.ts'
import { type ScriptedHost, scriptedHost } from '../../support/scripted-host.ts'
import { scriptedPds } from '../../support/scripted-pds.ts'

/** A PDS of package 0.5.34. */
export const healthy = () => {
  const body = new TextEncoder().encode('{"version":"0.5.34"}')
  return scriptedPds({ raw: { _health: { status: 200, contentType: 'application/json', body } } })
}

/** A digest or an id of an image. */
export const digest = (mark: string): string => `sha256:${mark.repeat(64)}`

/** What the scripted host is like, where it differs from a usual one. */
export interface Updatable {
  readonly image?: string
  /** What the container was made from, where that is not what the file names. */
  readonly madeFrom?: string
  /** The id of the image that the registry has, or why it does not say. */
  readonly remote?: { readonly id: string } | { readonly error: string }
  readonly free?: number
  readonly previous?: readonly object[]
  readonly container?: 'none'
  readonly watchtower?: 'runs'
  readonly compose?: string
  /** The image that compose makes of its files, where it is asked. */
  readonly taken?: string
  readonly config?: Partial<HostConfig>
  /** More lines of pds.env as the container has them. */
  readonly env?: readonly string[]
  /** pds.env. */
  readonly text?: string
}

const repository = 'reg.test/pds'

/** What an update left behind, as the host remembers it. */
export const left = (more: object = {}) => ({
  stamp: '20261120T100000Z',
  reference: `${repository}:0.4`,
  imageId: digest('a'),
  digest: digest('1'),
  version: '0.5.33',
  keep: 'kimbia-ops/pds-pds:before-20261120t100000z',
  backup: '/pds/kimbia-ops/databases/20261120T100000Z',
  ...more,
})

const watchtower = {
  Id: 'w'.repeat(64),
  Name: '/watchtower',
  State: { Status: 'running' },
  Config: { Image: 'nickfedor/watchtower', Env: ['WATCHTOWER_SCHEDULE=@midnight'] },
}

const pds = ({ madeFrom, image = `${repository}:0.4`, env = [] }: Updatable) => ({
  Id: 'c'.repeat(64),
  Name: '/pds',
  Image: digest('b'),
  State: { Status: 'running' },
  Config: {
    Image: madeFrom ?? image,
    Env: ['PDS_HOSTNAME=pds.test', 'PDS_ADMIN_PASSWORD=admin-password', 'PDS_DATA_DIRECTORY=/pds', ...env],
    Labels: {
      'com.docker.compose.project': 'pds',
      'com.docker.compose.service': 'pds',
      'com.docker.compose.project.working_dir': '/pds',
      'com.docker.compose.project.config_files': '/pds/compose.yaml',
    },
  },
  HostConfig: { NetworkMode: 'host' },
  Mounts: [{ Type: 'bind', Source: '/pds', Destination: '/pds' }],
})

/** A host whose PDS, image b of the tag 0.4, is run by compose. */
export function updatable(script: Updatable = {}): ScriptedHost {
  const {
    image = `${repository}:0.4`,
    remote = { id: digest('b') },
    free = 9_000_000,
    previous = [],
  } = script
  const containers = [
    ...(script.container === 'none' ? [] : [pds(script)]),
    ...(script.watchtower ? [watchtower] : []),
  ]
  const local = {
    Id: digest('b'),
    RepoDigests: [`${repository}@${digest('2')}`],
    Os: 'linux',
    Architecture: 'amd64',
  }
  const facts = [
    ...['kimbia-ops:image', JSON.stringify(local), 'kimbia-ops:docker', '28.2.2'],
    ...['kimbia-ops:images', '9000000', 'kimbia-ops:copies', String(free), 'kimbia-ops:databases'],
    ...['1000000 /pds/account.sqlite', '1000000 /pds/sequencer.sqlite', 'kimbia-ops:previous'],
    ...[...previous.map((it) => JSON.stringify(it)), 'kimbia-ops:end', ''],
  ].join('\n')
  const manifest =
    'error' in remote
      ? { code: 1, stderr: `${remote.error}\n` }
      : JSON.stringify({
          Descriptor: { digest: digest('3'), platform: { os: 'linux', architecture: 'amd64' } },
          SchemaV2Manifest: { config: { digest: remote.id } },
        })
  const compose =
    script.compose ?? `services:\n  pds:\n    image: ${image} # moves\n    env_file: [/pds/pds.env]\n`
  const { config, text } = script
  const settings = text === undefined ? undefined : text.trim().split('\n')
  return scriptedHost({
    ...(config && { config }),
    ...(text !== undefined && { settings: { text: new Secret(text) } }),
  })
    .on('# look at the containers', lookAnswer(containers, { texts: { '/pds/compose.yaml': compose } }))
    .on(
      '# how compose resolves',
      resolved(
        settings ?? ['PDS_HOSTNAME=pds.test', 'PDS_ADMIN_PASSWORD=admin-password'],
        script.taken ?? image,
      ),
    )
    .on('# look at the image', facts)
    .on('docker manifest inspect', manifest)
    .on(/^docker image inspect --format/, '[]')
}
