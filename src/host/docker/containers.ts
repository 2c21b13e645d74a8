import { Secret } from '../../base/secret.ts'

/** A container as `docker inspect` describes it; the settings it runs with are held as secrets. */
export interface Container {
  /** The whole id, 64 hexadecimal digits. */
  readonly id: string
  readonly name: string
  /** The image as it was asked for, such as `ghcr.io/bluesky-social/pds:0.4`. */
  readonly image: string
  /** What it runs: the id of that image, `sha256:…`. */
  readonly imageId: string
  /** `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`. */
  readonly state: string
  /** `starting`, `healthy` or `unhealthy`, where the image has a health check. */
  readonly health: string | undefined
  readonly exitCode: number
  /** How often docker has started it again by itself. */
  readonly restarts: number
  /** ISO 8601 UTC; docker's year 1 when it never started. */
  readonly startedAt: string
  readonly finishedAt: string
  readonly env: ReadonlyMap<string, Secret>
  readonly labels: Readonly<Record<string, string>>
  /** The words behind the entrypoint. */
  readonly args: readonly string[]
  /** The directory in which its process starts. */
  readonly workDir: string
  /** `host`, `bridge`, `container:ID`, … */
  readonly network: string
  /** Its TCP ports that are published on the host. */
  readonly published: readonly PublishedPort[]
  /** Directories and volumes of the host, and where the container sees them; a tmpfs has no source. */
  readonly mounts: readonly Mount[]
}

/** A TCP port of a container, and the address and port of the host that lead to it. */
export interface PublishedPort {
  readonly container: number
  /** Empty for all addresses. */
  readonly address: string
  readonly host: number
}

/** A place of the host, and where the container sees it. */
export interface Mount {
  /** `bind`, `volume`, `tmpfs`, … */
  readonly type: string
  readonly source: string
  readonly target: string
}

type Json = Readonly<Record<string, unknown>>

const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {})
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const number = (value: unknown): number => (typeof value === 'number' ? value : 0)
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** Reads the answer of `docker inspect` for any number of containers; other objects in it are left out. */
export const parseContainers = (json: string): readonly Container[] =>
  list(JSON.parse(json)).map(object).filter(isContainer).map(readContainer)

const isContainer = ({ Id, State }: Json): boolean => typeof Id === 'string' && typeof State === 'object'

function readContainer(it: Json): Container {
  const [state, config, host] = [object(it.State), object(it.Config), object(it.HostConfig)]
  return {
    id: text(it.Id),
    name: text(it.Name).replace(/^\//, ''),
    image: text(config.Image),
    imageId: text(it.Image),
    state: text(state.Status),
    health: text(object(state.Health).Status) || undefined,
    exitCode: number(state.ExitCode),
    restarts: number(it.RestartCount),
    startedAt: text(state.StartedAt),
    finishedAt: text(state.FinishedAt),
    env: new Map(list(config.Env).map((line) => setting(text(line)))),
    labels: Object.fromEntries(Object.entries(object(config.Labels)).map(([key, it]) => [key, text(it)])),
    args: list(it.Args).map(text),
    workDir: text(config.WorkingDir) || '/',
    network: text(host.NetworkMode),
    published: publishedPorts(object(object(it.NetworkSettings).Ports), object(host.PortBindings)),
    mounts: list(it.Mounts)
      .map(object)
      .map(({ Type, Source, Destination }) => ({
        type: text(Type),
        source: text(Source),
        target: text(Destination),
      })),
  }
}

/** What is bound while it runs; what it was asked to bind while it does not. */
function publishedPorts(bound: Json, wanted: Json): readonly PublishedPort[] {
  const ports = Object.keys(bound).length > 0 ? bound : wanted
  return Object.entries(ports).flatMap(([port, bindings]) => {
    const [, number, protocol = 'tcp'] = /^(\d+)(?:\/(\w+))?$/.exec(port) ?? []
    if (number === undefined || protocol !== 'tcp') return []
    return list(bindings)
      .map(object)
      .map(({ HostIp, HostPort }) => ({
        container: Number(number),
        address: text(HostIp),
        host: Number(text(HostPort)),
      }))
      .filter(({ host }) => host > 0)
  })
}

function setting(line: string): [string, Secret] {
  const at = line.indexOf('=')
  return at < 0 ? [line, new Secret('')] : [line.slice(0, at), new Secret(line.slice(at + 1))]
}
