import { failed } from '../../base/failure.ts'
import type { Container } from '../docker/containers.ts'

/** A database that the PDS migrates at its start, as the host and as the container sees it. */
export interface Database {
  /** Its file name in a copy: `account.sqlite`, `sequencer.sqlite` or `did_cache.sqlite`. */
  readonly name: string
  readonly path: string
  readonly inside: string
}

const all = [
  ['account.sqlite', 'PDS_ACCOUNT_DB_LOCATION'],
  ['sequencer.sqlite', 'PDS_SEQUENCER_DB_LOCATION'],
  ['did_cache.sqlite', 'PDS_DID_CACHE_DB_LOCATION'],
] as const

/** Where the container of the PDS has its databases on the host; one that cannot be told is a `failed` Failure. */
export function databasesOf(pds: Container): readonly Database[] {
  const setting = (key: string): string | undefined => pds.env.get(key)?.reveal() || undefined
  const data = setting('PDS_DATA_DIRECTORY')
  return all.flatMap(([name, key]) => {
    const inside = setting(key) ?? (data === undefined ? undefined : `${data.replace(/\/+$/, '')}/${name}`)
    if (inside === ':memory:') return []
    const path = inside === undefined ? undefined : onHost(inside, pds)
    if (inside === undefined || path === undefined)
      throw failed(
        'databases-not-found',
        `${inside ?? name} of the container ${pds.name} is in no directory of the host`,
        'copy the databases yourself, then give --no-backup',
      )
    return [{ name, path, inside }]
  })
}

/** The deepest mount that a path of the container lies in tells where it is on the host. */
function onHost(inside: string, { mounts }: Container): string | undefined {
  const [mount] = mounts
    .filter(({ target }) => inside === target || inside.startsWith(`${target.replace(/\/$/, '')}/`))
    .toSorted((one, other) => other.target.length - one.target.length)
  return mount && `${mount.source}${inside.slice(mount.target.replace(/\/$/, '').length)}`
}
