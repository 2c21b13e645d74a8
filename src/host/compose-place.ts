import { failed } from '../failure.ts'
import { ask } from '../ssh/shell.ts'
import type { ImagePlace } from './compose-file.ts'
import type { Project } from './engine.ts'
import type { HostView } from './host.ts'

/** Reads the compose files of a project and finds where they name the image of a service; a Failure where they do not. */
export async function readImagePlace(
  host: Pick<HostView, 'ask'>,
  project: Pick<Project, 'files'>,
  service: string,
): Promise<ImagePlace> {
  const { findImage } = await import('./compose-file.ts')
  const files = await Promise.all(
    project.files.map(async (path) => {
      const { code, stdout, stderr } = await host.ask(ask`cat ${path}`)
      if (code !== 0)
        throw failed('compose-unreadable', `${path} cannot be read: ${stderr.trim() || `exit code ${code}`}`)
      return { path, text: stdout }
    }),
  )
  return findImage(files, service)
}
