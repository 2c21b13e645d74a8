/** What is said of a container of a scripted host; the rest is that of a PDS made by compose in /pds. */
export interface ScriptedContainer {
  readonly id?: string
  readonly name?: string
  readonly image?: string
  readonly state?: string
  readonly exitCode?: number
  readonly restarts?: number
  readonly startedAt?: string
  readonly env?: readonly string[]
  /** The compose service; null for one that was run by hand. */
  readonly service?: string | null
  /** The compose files it was made from. */
  readonly files?: readonly string[]
}

const inspected = (it: ScriptedContainer) => {
  const { service = 'pds' } = it
  return {
    Id: it.id ?? 'c'.repeat(64),
    Name: `/${it.name ?? service ?? 'pds'}`,
    Image: 'sha256:1',
    State: {
      Status: it.state ?? 'running',
      ExitCode: it.exitCode ?? 0,
      StartedAt: it.startedAt ?? '2026-11-20T10:00:00.5Z',
    },
    RestartCount: it.restarts ?? 0,
    Config: {
      Image: it.image ?? 'ghcr.io/bluesky-social/pds:0.4',
      Env: it.env ?? ['PDS_HOSTNAME=pds.test', 'PDS_ADMIN_PASSWORD=admin-password'],
      Labels: service === null ? {} : labels(service, it.files),
      ...dataIn('/pds').Config,
    },
    HostConfig: { NetworkMode: 'host' },
    Mounts: dataIn('/pds').Mounts,
  }
}

/** What docker says of a PDS that keeps its data in a directory of the host, where it starts. */
export const dataIn = (source: string) => ({
  Config: { WorkingDir: '/pds' },
  Mounts: [{ Type: 'bind', Source: source, Destination: '/pds' }],
})

const labels = (service: string, files: readonly string[] = ['/pds/compose.yaml']) => ({
  'com.docker.compose.service': service,
  'com.docker.compose.project': 'pds',
  'com.docker.compose.project.working_dir': '/pds',
  'com.docker.compose.project.config_files': files.join(','),
  'com.docker.compose.oneoff': 'False',
})

/** What a host answers that is asked for its containers. */
export const engineAnswer = (
  containers: readonly ScriptedContainer[] = [{}],
  files: readonly string[] = ['/pds/compose.yaml'],
  more: Omit<Look, 'files'> = {},
): string => lookAnswer(containers.map(inspected), { files, texts: usualTexts(containers, files), ...more })

/** The compose file of the installer, where there is but one. */
const usualTexts = (containers: readonly ScriptedContainer[], files: readonly string[]) =>
  Object.fromEntries(files.length === 1 ? [[files[0] ?? '', usualFile(containers[0])]] : [])

const usualFile = ({ image = 'ghcr.io/bluesky-social/pds:0.4' }: ScriptedContainer = {}): string =>
  `services:\n  pds:\n    image: ${image}\n    env_file: [/pds/pds.env]\n`

interface Look {
  readonly files?: readonly string[]
  /** What the reference of the PDS names: its id, and the settings that it brings along. */
  readonly image?: readonly [reference: string, id: string, env: readonly string[]]
  /** When, in seconds since 1970. */
  readonly seen?: number
  /** What the compose files hold, as far as it was read. */
  readonly texts?: Readonly<Record<string, string>>
}

/** The same in docker's own words. */
export const lookAnswer = (
  containers: readonly object[],
  { files = ['/pds/compose.yaml'], image, seen = 1_700_000_000, texts = {} }: Look = {},
): string =>
  [
    ...[`kimbia-ops:docker ${seen}`, JSON.stringify(containers)],
    ...['kimbia-ops:places', 'real /pds', 'same /pds', 'kimbia-ops:image'],
    image ? `${image[0]} ${image[1]} ${JSON.stringify(image[2])}` : '',
    ...['kimbia-ops:files', files.join('\n'), 'kimbia-ops:texts'],
    ...Object.entries(texts).map(([path, text]) => `${Buffer.byteLength(text)} ${path}\n${text}`),
    '',
  ].join('\n')
