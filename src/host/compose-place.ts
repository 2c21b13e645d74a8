import { failed } from '../failure.ts'
import { ask } from '../ssh/shell.ts'
import type { ImagePlace } from './compose-file.ts'
import type { Project } from './engine.ts'
import type { HostView } from './host.ts'

/** Reads the compose files of a project, unless they were read with it, and finds where they name the image of a service; a Failure where they do not. */
export async function readImagePlace(
  host: Pick<HostView, 'ask'>,
  { files, texts }: Pick<Project, 'files' | 'texts'>,
  service: string,
): Promise<ImagePlace> {
  const { findImage } = await import('./compose-file.ts')
  const read = await Promise.all(
    files.map(async (path) => {
      const known = texts.get(path)
      if (known !== undefined) return { path, text: known }
      const { code, stdout, stderr } = await host.ask(ask`cat ${path}`)
      if (code !== 0)
        throw failed('compose-unreadable', `${path} cannot be read: ${stderr.trim() || `exit code ${code}`}`)
      return { path, text: stdout }
    }),
  )
  return findImage(read, service)
}
