import { attempt } from '../../base/attempt.ts'
import { Failure, failed } from '../../base/failure.ts'
import type { HostConfig } from '../../config/host-config.ts'
import type { Settings } from '../../host/access/host.ts'
import { driftFrom, keysOf } from '../../host/apply/env-drift.ts'
import type { ComposeImage } from '../../host/compose/compose-file.ts'
import { readComposeImage } from '../../host/compose/image-place.ts'
import { readServiceEnv } from '../../host/compose/service-env.ts'
import type { Container } from '../../host/docker/containers.ts'
import { assertDataKept } from '../../host/docker/data-places.ts'
import { type ComposeEngine, readComposeEngine } from '../../host/docker/engine.ts'
import { type ImageFacts, readImageFacts } from '../../host/images/image-facts.ts'
import { type Image, parseImage, showImage } from '../../host/images/image-reference.ts'
import { findWatchtower, type Watchtower } from '../../host/images/watchtower.ts'
import { type Database, databasesOf } from '../../host/update/databases.ts'
import type { PdsView } from '../../pds/xrpc/client.ts'
import { versionOf } from '../../pds/xrpc/health-answer.ts'
import type { Views } from '../../runner/command/views.ts'

/** What stands on a host before its image is changed. */
export interface Survey {
  readonly config: HostConfig
  readonly settings: Settings
  readonly engine: ComposeEngine
  readonly pds: Container
  /** What the PDS answers; null when it does not. */
  readonly version: string | null
  /** What compose takes, and where the file names it. */
  readonly place: ComposeImage
  readonly image: Image
  readonly facts: ImageFacts
  readonly databases: readonly Database[]
  readonly watchtower: Watchtower
  /** Keys of pds.env that the container does not run with. */
  readonly drift: readonly string[]
}

/** Looks at all of it, in two round trips; `databases` says whether those are wanted too. */
export async function survey(views: Views, databases: 'with databases' | 'without'): Promise<Survey> {
  const { host } = views
  const [config, settings, engine, version] = await Promise.all([
    host.config(),
    host.settings(),
    readComposeEngine(host),
    versionNow(views.pds),
  ])
  const { pds } = engine
  if (!pds)
    throw failed(
      'no-container',
      `compose has made no container for “${config.service}” on ${await host.where()}`,
      `on the host: docker compose --project-directory ${engine.project.dir} up --detach`,
    )
  if (databases === 'with databases') assertDataKept(pds)
  const wanted = databases === 'with databases' ? databasesOf(pds) : []
  const paths = wanted.map(({ path }) => path)
  const [place, facts, env] = await Promise.all([
    readComposeImage(host, engine, config.service),
    readImageFacts(engine, pds.imageId, paths, host),
    readServiceEnv(host, engine, settings.text.reveal()),
  ])
  const image = imageOf(place)
  const sizes = new Set(facts.databases.map(({ path }) => path))
  const { dockerVersion } = facts
  return {
    ...{ config, settings, engine, pds, version, place, image, facts },
    databases: wanted.filter(({ path }) => sizes.has(path)),
    watchtower: findWatchtower(engine.containers, pds, {
      byDigest: parseImage(pds.image)?.digest !== undefined,
      dockerVersion,
    }),
    drift: keysOf(await driftFrom(host, engine, pds, env)),
  }
}

/** What the PDS answers as its version; null when it answers nothing of use. */
async function versionNow(pds: PdsView): Promise<string | null> {
  const version = await attempt(async () => versionOf(await pds.get('_health', {}, { as: 'nobody' })))
  return version instanceof Failure ? null : version
}

function imageOf({ reference, path }: ComposeImage): Image {
  const image = parseImage(reference)
  if (image) return image
  throw failed(
    'image-invalid',
    `${path}: “${reference}” is not a reference to an image`,
    'mend it there, such as ghcr.io/bluesky-social/pds:0.4',
  )
}

/** A Failure where compose names no image that could be pulled. */
export function refuseUnnamed({ place }: Pick<Survey, 'place'>): void {
  if ('refusal' in place && place.by === 'container') throw place.refusal
}

/** The digest by which the registry knows the running image; undefined when docker does not tell. */
export const runningDigest = ({ facts, image }: Pick<Survey, 'facts' | 'image'>): string | undefined =>
  facts.local?.digests.find(({ repository }) => repository === image.repository)?.digest

/** What the running container was made from and what the compose file names now, where they differ. */
export const unapplied = ({ pds, image }: Pick<Survey, 'pds' | 'image'>): string | undefined =>
  pds.image === showImage(image)
    ? undefined
    : `the container was made from ${pds.image}, not from what the file names`
