import { failed } from '../../base/failure.ts'
import { parseDocument } from '../../base/yaml.ts'
import { ask } from '../../ssh/shell.ts'
import type { HostView } from '../access/host.ts'
import type { Project } from '../docker/engine.ts'
import type { ComposeFile } from './compose-file.ts'
import { namesOf, object, pathsOf } from './compose-service.ts'

/** Reads the compose files of a project in their order, those that were not read with it from the host. */
export const readComposeFiles = (
  host: Pick<HostView, 'ask'>,
  { files, texts }: Pick<Project, 'files' | 'texts'>,
): Promise<readonly ComposeFile[]> =>
  Promise.all(
    files.map(async (path) => {
      const known = texts.get(path)
      if (known !== undefined) return { path, text: known }
      const { code, stdout, stderr } = await host.ask(ask`cat ${path}`)
      if (code !== 0)
        throw failed('compose-unreadable', `${path} cannot be read: ${stderr.trim() || `exit code ${code}`}`)
      return { path, text: stdout }
    }),
  )

/** What one compose file alone says of a service. */
export interface ServiceEntry {
  readonly image: unknown
  /** The env files, as they are written; undefined where they are not plain paths. */
  readonly envFiles: readonly string[] | undefined
  /** The names under `environment:`; undefined where they cannot be read. */
  readonly environment: readonly string[] | undefined
  /** Other files or services have a part in it: `include` or `extends`. */
  readonly composed: boolean
}

/** Reads a service out of one compose file; undefined where the file is no YAML or has no such service. */
export function readServiceEntry(text: string, service: string): ServiceEntry | undefined {
  const document = parseDocument(text, { merge: true, prettyErrors: false, logLevel: 'silent' })
  if (document.errors.length > 0) return undefined
  const top = object(plainOf(document))
  const entry = object(object(top.services)[service])
  if (Object.keys(entry).length === 0) return undefined
  return {
    image: entry.image,
    envFiles: pathsOf(entry.env_file),
    environment: namesOf(entry.environment),
    composed: top.include !== undefined || entry.extends !== undefined,
  }
}

/** The values of a document; nothing where an alias or a merge in it leads nowhere. */
function plainOf(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS()
  } catch {
    return undefined
  }
}
