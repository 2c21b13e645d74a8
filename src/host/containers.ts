import { Secret } from '../secret.ts'

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
  /** `host`, `bridge`, … */
  readonly network: string
  /** Directories of the host, and where the container sees them. */
  readonly mounts: readonly { readonly source: string; readonly target: string }[]
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
    network: text(host.NetworkMode),
    mounts: list(it.Mounts)
      .map(object)
      .map(({ Source, Destination }) => ({ source: text(Source), target: text(Destination) })),
  }
}

function setting(line: string): [string, Secret] {
  const at = line.indexOf('=')
  return at < 0 ? [line, new Secret('')] : [line.slice(0, at), new Secret(line.slice(at + 1))]
}
