import type { HostConfig } from '../config.ts'
import { type Failure, unreachable } from '../failure.ts'
import type { Answer } from '../ssh/session.ts'
import { ask, type Shell } from '../ssh/shell.ts'
import { type Container, parseContainers } from './containers.ts'
import type { HostView } from './host.ts'

/** The compose project of a host, and how compose is told of it. */
export interface Project {
  /** Where compose believes to be, absolute. */
  readonly dir: string
  /** The compose files, absolute, in the order in which they are laid over each other. */
  readonly files: readonly string[]
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
}

/** One whose service is run by compose. */
export interface ComposeEngine extends Engine {
  readonly project: Project
}

/** Looks at the containers of a host in one remote script; a host without docker is an `unreachable` Failure. */
export async function readEngine(host: HostView): Promise<Engine> {
  const config = await host.config()
  const answer = await host.ask(look(config))
  const [, how = '', json = '', files = ''] =
    /^kimbia-ops:(docker|sudo)\n([\s\S]*)\nkimbia-ops:files\n([\s\S]*)$/m.exec(answer.stdout) ?? []
  if (how === '') throw await noEngine(host, config, answer)
  const docker = how === 'sudo' ? ['sudo', '-n', 'docker'] : ['docker']
  const containers = parseContainers(json.trim() || '[]')
  const pds = findPds(containers, config)
  const found = files.split('\n').filter((line) => line.startsWith('/'))
  return { docker, containers, pds, project: projectOf(config, pds, found, docker) }
}

/** The same, for what only compose can do; a service that no compose file describes is an `unreachable` Failure. */
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

/** Users other than root may reach docker by its group, or by sudo alone. */
const look = ({ dir, composeFile }: HostConfig): Shell<'ask'> => ask`# look at the containers
set -- ${dir} ${composeFile ?? ''}
command -v docker >/dev/null || { echo kimbia-ops:no-docker; exit 0; }
how=docker
if ! ids=$(docker ps --all --quiet --no-trunc 2>&1); then
  [ "$(id -u)" != 0 ] && ids=$(sudo -n docker ps --all --quiet --no-trunc 2>/dev/null) ||
    { echo kimbia-ops:no-engine; printf '%s\\n' "$ids"; exit 0; }
  how=sudo
fi
echo kimbia-ops:$how
docker() { case $how in sudo) sudo -n docker "$@" ;; *) command docker "$@" ;; esac; }
case $ids in ?*) docker inspect --type container $ids 2>/dev/null ;; esac
echo
echo kimbia-ops:files
cd "$1" 2>/dev/null || exit 0
here=$(pwd)
one() { for f; do [ ! -f "$f" ] || { case $f in /*) echo "$f" ;; *) echo "$here/$f" ;; esac; return 0; }; done; return 1; }
if [ -n "$2" ]; then one "$2"
elif one compose.yaml compose.yml docker-compose.yml docker-compose.yaml; then
  one compose.override.yaml compose.override.yml docker-compose.override.yml docker-compose.override.yaml
fi
exit 0`

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
  found: readonly string[],
  docker: readonly string[],
): Project | undefined {
  const told = pds ? label(pds, 'project.config_files').split(',').filter(Boolean) : []
  const files = composeFile !== undefined || told.length === 0 ? found : told
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
  return { dir: place, files, name, words }
}

async function noEngine(host: HostView, { name }: HostConfig, answer: Answer): Promise<Failure> {
  const where = await host.where()
  const without = 'this command needs docker; accounts, invites, health and xrpc work without it'
  if (answer.stdout.includes('kimbia-ops:no-docker'))
    return unreachable('no-docker', `${where} (${name}) has no docker`, without)
  const [, said = ''] = answer.stdout.split('kimbia-ops:no-engine\n')
  return unreachable(
    'no-engine',
    `docker on ${where} does not answer: ${(said || answer.stderr).trim().slice(-300) || `exit code ${answer.code}`}`,
    'on the host: sudo systemctl status docker',
  )
}
