import { Secret } from '../../base/secret.ts'
import { ask } from '../../ssh/shell.ts'
import type { HostView } from '../access/host.ts'
import type { Project } from '../docker/engine.ts'

/** A service as compose itself resolves it from all of its files. */
export interface ComposeService {
  readonly image: string | undefined
  /** What a container made now would run with, where its image brings nothing along; undefined unsets a key. */
  readonly environment: ReadonlyMap<string, Secret | undefined>
  /** Its env files in their order, absolute; undefined where compose does not list them. */
  readonly envFiles: readonly string[] | undefined
  /** The names under its `environment:`, from whatever file; these win over any env file. */
  readonly ownKeys: readonly string[]
}

/** Why compose gives no answer, in its own words. */
export interface ComposeRefusal {
  readonly refused: string
}

/** Asks `docker compose config`, once for the values and once for where they come from; nothing of it is shown. */
export async function readComposeService(
  host: Pick<HostView, 'ask'>,
  { words }: Pick<Project, 'words'>,
  service: string,
): Promise<ComposeService | ComposeRefusal> {
  const { code, stdout, stderr } = await host.ask(ask`# how compose resolves ${service}
echo kimbia-ops:resolved
${words} config --format json ${service} || exit
echo
echo kimbia-ops:written
${words} config --no-interpolate --format json ${service} 2>/dev/null
echo
echo kimbia-ops:end`)
  const [, resolved, written = ''] =
    /^kimbia-ops:resolved\n([\s\S]*)\nkimbia-ops:written\n([\s\S]*)\nkimbia-ops:end$/m.exec(stdout) ?? []
  const found = resolved === undefined ? undefined : serviceIn(resolved, service)
  if (code !== 0 || found === undefined)
    return { refused: reasonIn(stderr) || (code === 0 ? 'its answer is cut off' : `exit code ${code}`) }
  const raw = serviceIn(written, service)
  return {
    image: typeof found.image === 'string' ? found.image : undefined,
    environment: new Map(
      Object.entries(object(found.environment)).map(([key, value]) => [key, valueIn(value)]),
    ),
    envFiles: raw && pathsOf(raw.env_file),
    ownKeys: namesOf(raw?.environment) ?? [],
  }
}

type Json = Readonly<Record<string, unknown>>
export const object = (value: unknown): Json =>
  typeof value === 'object' && value !== null ? (value as Json) : {}

function serviceIn(json: string, service: string): Json | undefined {
  try {
    const found = object(object(JSON.parse(json)).services)[service]
    return found === undefined ? undefined : object(found)
  } catch {
    return undefined
  }
}

/** Compose prints each dollar sign twice, so that its output is a compose file again. */
const valueIn = (value: unknown): Secret | undefined =>
  value === null ? undefined : new Secret(String(value).replaceAll('$$', () => '$'))

/** The paths of `env_file:`, each written plainly or with `path:`; undefined where there are others. */
export function pathsOf(value: unknown): readonly string[] | undefined {
  const all = value === undefined || value === null ? [] : Array.isArray(value) ? value : [value]
  const paths = all.map((it) => (typeof it === 'string' ? it : object(it).path))
  return paths.every((it) => typeof it === 'string') ? paths : undefined
}

/** The names under `environment:`, a map or a list of `KEY=value` and `KEY`; undefined where it is neither. */
export function namesOf(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return value.map((line) => String(line).split('=', 1)[0] ?? '')
  return typeof value === 'object' ? Object.keys(value) : undefined
}

/** Its last line that is no warning; what it quotes of an env file may be a secret. */
const reasonIn = (stderr: string): string =>
  (
    stderr
      .split('\n')
      .filter((line) => line.trim() !== '' && !line.startsWith('time='))
      .at(-1) ?? ''
  )
    .replace(/ in variable name .*/s, '')
    .trim()
    .slice(0, 300)
