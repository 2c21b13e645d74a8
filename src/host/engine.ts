import type { HostConfig } from '../config.ts'
import { unreachable } from '../failure.ts'
import { ask, type Shell } from '../ssh/shell.ts'
import { type Container, parseContainers } from './containers.ts'
import type { HostView } from './host.ts'
import { listContainers, noEngine } from './no-engine.ts'

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
  /** The container of the configured service, running or not. */
  readonly pds: Container | undefined
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

const parts =
  /^kimbia-ops:(docker|sudo) (\d+)\n([\s\S]*?)\nkimbia-ops:image\n([\s\S]*?)\nkimbia-ops:files\n([\s\S]*?)\nkimbia-ops:texts\n([\s\S]*)$/m

/** Looks at the containers of a host in one remote script; a host without docker is an `unreachable` Failure. */
export async function readEngine(host: HostView): Promise<Engine> {
  const config = await host.config()
  const answer = await host.ask(look(config))
  const [, how = '', seen, json = '', image = '', files = '', texts = ''] = parts.exec(answer.stdout) ?? []
  if (how === '') throw await noEngine(host, config, answer)
  const docker = how === 'sudo' ? ['sudo', '-n', 'docker'] : ['docker']
  // Where there are some, and docker describes none of them, nobody knows what runs.
  if (json.trim() === '') throw await noEngine(host, config, answer)
  const containers = parseContainers(json)
  const pds = findPds(containers, config)
  const found = files.split('\n').filter((line) => line.startsWith('/'))
  const project = projectOf(config, pds, { files: found, texts: readTexts(texts) }, docker)
  return { docker, containers, pds, project, image: readImage(image), seen: Number(seen) }
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

/** Looks at them for what only compose can do; a service that no compose file describes is an `unreachable` Failure. */
export async function readComposeEngine(host: HostView): Promise<ComposeEngine> {
  const engine = await readEngine(host)
  if (engine.project) return { ...engine, project: engine.project }
  const { dir, service } = await host.config()
  throw unreachable(
    'no-compose-file',
    `${await host.where()} has no compose file in ${dir}, and no container that compose has made for “${service}”`,
    'set “dir:” or “compose_file:” in the config if it lies elsewhere; accounts and invites work without',
  )
}

/**
 * Users other than root may reach docker by its group, or by sudo alone. The image of the service is looked at while the
 * containers are; where its reference names another one by now, docker tells an id in its place. The texts of the
 * compose files come last, since they may hold anything.
 */
const look = ({ dir, composeFile, service }: HostConfig): Shell<'ask'> => ask`# look at the containers
set -- ${dir} ${composeFile ?? ''} ${service}
command -v docker >/dev/null || { echo kimbia-ops:no-docker; exit 0; }
eval ${listContainers}
echo "kimbia-ops:$how $(date +%s)"
docker() { case $how in sudo) sudo -n docker "$@" ;; *) command docker "$@" ;; esac; }
ids=$(printf '%s\\n' "$found" | while read -r id name service; do
  case $id in '' | *[!0-9a-f]*) ;; *) printf '%s ' "$id" ;; esac
done)
image=$(printf '%s\\n' "$found" | while read -r id name service; do
  [ "$service" != "\\"$3\\"" ] || { printf '%s\\n' "$name"; break; }
done)
{ if [ -n "$ids" ]; then json=$(docker inspect --type container $ids); else json='[ ]'; fi
  [ "$json" = '[]' ] || printf '%s\\n' "$json"; } | {
  [ -z "$image" ] || image="$image $(docker image inspect --format ${imaged} "$image" 2>/dev/null)"
  cat
  printf '\\nkimbia-ops:image\\n%s\\n' "$image"
}
here=$(cd "$1" 2>/dev/null && pwd) && cd "$here" || cd /
one() { for f; do [ ! -f "$f" ] || { case $f in /*) echo "$f" ;; *) echo "$here/$f" ;; esac; return 0; }; done; return 1; }
files=$(if [ -n "$2" ]; then one "$2"
elif [ -n "$here" ] && one compose.yaml compose.yml docker-compose.yml docker-compose.yaml; then
  one compose.override.yaml compose.override.yml docker-compose.override.yml docker-compose.override.yaml
fi)
printf 'kimbia-ops:files\\n%s\\nkimbia-ops:texts\\n' "$files"
printf '%s\\n' "$files" | while IFS= read -r f && [ -n "$f" ]; do
  echo "$(wc -c <"$f") $f"
  cat "$f"
  echo
done 2>/dev/null
exit 0`

const imaged = '{{.Id}} {{json .Config.Env}}'

const label = (container: Container, name: string): string =>
  container.labels[`com.docker.compose.${name}`] ?? ''

/** The container of the service: the one that compose made in this directory, else elsewhere, else one of that name. */
function findPds(containers: readonly Container[], config: HostConfig): Container | undefined {
  const { dir, service, project } = config
  const lasting = containers.filter((it) => label(it, 'oneoff') !== 'True')
  const ofService = lasting.filter((it) => label(it, 'service') === service)
  const inProject = ofService.filter((it) => project === undefined || label(it, 'project') === project)
  const near = inProject.filter(
    (it) =>
      label(it, 'project.working_dir') === dir || label(it, 'project.config_files').startsWith(`${dir}/`),
  )
  const [only, second] = inProject
  return near[0] ?? (second ? undefined : only) ?? lasting.find(({ name }) => name === service)
}

function projectOf(
  { dir, project, composeFile }: HostConfig,
  pds: Container | undefined,
  found: Pick<Project, 'files' | 'texts'>,
  docker: readonly string[],
): Project | undefined {
  const told = pds ? label(pds, 'project.config_files').split(',').filter(Boolean) : []
  const files = composeFile !== undefined || told.length === 0 ? found.files : told
  if (files.length === 0) return undefined
  const place = (pds && label(pds, 'project.working_dir')) || dir
  const name = project ?? ((pds && label(pds, 'project')) || undefined)
  const words = [
    ...docker,
    'compose',
    '--project-directory',
    place,
    ...files.flatMap((file) => ['--file', file]),
    ...(name === undefined ? [] : ['--project-name', name]),
  ]
  return { dir: place, files, texts: found.texts, name, words }
}
