import { posix } from 'node:path'
import { Failure, unreachable } from '../../base/failure.ts'
import type { HostConfig } from '../../config/host-config.ts'
import type { Answer } from '../../ssh/session.ts'
import type { HostView } from '../access/host.ts'
import { type Container, parseContainers } from './containers.ts'
import { noEngine } from './engine-failure.ts'
import { lookAtContainers, lookAtEngine, parsePlaces } from './engine-look.ts'
import { composeLabel, filesOf, findOwn, noContainer, type Places } from './own-container.ts'

/** The compose project of a host, and how compose is told of it. */
export interface Project {
  /** Where compose believes to be, absolute. */
  readonly dir: string
  /** The compose files, absolute, in the order in which they are laid over each other. */
  readonly files: readonly string[]
  /** What they hold, as far as it was read. */
  readonly texts: ReadonlyMap<string, string>
  readonly name: string | undefined
  /** The words of `docker compose` for this project, sudo included where docker needs it. */
  readonly words: readonly string[]
}

/** The container engine of a host, as far as kimbia-ops is concerned with it. */
export interface Engine {
  /** The words that reach docker: `docker`, or `sudo -n docker`. */
  readonly docker: readonly string[]
  readonly project: Project | undefined
  /** The container of the configured service that belongs to the directory of pds.env, running or not. */
  readonly pds: Container | undefined
  /** Containers of a service of that name that belong to others. */
  readonly elsewhere: readonly Container[]
  /** All containers of the host. */
  readonly containers: readonly Container[]
  /** The image that the container of the service was asked to be made from, as the host has it now; where it was read. */
  readonly image: LocalImage | undefined
  /** When all of that was so, in seconds since 1970 by the clock of the host. */
  readonly seen: number
}

/** What a reference names on a host. */
export interface LocalImage {
  readonly reference: string
  readonly id: string
  /** The settings that it brings along, `KEY=value` each. */
  readonly env: readonly string[]
}

/** One whose service is run by compose. */
export interface ComposeEngine extends Engine {
  readonly project: Project
}

const listing =
  /^kimbia-ops:(docker|sudo) (\d+)\n([\s\S]*?)\nkimbia-ops:places\n([\s\S]*?)(?:kimbia-ops:image\n([\s\S]*)|$(?![\s\S]))/m
const further = /^([\s\S]*?)\nkimbia-ops:files\n([\s\S]*?)\nkimbia-ops:texts\n([\s\S]*)$/

/** Looks at the containers of a host in one remote script; a host without docker is an `unreachable` Failure. */
export async function readEngine(host: HostView): Promise<Engine> {
  const config = await host.config()
  const answer = await host.ask(lookAtEngine(config))
  const { rest, places, ...found } = await parseListing(host, config, answer)
  const [, image = '', files = '', texts = ''] = further.exec(rest) ?? []
  const lines = files.split('\n')
  const [dotenv] = lines.filter((line) => line.startsWith('dotenv ')).map((line) => line.slice(7))
  const described = {
    files: lines.filter((line) => line.startsWith('/')).map((file) => posix.normalize(file)),
    texts: readTexts(texts),
    dotenv,
  }
  const project = projectOf(config, found.pds, described, { docker: found.docker, places })
  return { ...found, project, image: readImage(image) }
}

/** The containers of a host, and which of them is that of the PDS. */
export type Containers = Pick<Engine, 'docker' | 'containers' | 'pds' | 'elsewhere' | 'seen'>

/** Looks at the containers alone; a host without docker is an `unreachable` Failure. */
export async function readContainers(host: Pick<HostView, 'ask' | 'config' | 'where'>): Promise<Containers> {
  const config = await host.config()
  const { docker, containers, pds, elsewhere, seen } = await parseListing(
    host,
    config,
    await host.ask(lookAtContainers(config)),
  )
  return { docker, containers, pds, elsewhere, seen }
}

/** The same; undefined on a host without docker, and where docker does not answer us: there is only pds.env then. */
export async function containersIfAny(
  host: Pick<HostView, 'ask' | 'config' | 'where'>,
  without: (why: Failure) => void = () => {},
): Promise<Containers | undefined> {
  try {
    return await readContainers(host)
  } catch (cause) {
    if (!(cause instanceof Failure) || !['no-docker', 'no-engine'].includes(cause.code)) throw cause
    without(cause)
    return undefined
  }
}

async function parseListing(host: Pick<HostView, 'where'>, config: HostConfig, answer: Answer) {
  const [, how = '', seen, json = '', told = '', rest = ''] = listing.exec(answer.stdout) ?? []
  if (how === '') throw await noEngine(host, config, answer)
  const docker = how === 'sudo' ? ['sudo', '-n', 'docker'] : ['docker']
  // Where there are some, and docker describes none of them, nobody knows what runs.
  if (json.trim() === '') throw await noEngine(host, config, answer)
  const containers = parseContainers(json)
  const places = parsePlaces(told, config)
  return { docker, containers, places, ...findOwn(containers, config, places), seen: Number(seen), rest }
}

/** Texts, each led by a line with its length in bytes and its path; one that is no UTF-8 counts as not read. */
function readTexts(section: string): Map<string, string> {
  const texts = new Map<string, string>()
  let rest = Buffer.from(section)
  while (true) {
    const end = rest.indexOf(10)
    const [, length = '', path = ''] =
      /^(\d+) (\/.*)$/.exec(rest.subarray(0, Math.max(end, 0)).toString()) ?? []
    const from = end + 1
    const to = from + Number(length)
    const text = rest.subarray(from, to).toString()
    if (path === '' || rest.length < to || text.includes('\ufffd')) return texts
    texts.set(path, text)
    rest = rest.subarray(to + 1)
  }
}

/** A line: the reference, the id, and the environment as JSON. */
function readImage(line: string): LocalImage | undefined {
  const [, reference, id, json] = /^(\S+) (sha256:[0-9a-f]+) (.*)$/m.exec(line) ?? []
  return reference && id && json ? { reference, id, env: environmentOf(json) } : undefined
}

/** The settings that an image brings along, `KEY=value` each, of `docker image inspect --format '{{json .Config.Env}}'`. */
export function environmentOf(json: string): readonly string[] {
  const env: unknown = JSON.parse(json)
  return Array.isArray(env) ? env.map(String) : []
}

/**
 * Looks at them for what only compose can do. A service that no compose file describes is an `unreachable` Failure, and
 * so is one of which there is no container here but one elsewhere: that is the one that would be meant, or harmed.
 */
export async function readComposeEngine(host: HostView): Promise<ComposeEngine> {
  const engine = await readEngine(host)
  const config = await host.config()
  const { pds, project, elsewhere } = engine
  if (!pds && elsewhere.length > 0 && config.project === undefined)
    throw noContainer(config, await host.where(), elsewhere)
  if (!project)
    throw unreachable(
      'no-compose-file',
      `${await host.where()} has no compose file in ${config.dir}, and no container that compose has made for “${config.service}”`,
      'set “dir:” or “compose_file:” in the config if it lies elsewhere; accounts and invites work without',
    )
  if (pds && composeLabel(pds, 'service') === '')
    throw unreachable(
      'not-by-compose',
      `${pds.name} on ${await host.where()} was not made by compose, which is what could make it anew`,
      'kimbia-ops restart starts it again as it is',
    )
  return { ...engine, project }
}

/** The compose files that were found, and a .env that named them. */
interface Described extends Pick<Project, 'files' | 'texts'> {
  readonly dotenv: string | undefined
}

/**
 * The project as compose itself has it: from the labels of the container, where its files are still there, else from the
 * directory. Compose takes the directory of its first file for that of the project.
 */
function projectOf(
  { dir, project, composeFile }: HostConfig,
  pds: Container | undefined,
  { files: found, texts, dotenv }: Described,
  { docker, places }: { readonly docker: readonly string[]; readonly places: Places },
): Project | undefined {
  const told = pds ? filesOf(pds) : []
  const holds =
    told.length > 0 &&
    !told.some((file) => places.gone.has(file)) &&
    (composeFile === undefined || told.includes(posix.resolve(dir, composeFile)))
  const files = holds ? told : found
  const [first] = files
  if (first === undefined) return undefined
  const label = (name: string): string => (pds ? composeLabel(pds, name) : '')
  const beside = composeFile !== undefined || dotenv !== undefined ? posix.dirname(first) : dir
  const place = (holds && label('project.working_dir')) || beside
  const name = project ?? (label('project') || undefined)
  const envFiles = holds
    ? label('project.environment_file')
        .split(',')
        .filter((file) => file !== '' && !places.gone.has(file))
    : dotenv === undefined
      ? []
      : [dotenv]
  const words = [
    ...docker,
    'compose',
    '--project-directory',
    place,
    ...files.flatMap((file) => ['--file', file]),
    ...envFiles.flatMap((file) => ['--env-file', file]),
    ...(name === undefined ? [] : ['--project-name', name]),
  ]
  return { dir: place, files, texts, name, words }
}
