import { posix } from 'node:path'
import { Failure, failed, unreachable } from '../../base/failure.ts'
import { ask } from '../../ssh/shell.ts'
import type { HostView } from '../access/host.ts'
import { type Engine, type Project, readEngine } from '../docker/engine.ts'
import { type EnvFile, parseEnvFile } from '../env/parse.ts'
import { type ComposeService, readComposeService } from './compose-service.ts'

/** The settings that a container of the service would have if it were made now, and where compose takes each from. */
export interface ServiceEnv {
  /** Undefined for what neither pds.env nor compose sets. */
  get(key: string): string | undefined
  /** Those of pds.env first, in its order. */
  readonly keys: readonly string[]
  /** What compose takes in place of pds.env, in words: `environment:` of a file, or another env file. */
  overriddenBy(key: string): string | undefined
  /** What sets it once pds.env no longer does. */
  setElsewhere(key: string): string | undefined
  /** The env files that compose gives the service in place of pds.env, which then counts for nothing; undefined where it is one of them. */
  readonly insteadOfPdsEnv: readonly string[] | undefined
  /** Why compose could not be asked, in its words: then all of this is what pds.env alone says. */
  readonly refused: string | undefined
}

/** Where pds.env is all that matters. */
function ofPdsEnv(env: EnvFile, refused?: string): ServiceEnv {
  const none = (): undefined => undefined
  return {
    get: (key) => env.get(key),
    keys: namesIn(env),
    overriddenBy: none,
    setElsewhere: none,
    insteadOfPdsEnv: undefined,
    refused,
  }
}

const namesIn = ({ entries }: EnvFile): readonly string[] => [
  ...new Set(entries.map(({ key }) => key).filter((key) => key !== '')),
]

/**
 * Reads them; `text` is pds.env as it stands on the host. Compose is asked unless one plain compose file has pds.env
 * as all of its settings, and that is made from no variables.
 */
export async function readServiceEnv(
  host: Pick<HostView, 'ask' | 'config'>,
  { project, pds }: Pick<Engine, 'project' | 'pds'>,
  text: string,
): Promise<ServiceEnv> {
  const env = parseEnvFile(text)
  const { dir, service: configured } = await host.config()
  const service = pds ? pds.labels['com.docker.compose.service'] : configured
  if (!project || service === undefined) return ofPdsEnv(env)
  const pdsEnv = `${dir}/pds.env`
  const plain = !env.entries.some(({ interpolated }) => interpolated) && env.inherited.length === 0
  if (plain && (await isAlone(project, service, pdsEnv))) return ofPdsEnv(env)
  const found = await readComposeService(host, project, service)
  if ('refused' in found) return ofPdsEnv(env, found.refused)
  const places = await placesOf(host, { project, service, found, pdsEnv })
  return {
    get: (key) => found.environment.get(key)?.reveal(),
    keys: [...new Set([...namesIn(env), ...found.environment.keys()])],
    overriddenBy: (key) => places.after(key),
    setElsewhere: (key) => places.after(key) ?? places.before(key),
    insteadOfPdsEnv: places.instead,
    refused: undefined,
  }
}

/** Whether one compose file is all that there is to the service, and pds.env is all of its settings. */
async function isAlone({ dir, files, texts }: Project, service: string, pdsEnv: string): Promise<boolean> {
  const [path = '', ...overrides] = files
  const text = texts.get(path)
  if (text === undefined || overrides.length > 0) return false
  const { readServiceEntry } = await import('./compose-files.ts')
  const entry = readServiceEntry(text, service)
  if (!entry || entry.composed || entry.environment?.length !== 0) return false
  const [only = '', ...more] = entry.envFiles ?? []
  return more.length === 0 && posix.resolve(dir, only) === pdsEnv
}

interface Asked {
  readonly project: Project
  readonly service: string
  readonly found: ComposeService
  readonly pdsEnv: string
}

/** What sets a key besides pds.env, in words: what compose takes after it, and so in its place, or before it. */
interface Places {
  after(key: string): string | undefined
  before(key: string): string | undefined
  /** The env files of the service, where pds.env is none of them. */
  readonly instead: readonly string[] | undefined
}

async function placesOf(host: Pick<HostView, 'ask'>, it: Asked): Promise<Places> {
  const { project, service, found, pdsEnv } = it
  const own = new Map<string, string>()
  if (found.ownKeys.length > 0)
    for (const [key, path] of await ownKeyFiles(host, project, service))
      own.set(key, `“environment:” of “${service}” in ${path}`)
  const inherited = `“environment:” of “${service}”, which ${project.files.join(' or ')} includes or extends`
  const ofOwn = (key: string): string | undefined =>
    found.ownKeys.includes(key) ? (own.get(key) ?? inherited) : undefined
  const listed = found.envFiles
  if (listed === undefined) return { after: ofOwn, before: () => undefined, instead: undefined }
  const files = await readEnvFiles(host, listed, pdsEnv)
  const at = files.findLastIndex(({ isPdsEnv }) => isPdsEnv)
  const setIn = (part: typeof files, key: string): string | undefined =>
    part.findLast(({ keys }) => keys.has(key))?.path
  return {
    after: (key) => ofOwn(key) ?? setIn(files.slice(at + 1), key),
    before: (key) => setIn(files.slice(0, Math.max(at, 0)), key),
    instead: at < 0 ? listed : undefined,
  }
}

/** The last file that has each key under `environment:`. */
async function ownKeyFiles(
  host: Pick<HostView, 'ask'>,
  project: Project,
  service: string,
): Promise<readonly (readonly [key: string, path: string])[]> {
  const { readComposeFiles, readServiceEntry } = await import('./compose-files.ts')
  return (await readComposeFiles(host, project)).flatMap(({ path, text }) =>
    (readServiceEntry(text, service)?.environment ?? []).map((key) => [key, path] as const),
  )
}

interface ReadEnvFile {
  readonly path: string
  readonly isPdsEnv: boolean
  readonly keys: ReadonlySet<string>
}

/** Reads which keys the env files set; pds.env is known by its inode too, since a path may be a link. */
async function readEnvFiles(
  host: Pick<HostView, 'ask'>,
  listed: readonly string[],
  pdsEnv: string,
): Promise<readonly ReadEnvFile[]> {
  const read = async (path: string): Promise<ReadEnvFile> => {
    if (path === pdsEnv) return { path, isPdsEnv: true, keys: new Set() }
    const { code, stdout, stderr } = await host.ask(ask`# the names that an env file sets
[ ! ${path} -ef ${pdsEnv} ] || { echo kimbia-ops:pds.env; exit 0; }
echo kimbia-ops:text
[ ! -f ${path} ] || cat ${path} || exit
echo
echo kimbia-ops:end`)
    const [, text] = /^kimbia-ops:text\n([\s\S]*)\nkimbia-ops:end$/m.exec(stdout) ?? []
    if (text === undefined && /^kimbia-ops:pds\.env$/m.test(stdout))
      return { path, isPdsEnv: true, keys: new Set() }
    if (text === undefined)
      throw unreachable(
        'env-file-unreadable',
        `the env file ${path} cannot be read: ${stderr.trim().slice(0, 200) || `exit code ${code}`}`,
        'see who may read it: ls -l on the host',
      )
    return { path, isPdsEnv: false, keys: new Set(namesIn(parseEnvFile(text, path))) }
  }
  return await Promise.all(listed.map(read))
}

/** The same of a host on which docker may not answer: then the Failure that says so. */
export async function tryServiceEnv(host: HostView, text: string): Promise<ServiceEnv | Failure> {
  try {
    return await readServiceEnv(host, await readEngine(host), text)
  } catch (cause) {
    if (cause instanceof Failure && cause.outcome === 'unreachable') return cause
    throw cause
  }
}

/**
 * The value of a setting of pds.env, as compose reads it: of compose itself where it is made from variables that pds.env
 * alone cannot tell. Undefined where the file does not set it.
 */
export async function readSetting(host: HostView, text: string, key: string): Promise<string | undefined> {
  const entry = parseEnvFile(text).entries.findLast((it) => it.key === key)
  if (!entry?.interpolated) return entry?.value
  const env = await readServiceEnv(host, await readEngine(host), text)
  if (env.refused === undefined && env.overriddenBy(key) === undefined) return env.get(key)
  throw failed(
    'setting-unknown',
    `pds.env, line ${entry.line}: ${key} is made from variables, and compose does not tell what of: ${env.refused ?? `it takes ${key} from ${env.overriddenBy(key)}`}`,
    'on the host: docker compose config; or write the value itself: kimbia-ops env set',
  )
}
