import { Secret } from '../../base/secret.ts'
import { act, ask, type Shell } from '../../ssh/shell.ts'
import { gateOf, type Recreating, recreate, restoreContainer } from '../apply/recreate.ts'
import type { HostStep, HostUndo, ShellStep, WriteStep } from '../change/step.ts'
import { type ComposeImage, withImage } from '../compose/compose-file.ts'
import type { Container } from '../docker/containers.ts'
import { forget, type PreviousImage, prune, remember } from '../images/image-history.ts'
import { type Image, isPinned, parseImage, showImage } from '../images/image-reference.ts'
import { type Copying, copyDatabases, dropCopies, type Old } from './copy-databases.ts'
import { finishMending, mendDatabases } from './restore-databases.ts'

/** A change of the image that runs. */
export interface Updating extends Recreating {
  readonly pds: Container
  readonly place: ComposeImage
  readonly to: Image
  readonly previous: PreviousImage
  /** `<dir>` of the host. */
  readonly dir: string
  readonly copying: Copying | undefined
}

/** The steps of an update. Nothing that runs or lies on the host is touched until the image and the copies are there. */
export const updateSteps = (it: Updating): readonly HostStep[] => [
  rememberImage(it),
  pull(it),
  ...(it.copying ? [copy(it.copying, { imageId: it.pds.imageId, port: it.port })] : []),
  ...changing(it, []),
]

/** From the way back on: compose.yaml, what stands between it and the new container, and the proof. */
export const changing = (it: Updating, between: readonly HostStep[]): readonly HostStep[] => {
  const standing = nameOld(it)
  const place = standing[0] ? named(it.place, standing[0].content.reveal(), oldReference(it)) : it.place
  return [
    ...standing,
    wayBackToImage(it),
    ...writeImage(place, it.to),
    checkImage(it, it.to),
    ...between,
    recreate(it),
    checkRuns(it),
    gateOf(it),
    tidy(it),
  ]
}

/**
 * What the compose file must name for the way back to bring the old image: its own reference, to which docker gives the
 * old image again, unless that is a pin to another one that was never applied.
 */
function oldReference({ pds, place, previous }: Updating): string {
  const image = parseImage(place.reference)
  // Where the file cannot be edited, a tag is what docker can give to the old image.
  const taggable = 'refusal' in place && image?.digest === undefined
  const applied = pds.image === place.reference || (image !== undefined && !isPinned(image)) || taggable
  if (applied || (image?.digest !== undefined && image.digest === previous.digest)) return place.reference
  // An id of docker's reads like a name and a tag, but nothing can be named so.
  return parseImage(pds.image)?.repository.includes('/') ? pds.image : previous.keep
}

/** Has the file name what runs, before anything else in it changes: the way back goes by this text. No step where it does. */
const nameOld = (it: Updating): readonly WriteStep[] => {
  const old = parseImage(oldReference(it))
  return old ? writeImage(it.place, old, 'Name the running image, for the way back, in') : []
}

/** The same place once the file has that text. */
const named = (place: ComposeImage, text: string, reference: string): ComposeImage =>
  'refusal' in place
    ? { ...place, reference }
    : { ...place, text, reference, to: place.to + reference.length - place.reference.length }

/** A name without a digest moves with a pull, so it is given to the old image again. */
function backToTag(it: Updating): HostUndo[] {
  const reference = oldReference(it)
  if (parseImage(reference)?.digest !== undefined) return []
  return [
    {
      kind: 'shell',
      why: `Let ${reference} name the old image again`,
      run: act`${it.engine.docker} tag ${it.pds.imageId} ${reference}`,
    },
  ]
}

/** Keeps the image from being removed as dangling, and notes it for `update rollback`. */
export const rememberImage = (it: Updating): ShellStep => ({
  kind: 'shell',
  why: `Keep the running image${it.previous.version === null ? '' : ` (${it.previous.version})`}`,
  run: remember(it.engine.docker, it.dir, it.previous),
  undo: [
    ...backToTag(it),
    {
      kind: 'shell',
      why: 'Forget that the running image was to be replaced',
      run: forget(it.engine.docker, it.dir, it.pds.name, it.previous),
    },
  ],
})

function pull({ engine: { docker }, to }: Updating): ShellStep {
  const reference = showImage(to)
  return {
    kind: 'shell',
    why: `Pull ${reference}`,
    run: act`# docker pull ${reference}
${docker} pull ${reference} || exit
id=$(${docker} image inspect --format '{{.Id}}' ${reference}) || exit
echo "kimbia-ops:fact image $id"
digest=$(${docker} image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' ${reference} |
  grep -F ${`${to.repository}@`} | head -n 1)
[ -z "$digest" ] || echo "kimbia-ops:fact digest \${digest#*@}"`,
    deadline: 3600,
    stoppable: 'yes',
  }
}

const copy = (copying: Copying, old: Old): ShellStep => ({
  kind: 'shell',
  why: 'Copy the databases that the PDS migrates when it starts',
  run: copyDatabases(copying),
  deadline: 1800,
  stoppable: 'yes',
  undo: [{ kind: 'shell', why: 'Remove the copies if nothing was put back', run: dropCopies(copying, old) }],
})

/** Undone after the files: the old image, and where that does not come up on migrated databases, their copies. */
function wayBackToImage(it: Updating): ShellStep {
  const { engine, pds, port, service, copying } = it
  const { gate } = gateOf({ ...it, gate: { ...it.gate, settle: 0, version: undefined } })
  const mending = (why: string, run: Shell<'act'>): HostUndo => ({ kind: 'shell', why, run, deadline: 1800 })
  return {
    kind: 'shell',
    why: `Note the running container, to go back to it if anything fails${copying ? ` (copies of its databases: ${copying.place})` : ''}`,
    run: act`${engine.docker} inspect --type container --format ${'{{.Name}} {{.Image}} {{.State.Status}}'} ${pds.id}`,
    undo: [
      ...backToTag(it),
      ...(copying ? [mending('Finish what was cut off', finishMending(copying))] : []),
      { kind: 'shell', why: `Bring the container of ${service} back as it was`, run: upOld(it) },
      ...(copying
        ? [
            mending(
              'Put the databases back if the old PDS cannot start on them',
              mendDatabases(copying, { imageId: pds.imageId, port }),
            ),
          ]
        : []),
      { kind: 'wait', why: 'Wait until the old one is healthy again', gate },
    ],
  }
}

/** Unless the container was not touched, it is made anew; then it must be of the old image. */
const upOld = (it: Updating): Shell<'act'> =>
  restoreContainer(
    it,
    ask`runs=$(${it.engine.docker} inspect --type container --format '{{.Image}}' "$id") || exit
[ "$runs" = ${it.pds.imageId} ] || { echo "the container was made from $runs, not from the old image "${it.pds.imageId} >&2; exit 1; }`,
  )

/** Fails unless the recreated container is of the image that the reference names: compose may have kept another. */
const checkRuns = ({ engine: { docker }, pds, to }: Updating): ShellStep => ({
  kind: 'shell',
  why: 'Check that the container is of that image',
  run: act`# the image of ${pds.name} is that of ${showImage(to)}
wanted=$(${docker} image inspect --format '{{.Id}}' ${showImage(to)}) || exit
runs=$(${docker} inspect --type container --format '{{.Image}}' ${pds.name}) || exit
[ "$runs" = "$wanted" ] || { echo "the container is of $runs, and not of $wanted" >&2; exit 1; }`,
})

/** Only now that the new image has proven itself: a failed update takes no older way back away. */
const tidy = ({ engine, dir, previous }: Updating): ShellStep => ({
  kind: 'shell',
  why: 'Remove what only older updates need',
  run: prune(engine.docker, dir, previous),
})

/** Puts another image into the compose file; no step when it names that one already, a Failure where only a person can edit it. */
export function writeImage(place: ComposeImage, to: Image, why = 'Name the image in'): readonly WriteStep[] {
  if (showImage(to) === place.reference) return []
  if ('refusal' in place) throw place.refusal
  return [
    {
      kind: 'write',
      why: `${why} ${place.path}`,
      path: place.path,
      content: new Secret(withImage(place, showImage(to))),
      was: new Secret(place.text),
      changes: [`- image: ${place.reference}`, `+ image: ${showImage(to)}`],
      holds: 'text',
    },
  ]
}

/** Fails unless compose, with all that it lays over its file, takes this image for the service. */
export function checkImage(
  { engine, service }: Pick<Recreating, 'engine' | 'service'>,
  to: Image,
): ShellStep {
  const reference = showImage(to)
  return {
    kind: 'shell',
    why: 'Check that compose takes that image',
    run: act`# docker compose config --images ${service}: ${reference}
images=$(${engine.project.words} config --images ${service}) || exit
printf '%s\\n' "$images" | grep -qxF ${reference} || {
  printf 'compose takes another image:\\n%s\\n' "$images" >&2
  exit 1
}`,
  }
}
