import { type Failure, unreachable } from '../../base/failure.ts'
import type { HostConfig } from '../../config/host-config.ts'
import type { Answer } from '../../ssh/session.ts'
import type { HostView } from '../access/host.ts'

/** Id, image and service, and behind tabs where compose has made it from what. */
const listed = [
  '{{.ID}} {{.Image}} {{json (.Label "com.docker.compose.service")}}',
  ...['working_dir', 'config_files', 'environment_file'].map(
    (name) => `{{.Label "com.docker.compose.project.${name}"}}`,
  ),
].join('\t')

/** How long docker may take to list its containers, in seconds. */
const patience = 20

/**
 * Lines of sh that list all containers in `$found`, and say in `$how` by which docker: one's own, else that of sudo. Where
 * neither answers they say what each had to say, and which docker was asked, and end.
 */
export const listContainers = `within() {
  if command -v timeout >/dev/null; then timeout "$@"; else shift; "$@"; fi
}
list() { within ${patience} "$@" ps --all --no-trunc --format '${listed}'; }
how=docker
found=$(list docker 2>&1) || {
  code=$? own=$found found=
  if [ "$code" = 124 ] || [ "$(id -u)" = 0 ] || ! found=$(list sudo -n docker 2>&1); then
    echo kimbia-ops:no-engine
    context=$(within 4 docker context inspect --format '{{.Name}}' 2>/dev/null)
    printf '%s\\n' "$code" "$(id -un)" "$DOCKER_HOST" "$context" "$own" kimbia-ops:by-sudo "$found"
    exit 0
  fi
  how=sudo
}`

/** Why the containers of a host cannot be listed. */
export async function noEngine(
  host: Pick<HostView, 'where'>,
  { name }: HostConfig,
  answer: Answer,
): Promise<Failure> {
  const where = await host.where()
  const without = 'this command needs docker; accounts, invites, health and xrpc work without it'
  if (answer.stdout.includes('kimbia-ops:no-docker'))
    return unreachable('no-docker', `${where} (${name}) has no docker`, without)
  const [, said] = answer.stdout.split('kimbia-ops:no-engine\n')
  if (said === undefined)
    return unreachable(
      'no-engine',
      `what docker runs on ${where} cannot be read: ${firstWords(answer.stderr) || `exit code ${answer.code}`}`,
      'on the host: sudo docker ps; sudo docker inspect CONTAINER',
    )
  const [code, user = '', daemon = '', context = '', ...lines] = said.split('\n')
  const [own = '', bySudo = ''] = lines.join('\n').split('kimbia-ops:by-sudo\n')
  const words =
    firstWords(own) || (code === '124' ? `nothing came within ${patience} s` : `exit code ${code}`)
  const sudo = firstWords(bySudo)
  return unreachable(
    'no-engine',
    `docker on ${where} does not answer: ${words}${sudo === '' ? '' : `; and by sudo: ${sudo}`}`,
    hintFor({ words, user, daemon, context, sudo }),
  )
}

/** The first lines that say something, without what a program warns of before. */
const firstWords = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('WARNING'))
    .slice(0, 3)
    .join(' ')
    .slice(0, 400)

interface Said {
  readonly words: string
  readonly user: string
  /** DOCKER_HOST. */
  readonly daemon: string
  readonly context: string
  readonly sudo: string
}

function hintFor({ words, user, daemon, context, sudo }: Said): string {
  if (/permission denied/i.test(words))
    return `${user} may not use docker: on the host, sudo usermod -aG docker ${user}, which is as good as root${sudo === '' ? '' : '; or let it run sudo without a password (NOPASSWD)'}`
  if (daemon !== '')
    return `DOCKER_HOST of ${user} is ${daemon}: if that is not the engine of the PDS, take it out of the login of ${user}`
  if (context !== '' && context !== 'default')
    return `docker of ${user} is led by its context “${context}”: on the host, docker context ls, and to go back to its own engine: docker context use default`
  if (/context .*not found|unable to resolve docker endpoint/.test(words))
    return `the docker context of ${user} leads nowhere: on the host, docker context use default`
  return 'on the host: sudo systemctl status docker'
}
