import { failed, usage } from '../../base/failure.ts'
import { type Image, isPinned, showImage } from '../../host/images/image-reference.ts'
import { procedure } from '../../runner/command/command.ts'
import { optionalArgument } from '../../runner/command/parameters.ts'
import { findImage } from './chosen-image.ts'
import { namingColumns, planNaming } from './naming.ts'
import { choice } from './shared.ts'
import { runningDigest, type Survey, survey } from './survey.ts'

/** Edits one reference; the container stays as it is. */
export default procedure({
  name: 'update pin',
  summary: 'Keep the PDS at one image: the running one, or another',
  about:
    'The compose file then names the image by its digest, or by the tag of a whole version. Nothing is restarted: a pin to what runs already holds at once, one to another image comes with the next `update apply`, and until then what recreates the container is refused: env set, signup open, restart --recreate and the rotation of the admin password; signup close names the running image again. What is pinned by digest stays so: by the digest that the registry gives the other version. Watchtower goes by the container, and passes over a pin by digest once that was made anew.',
  examples: ['kimbia-ops update pin', 'kimbia-ops update pin 0.5.34', 'kimbia-ops update pin --dry-run'],
  risk: 'disruptive',
  on: 'host',
  input: { to: optionalArgument(choice, 'what to pin it to, unless what runs', { called: 'image' }) },
  output: namingColumns,
  async plan({ to }, views) {
    if (
      to &&
      to.digest === undefined &&
      !to.tags.some((tag) => isPinned({ repository: '', tag, digest: undefined }))
    )
      throw usage(`“${to.word}” moves with each release`, 'give a version such as 0.5.34, or a digest')
    const found = await survey(views, 'without')
    return planNaming(found, to ? (await findImage(found, to, views.host)).image : running(found), 'pin')
  },
})

function running(found: Survey): Image {
  const { image, pds } = found
  const digest = runningDigest(found)
  if (digest !== undefined) return { ...image, digest }
  throw failed(
    'no-digest',
    `docker knows no digest of ${image.repository} for the image that ${pds.name} runs (${showImage(image)})`,
    'it was not pulled from there; name a version: kimbia-ops update pin 0.5.34',
  )
}
