import { posix } from 'node:path'
import { type Failure, unreachable } from '../../base/failure.ts'
import type { HostConfig } from '../../config/host-config.ts'
import type { Container } from './containers.ts'
import { unkept } from './data-places.ts'

/** What the file system of the host tells of whose a container is. */
export interface Places {
  /** The directory of pds.env, as the config has it and without symbolic links. */
  readonly dirs: readonly string[]
  /** Directories that compose was run in or has its files in, and that are the directory of pds.env by another name. */
  readonly same: ReadonlySet<string>
  /** Files that compose made a container from, and that are not there any more. */
  readonly gone: ReadonlySet<string>
}

/** The container of the PDS, and those of the same service that belong to others. */
export interface Found {
  readonly pds: Container | undefined
  readonly elsewhere: readonly Container[]
}

type Wanted = Pick<HostConfig, 'dir' | 'service' | 'project' | 'composeFile'>

/** A label of compose, empty where there is none (docs.docker.com/reference/compose-file/services, “labels”). */
export const composeLabel = ({ labels }: Pick<Container, 'labels'>, name: string): string =>
  labels[`com.docker.compose.${name}`] ?? ''

/** The compose files that a container was made from, absolute. */
export const filesOf = (container: Container): readonly string[] =>
  composeLabel(container, 'project.config_files').split(',').filter(Boolean)

/**
 * Chooses the container of the service that belongs to the directory of pds.env: its project was run there, has a file
 * there, or the container sees that directory. A project or compose file that the config names decides instead. Those
 * of two projects, or one that fits nothing of it, are for the operator to choose from.
 */
export function findOwn(containers: readonly Container[], config: Wanted, places: Places): Found {
  const lasting = containers.filter((it) => composeLabel(it, 'oneoff') !== 'True')
  const ofService = lasting.filter((it) => composeLabel(it, 'service') === config.service)
  const own = ofService.filter((it) => belongs(it, config, places))
  const projects = new Set(own.map((it) => composeLabel(it, 'project')))
  if (projects.size > 1) return { pds: undefined, elsewhere: ofService }
  if (own[0]) return { pds: own[0], elsewhere: ofService.filter((it) => !own.includes(it)) }
  const byHand = lasting.filter(
    (it) => it.name === config.service && composeLabel(it, 'service') === '' && config.project === undefined,
  )
  const [mine] = byHand.filter((it) => !keepsDataElsewhere(it, places))
  return { pds: mine, elsewhere: mine ? ofService : [...ofService, ...byHand] }
}

function belongs(container: Container, { dir, project, composeFile }: Wanted, places: Places): boolean {
  if (project !== undefined) return composeLabel(container, 'project') === project
  const files = filesOf(container)
  if (composeFile !== undefined && files.includes(posix.resolve(dir, composeFile))) return true
  const at = [composeLabel(container, 'project.working_dir'), ...files.map((file) => posix.dirname(file))]
  return (
    at.some((path) => places.same.has(path) || isWithin(path, places)) ||
    container.mounts.some(({ source }) => isWithin(source, places))
  )
}

const isWithin = (path: string, { dirs }: Places): boolean =>
  dirs.some((dir) => path === dir || path.startsWith(`${dir}/`))

/** One that was run by hand has only its data to tell whose it is. */
const keepsDataElsewhere = (container: Container, places: Places): boolean =>
  container.mounts.some(
    ({ type, source, target }) => type === 'bind' && isDataOf(container, target) && !isWithin(source, places),
  )

const isDataOf = (container: Container, target: string): boolean =>
  unkept({ ...container, mounts: container.mounts.filter((it) => it.target !== target) }).length >
  unkept(container).length

/** A Failure that says that there is no container to act on, and what there is elsewhere. */
export function noContainer(
  { dir, service, name }: Pick<HostConfig, 'dir' | 'service' | 'name'>,
  where: string,
  elsewhere: readonly Container[],
): Failure {
  const none = `${where} (${name}) has no container of “${service}” that belongs to ${dir}`
  if (elsewhere.length === 0)
    return unreachable(
      'no-container',
      none,
      `on the host: docker compose --project-directory ${dir} up --detach; or set “service:” or “dir:” in the config`,
    )
  return unreachable(
    'no-container',
    `${none}; elsewhere there ${elsewhere.length === 1 ? 'is' : 'are'} ${elsewhere.map(describe).join(', ')}`,
    `if one of them is meant, set “project:”, “compose_file:” or “dir:” in the config; else start the one of ${dir}`,
  )
}

function describe(container: Container): string {
  const [project, at] = [
    composeLabel(container, 'project'),
    composeLabel(container, 'project.working_dir') || filesOf(container)[0],
  ]
  const of = project === '' ? 'made without compose' : `project “${project}”${at ? ` in ${at}` : ''}`
  return `${container.name} (${of}, ${container.state})`
}
