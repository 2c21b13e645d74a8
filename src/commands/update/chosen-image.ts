import { failed } from '../../base/failure.ts'
import type { HostView } from '../../host/access/host.ts'
import { type Choice, type Image, showImage, tagsNear } from '../../host/images/image-reference.ts'
import { digestFor, findTags, type Remote, readRemote } from '../../host/images/registry.ts'
import type { Survey } from './survey.ts'

/** An image and what the registry says of it; undefined where nobody had to ask. */
export interface Chosen {
  readonly image: Image
  readonly remote: Remote | undefined
}

/**
 * The image that was chosen, as the registry has it. A version is looked for by the publisher's tag, then by itself, as
 * mirrors have it. Where the compose file pins by digest, the image has the one that the registry gives it now: what
 * was pinned stays pinned, and what is pulled is what was planned, even if its tag is moved meanwhile. Failures:
 * `image-not-found`, `digest-unknown`.
 */
export async function findImage(found: Survey, choice: Choice, host: HostView): Promise<Chosen> {
  const { repository } = found.image
  const { digest, tags } = choice
  if (digest !== undefined) return { image: { repository, tag: undefined, digest }, remote: undefined }
  const asked = await Promise.all(
    tags.map(async (tag) => {
      const image = { repository, tag, digest }
      return { image, remote: await readRemote(found.engine, image, host) }
    }),
  )
  const [first] = asked
  const there = asked.find(({ remote }) => remote.kind === 'found')
  const best = there ?? asked.find(({ remote }) => remote.kind === 'unknown') ?? first
  if (!best) throw new Error('a choice names a tag or a digest')
  if (best.remote.kind === 'missing')
    throw notFound(
      asked.map(({ image }) => showImage(image)),
      best.remote.why,
      await near(found, choice, host),
    )
  return found.image.digest === undefined ? best : { ...best, image: pinned(found, best) }
}

function pinned({ facts }: Survey, { image, remote }: { image: Image; remote: Remote }): Image {
  const digest = digestFor(remote, facts.local?.platform)
  if ('digest' in digest) return { ...image, digest: digest.digest }
  throw failed(
    'digest-unknown',
    `the compose file pins the PDS by digest, and the digest of ${showImage(image)} is not known: ${digest.why}; nothing was changed`,
    'give the digest itself: --to sha256:…; or let go of the pin first: kimbia-ops update unpin',
  )
}

/** An image that the registry has not is a Failure. */
export function refuseMissing(remote: Remote, image: Image): void {
  if (remote.kind === 'missing') throw notFound([showImage(image)], remote.why, [])
}

const notFound = (references: readonly string[], why: string, tags: readonly string[]) =>
  failed(
    'image-not-found',
    `the registry has no ${references.join(', nor ')}: ${why}; nothing was changed`,
    tags.length > 0
      ? `it has these tags, the nearest first: ${tags.join(', ')}`
      : 'see what there is: kimbia-ops update check',
  )

/** The tags near the one that is not there, as far as they are. */
const near = ({ engine, image, version }: Survey, { tags }: Choice, host: HostView) =>
  findTags(engine, image, tagsNear([...tags, ...(version === null ? [] : [version])]), host)
