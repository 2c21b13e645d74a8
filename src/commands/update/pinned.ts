import { failed } from '../../base/failure.ts'
import { type Image, showImage } from '../../host/images/image-reference.ts'
import { digestFor, type Remote, readRemote } from '../../host/images/registry.ts'
import type { Views } from '../../runner/command/views.ts'
import type { Survey } from './survey.ts'

/**
 * The image that was chosen, by the digest that the registry gives it now where the compose file pins by digest: what
 * was pinned stays pinned, and what is pulled is what was planned, even if its tag is moved meanwhile.
 */
export async function pinnedAsBefore(
  found: Survey,
  to: Image,
  { host }: Pick<Views, 'host'>,
): Promise<Image> {
  if (found.image.digest === undefined || to.digest !== undefined) return to
  const remote = await readRemote(found.engine, to, host)
  refuseMissing(remote, to)
  const digest = digestFor(remote, found.facts.local?.platform)
  if ('digest' in digest) return { ...to, digest: digest.digest }
  throw failed(
    'digest-unknown',
    `the compose file pins the PDS by digest, and the digest of ${showImage(to)} is not known: ${digest.why}; nothing was changed`,
    'give the digest itself: --to sha256:…; or let go of the pin first: kimbia-ops update unpin',
  )
}

/** An image that the registry has not is a Failure. */
export function refuseMissing(remote: Remote, image: Image): void {
  if (remote.kind === 'missing')
    throw failed(
      'image-not-found',
      `the registry has no ${showImage(image)}: ${remote.why}`,
      'nothing was changed; kimbia-ops update check says what there is',
    )
}
