import { Secret } from '../secret.ts'
import { act } from '../ssh/shell.ts'
import type { HostStep, HostUndo, ShellStep, WriteStep } from './change/step.ts'
import { type ImagePlace, withImage } from './compose-file.ts'
import type { Container } from './containers.ts'
import { type Copying, copyDatabases, mendDatabases } from './database-copy.ts'
import type { Image } from './image.ts'
import { parseImage, showImage } from './image.ts'
import { forget, type PreviousImage, remember } from './previous.ts'
import { gateOf, type Recreating, recreate, upAgain } from './recreate.ts'

/** A change of the image that runs. */
export interface Updating extends Recreating {
  readonly pds: Container
  readonly place: ImagePlace
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
  ...(it.copying ? [copy(it.copying)] : []),
  ...changing(it, []),
]

/** From the way back on: compose.yaml, what stands between it and the new container, and the proof. */
export const changing = (it: Updating, between: readonly HostStep[]): readonly HostStep[] => [
  wayBackToImage(it),
  ...writeImage(it.place, it.to),
  checkImage(it, it.to),
  ...between,
  recreate(it),
  gateOf(it),
]

/** Compose has made the container from the reference that its file names, so that it must name the same image again. */
function backToTag({ engine, pds, place }: Updating): HostUndo[] {
  const { tag, digest } = parseImage(place.reference) ?? {}
  if (tag === undefined || digest !== undefined || pds.image !== place.reference) return []
  return [
    {
      kind: 'shell',
      why: `Let ${place.reference} name the old image again`,
      run: act`${engine.docker} tag ${pds.imageId} ${place.reference}`,
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
      run: forget(it.dir, it.previous),
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

const copy = (copying: Copying): ShellStep => ({
  kind: 'shell',
  why: 'Copy the databases that the PDS migrates when it starts',
  run: copyDatabases(copying),
  deadline: 1800,
  stoppable: 'yes',
})

/** Undone after the files: the old image, and where that does not come up on migrated databases, their copies. */
function wayBackToImage(it: Updating): ShellStep {
  const { engine, pds, port, service, copying } = it
  const { gate } = gateOf({ ...it, gate: { ...it.gate, settle: 0, version: undefined } })
  return {
    kind: 'shell',
    why: `Note the running container, to go back to it if anything fails${copying ? ` (copies of its databases: ${copying.place})` : ''}`,
    run: act`${engine.docker} inspect --type container --format ${'{{.Name}} {{.Image}} {{.State.Status}}'} ${pds.id}`,
    undo: [
      ...backToTag(it),
      { kind: 'shell', why: `Bring the container of ${service} back as it was`, run: upAgain(it) },
      ...(copying
        ? [
            {
              kind: 'shell' as const,
              why: 'Put the databases back if the old PDS cannot start on them',
              run: mendDatabases(copying, port),
              deadline: 1800,
            },
          ]
        : []),
      { kind: 'wait', why: 'Wait until the old one is healthy again', gate },
    ],
  }
}

/** Puts another image into the compose file; no step when it names that one already. */
export const writeImage = (place: ImagePlace, to: Image): readonly WriteStep[] =>
  showImage(to) === place.reference
    ? []
    : [
        {
          kind: 'write',
          why: `Name the image in ${place.path}`,
          path: place.path,
          content: new Secret(withImage(place, showImage(to))),
          was: new Secret(place.text),
          changes: [`- image: ${place.reference}`, `+ image: ${showImage(to)}`],
          holds: 'text',
        },
      ]

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
