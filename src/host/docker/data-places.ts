import { posix } from 'node:path'
import { failed } from '../../base/failure.ts'
import type { Container } from './containers.ts'

/** A place in which the PDS keeps what must not be lost, as the container sees it. */
export interface DataPlace {
  /** The setting that names it. */
  readonly key: string
  readonly inside: string
}

/** Settings that say where data lie, and the name within PDS_DATA_DIRECTORY without them (packages/pds/src/config/config.ts). */
const databases = [
  ['PDS_ACCOUNT_DB_LOCATION', 'account.sqlite'],
  ['PDS_SEQUENCER_DB_LOCATION', 'sequencer.sqlite'],
  ['PDS_ACTOR_STORE_DIRECTORY', 'actors'],
] as const

const [base, blobs] = ['PDS_DATA_DIRECTORY', 'PDS_BLOBSTORE_DISK_LOCATION'] as const

/** The settings that decide where the data of a PDS lie. */
export const dataSettings: readonly string[] = [base, ...databases.map(([key]) => key), blobs]

type Lookup = (key: string) => string | undefined

/** What a container runs with, with the settings laid over it that a change names; an undefined one is taken away. */
export function settingsAfter(
  container: Pick<Container, 'env'>,
  changes: ReadonlyMap<string, string | undefined> = new Map(),
): Lookup {
  return (key) => (changes.has(key) ? changes.get(key) : container.env.get(key)?.reveal()) || undefined
}

/** Where the PDS keeps accounts, repos and blobs; a relative place starts where its process does. */
export function dataPlaces(workDir: string, setting: Lookup): readonly DataPlace[] {
  const data = setting(base)
  const at = (path: string) => posix.resolve(workDir, path)
  const kept = databases.flatMap(([key, name]) => {
    const own = setting(key)
    if (own === ':memory:') return []
    return [{ key: own ? key : base, inside: at(own ?? (data ? posix.join(data, name) : name)) }]
  })
  const disk = setting('PDS_BLOBSTORE_S3_BUCKET') ? undefined : setting(blobs)
  return disk ? [...kept, { key: blobs, inside: at(disk) }] : kept
}

/** The data that lie in no directory or volume of the host: they go with the container. */
export function unkept(
  container: Pick<Container, 'env' | 'mounts' | 'workDir'>,
  changes?: ReadonlyMap<string, string | undefined>,
): readonly DataPlace[] {
  const lasting = container.mounts.filter(({ source }) => source !== '')
  return dataPlaces(container.workDir, settingsAfter(container, changes)).filter(
    ({ inside }) => !lasting.some(({ target }) => isBelow(inside, target)),
  )
}

/** The mounts of the host in which data of the PDS lie. */
export const dataMounts = (
  container: Pick<Container, 'env' | 'mounts' | 'workDir'>,
  changes?: ReadonlyMap<string, string | undefined>,
): Container['mounts'] => {
  const places = dataPlaces(container.workDir, settingsAfter(container, changes))
  const deepest = places.map(({ inside }) =>
    container.mounts
      .filter(({ source, target }) => source !== '' && isBelow(inside, target))
      .reduce<Container['mounts'][number] | undefined>(
        (best, it) => (best && best.target.length >= it.target.length ? best : it),
        undefined,
      ),
  )
  return [...new Set(deepest)].filter((it) => it !== undefined)
}

const isBelow = (path: string, target: string): boolean =>
  path === target || path.startsWith(`${target.replace(/\/$/, '')}/`)

/** A Failure where to make a container anew would lose data, with the settings that a change names as well as without. */
export function assertDataKept(
  container: Container | undefined,
  changes: ReadonlyMap<string, string | undefined> = new Map(),
): void {
  if (!container) return
  const [now] = unkept(container)
  if (now)
    throw failed(
      'data-not-kept',
      `${container.name} keeps ${now.inside} within the container itself (${said(now, settingsAfter(container))}): a new container would begin without it; nothing was changed`,
      `first copy it out, on the host: docker cp ${container.name}:${now.inside} …; then let ${now.key} name a place that is mounted, and make the container anew by hand`,
    )
  const [then] = unkept(container, changes)
  if (then)
    throw failed(
      'data-not-kept',
      `with this, the PDS would keep ${then.inside} within its container (${said(then, settingsAfter(container, changes))}), and begin without its accounts; nothing was changed`,
      `${then.key} must name a place below ${container.mounts.map(({ target }) => target).join(' or ')}, which the container has from the host`,
    )
}

const said = ({ key }: DataPlace, setting: Lookup): string => `${key} is ${setting(key) ?? 'not set'}`
