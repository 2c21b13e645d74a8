import { Failure, failed } from '../../base/failure.ts'
import type { HostView } from '../access/host.ts'
import type { Engine, Project } from '../docker/engine.ts'
import type { ComposeImage, ImagePlace } from './compose-file.ts'
import { type ComposeRefusal, readComposeService } from './compose-service.ts'

/** Reads the compose files of a project, unless they were read with it, and finds where they name the image of a service; a Failure where they do not. */
export async function readImagePlace(
  host: Pick<HostView, 'ask'>,
  project: Pick<Project, 'files' | 'texts'>,
  service: string,
): Promise<ImagePlace> {
  const [{ findImage }, { readComposeFiles }] = await Promise.all([
    import('./compose-file.ts'),
    import('./compose-files.ts'),
  ])
  return findImage(await readComposeFiles(host, project), service)
}

/**
 * The image that compose takes for a service, and where it can be edited. Compose is asked unless one file alone names
 * it plainly; where compose tells none, the image is that of the container.
 */
export async function readComposeImage(
  host: Pick<HostView, 'ask'>,
  { project, pds }: Pick<Engine, 'pds'> & { readonly project: Project },
  service: string,
): Promise<ComposeImage> {
  const place = await placeOrRefusal(host, project, service)
  if (!(place instanceof Failure) && project.files.length === 1) return place
  const found = await readComposeService(host, project, service)
  const [path = ''] = project.files
  const image = 'refused' in found ? undefined : found.image
  if (!(place instanceof Failure) && place.reference === image) return place
  if (image !== undefined) {
    const { imageElsewhere } = await import('./compose-file.ts')
    const refusal = place instanceof Failure ? place : imageElsewhere(place.path, service, image)
    return { path, service, reference: image, by: 'compose', refusal }
  }
  const refusal = 'refused' in found ? composeRefused(found) : orNoImage(place, service)
  if (pds === undefined) throw refusal
  return { path, service, reference: pds.image, by: 'container', refusal }
}

const composeRefused = ({ refused }: ComposeRefusal): Failure =>
  failed(
    'compose-refused',
    `compose does not resolve its files: ${refused}`,
    'nothing was changed; on the host: docker compose config --quiet',
  )

const orNoImage = (place: ImagePlace | Failure, service: string): Failure =>
  place instanceof Failure ? place : failed('image-elsewhere', `compose takes no image for “${service}”`)

async function placeOrRefusal(
  host: Pick<HostView, 'ask'>,
  project: Pick<Project, 'files' | 'texts'>,
  service: string,
): Promise<ImagePlace | Failure> {
  try {
    return await readImagePlace(host, project, service)
  } catch (cause) {
    if (cause instanceof Failure && cause.outcome === 'failed') return cause
    throw cause
  }
}
