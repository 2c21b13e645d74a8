import { Failure, failed } from '../../base/failure.ts'
import { act, ask, type Shell } from '../../ssh/shell.ts'
import type { HostView } from '../access/host.ts'
import type { ComposeEngine, Engine, Project } from '../docker/engine.ts'
import { parseImage } from '../images/image-reference.ts'

/**
 * What the compose files name for the service where that is neither what its container was made from nor another name
 * of the image that it runs, such as an update that is planned and not applied; undefined where they agree, or compose
 * has nothing to do with it.
 */
export async function readOtherImage(
  host: Pick<HostView, 'ask'>,
  { docker, pds, project }: Engine,
): Promise<string | undefined> {
  const service = pds?.labels['com.docker.compose.service']
  if (!project || !pds || service === undefined) return undefined
  if ((await namedBy(project, service)) === pds.image) return undefined
  const { code, stdout, stderr } =
    await host.ask(ask`images=$(${project.words} config --images ${service}) || exit
case "
$images
" in *${`\n${pds.image}\n`}*) exit 0 ;; esac
for image in $images; do
  [ "$(${docker} image inspect --format '{{.Id}}' "$image" 2>/dev/null)" != ${pds.imageId} ] || exit 0
done
printf '%s\n' "$images"`)
  if (code !== 0)
    throw failed(
      'compose-refused',
      `docker compose does not tell which image it would take: ${stderr.trim().slice(-300) || `exit code ${code}`}`,
      `see it on the host: ${project.words.join(' ')} config --quiet`,
    )
  const images = stdout.split('\n').filter(Boolean)
  // Those of the services that it depends on may stand there too.
  return images.includes(pds.image) ? undefined : images[0]
}

/** What a compose file that stands alone names by itself; undefined where only compose can tell. */
async function namedBy({ files, texts }: Project, service: string): Promise<string | undefined> {
  const [path = '', ...overrides] = files
  const text = texts.get(path)
  if (text === undefined || overrides.length > 0 || /^["']?include\b/m.test(text)) return undefined
  const { findImage } = await import('../compose/compose-file.ts')
  try {
    return findImage([{ path, text }], service).reference
  } catch (cause) {
    if (cause instanceof Failure) return undefined
    throw cause
  }
}

/** A Failure when compose would make the container from another reference: only an update may, which can go back. */
export async function refuseOtherImage(host: Pick<HostView, 'ask'>, engine: Engine): Promise<void> {
  const other = await readOtherImage(host, engine)
  if (other !== undefined && engine.pds) throw imageMismatch(engine.pds.image, other)
}

/** The Failure of a recreate that would be an update. */
export const imageMismatch = (running: string, other: string): Failure =>
  failed(
    'image-differs',
    `the PDS runs ${running}, and the compose file names ${other}: to recreate it would be an update without a way back; nothing was changed`,
    'first kimbia-ops update apply; or edit the compose file back, and run this again',
  )

/**
 * Makes the reference of the container name the image that runs, so that `up` keeps it: a tag that was pulled anew or
 * removed is set back to it, a digest is pulled again. A new image comes with `update apply` alone, which pulls it.
 */
export function keepImage({ docker, pds }: Pick<ComposeEngine, 'docker' | 'pds'>): Shell<'act'> | undefined {
  const image = pds && parseImage(pds.image)
  if (!image || pds.image.startsWith('sha256:')) return undefined
  const mend = image.digest === undefined ? ['tag', pds.imageId, pds.image] : ['pull', '--quiet', pds.image]
  return act`echo ${[pds.name, pds.id, pds.imageId]}
[ "$(${docker} image inspect --format '{{.Id}}' ${pds.image} 2>/dev/null)" = ${pds.imageId} ] || {
  echo ${`${pds.image} names another image by now, or none: let it name the one that runs`}
  ${docker} ${mend}
}`
}

/** Succeeds where the reference was seen to name the image that runs a second ago: docker takes its time to say so again. */
export function recentlyVerified({
  pds,
  image,
  seen,
}: Pick<ComposeEngine, 'pds' | 'image' | 'seen'>): Shell<'ask'> | undefined {
  if (!pds || image?.reference !== pds.image || image.id !== pds.imageId) return undefined
  return ask`now=$(date +%s) && [ "$now" -ge ${seen} ] && [ "$now" -le ${seen + 1} ]`
}
