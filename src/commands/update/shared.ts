import { failed, usage } from '../../base/failure.ts'
import { assertPendingEdits, pendingEditsWarning } from '../../host/apply/pending-edits.ts'
import { portOf } from '../../host/docker/pds-port.ts'
import { parseEnvFile } from '../../host/env/parse.ts'
import { keptAs, type PreviousImage } from '../../host/images/image-history.ts'
import { type Choice, type Image, parseChoice } from '../../host/images/image-reference.ts'
import type { Copying } from '../../host/update/copy-databases.ts'
import type { Updating } from '../../host/update/update-steps.ts'
import { column } from '../../runner/command/columns.ts'
import { took } from '../../runner/command/measures.ts'
import { applyBadEdits, optionOr } from '../../runner/command/parameters.ts'
import { duration, optional, type Type, text } from '../../runner/command/types.ts'
import type { Views } from '../../runner/command/views.ts'
import { runningDigest, type Survey } from './survey.ts'

/** A word that names an image of the same repository. */
export const choice: Type<Choice> = {
  name: 'version|tag|digest',
  schema: { type: 'string' },
  parse: parseChoice,
  show: ({ word }) => word,
  json: ({ word }) => word,
}

/** The tag of an image. */
export const tag: Type<string> = {
  ...text,
  name: 'tag',
  parse(word) {
    if (/^\w[\w.-]{0,127}$/.test(word)) return word
    throw usage(`“${word}” is not a tag`, 'such as 0.4 or latest')
  },
}

/** What a change of the image comes to. */
export const changeColumns = {
  from: column(optional(text), 'version before'),
  to: column(optional(text), 'version after'),
  image: column(text, 'what the compose file names'),
  digest: column(optional(text), 'of the image that runs now'),
  outageMs: column(optional(took), 'how long the PDS did not answer, in milliseconds'),
  backup: column(optional(text), 'where on the host the copies of the databases lie'),
}

/** How long the recreated PDS is given, and watched. */
export const gateOptions = {
  settle: optionOr(duration, 10_000, 'how long the PDS must then stay healthy'),
  wait: optionOr(duration, 120_000, 'how long it may take to become healthy'),
  force: applyBadEdits,
}

/** A time as it names what an update leaves on the host, `20261122T180000Z`. */
export const stampOf = (time: Date): string => time.toISOString().replace(/[-:]|\.\d+/g, '')

/** The database copies of one update; undefined where there is nothing to copy. */
export function copyingOf({ engine, pds, databases, config }: Survey, stamp: string): Copying | undefined {
  if (databases.length === 0) return undefined
  const place = `${config.dir}/kimbia-ops/databases/${stamp}`
  return { docker: engine.docker, container: pds.name, databases, place }
}

/** Everything that the steps to another image are made of. */
export function updatingOf(
  it: Survey,
  to: Image,
  { stamp, copying, settle, wait, version }: Wanted,
): Updating {
  const { config, engine, pds, place, settings } = it
  const gate = { healthy: 3, settle: settle / 1000, deadline: wait / 1000, version }
  const previous: PreviousImage = {
    stamp,
    reference: place.reference,
    imageId: pds.imageId,
    digest: runningDigest(it) ?? null,
    version: it.version,
    keep: keptAs(engine.project.name ?? config.service, config.service, stamp),
    backup: copying?.place ?? null,
  }
  const { service, dir } = config
  const port = portOf(pds, engine.containers, config, settings.port)
  const written = parseEnvFile(settings.text.reveal())
  return { engine, service, port, gate, written, pds, place, to, previous, dir, copying }
}

interface Wanted {
  readonly stamp: string
  readonly copying: Copying | undefined
  /** Milliseconds, as those that follow. */
  readonly settle: number
  readonly wait: number
  readonly version: string | undefined
}

/** Copies of the databases must fit beside them, with a fifth to spare. */
export function checkRoom(
  { facts, config, databases }: Survey,
  hint = 'make room there, or give --no-backup; nothing was changed',
): void {
  const { copies } = facts.free
  const wanted = Math.ceil(facts.databases.reduce((sum, { bytes }) => sum + bytes, 0) * 1.2)
  if (databases.length === 0 || copies === undefined || copies >= wanted) return
  throw failed(
    'disk-full',
    `${config.dir} has ${megabytes(copies)} free, and copies of the databases want ${megabytes(wanted)}`,
    hint,
  )
}

/** Bytes for a person. */
export const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1_048_576)} MB`

/** A Failure where the new container would take up what somebody edited wrongly in pds.env. */
export async function assertSoundEdits(
  { engine, drift, settings }: Survey,
  force: boolean,
  { host }: Pick<Views, 'host'>,
): Promise<void> {
  const text = settings.text.reveal()
  await assertPendingEdits({ force }, { host, engine, keys: drift, text, was: text })
}

/** What an operator must know before the container is recreated. */
export function warningsOf({ drift, watchtower, facts }: Survey): readonly string[] {
  const { images } = facts.free
  return [
    ...pendingEditsWarning(drift),
    ...(watchtower.updates
      ? [`Watchtower updates the PDS too, and may do so in the middle: ${watchtower.why}`]
      : []),
    ...(facts.unreadable === undefined ? [] : [facts.unreadable]),
    ...(images !== undefined && images < 1_073_741_824
      ? [`docker has only ${megabytes(images)} free for the new image`]
      : []),
  ]
}
