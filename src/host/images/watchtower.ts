import type { Container } from '../docker/containers.ts'
import { parseImage } from './image-reference.ts'

/** A Watchtower beside the PDS, and whether it will update the PDS by itself. */
export interface Watchtower {
  readonly found: boolean
  readonly image: string | null
  readonly updates: boolean
  /** Why it will not, or how often it looks. */
  readonly why: string
}

interface Seen {
  /** Pinned by digest: Watchtower passes it over. */
  readonly byDigest: boolean
  /** Of the server, such as `28.2.2`. */
  readonly dockerVersion: string
}

const prefix = 'com.centurylinklabs.watchtower'

/** Looks for it among the containers of the host. */
export function findWatchtower(
  containers: readonly Container[],
  pds: Container | undefined,
  seen: Seen,
): Watchtower {
  const all = containers.filter(isWatchtower)
  const it = all.find(({ state }) => state === 'running') ?? all[0]
  if (!it) return { found: false, image: null, updates: false, why: 'there is none on this host' }
  const hindered = hindrance(it, pds, seen)
  return {
    found: true,
    image: it.image,
    updates: hindered === undefined,
    why: hindered ?? `it looks ${rhythm(it)}`,
  }
}

const isWatchtower = ({ image, labels }: Container): boolean =>
  labels[prefix] === 'true' || /(^|\/)watchtower$/.test(parseImage(image)?.repository ?? '')

/** What keeps it from updating the PDS, in its own order of looking. */
function hindrance(it: Container, pds: Container | undefined, seen: Seen): string | undefined {
  if (it.state !== 'running') return `it is not running (${it.state})`
  if (/(^|\/)containrrr\/watchtower/.test(it.image) && Number.parseInt(seen.dockerVersion, 10) >= 29)
    return `${it.image} is archived and cannot talk to Docker ${seen.dockerVersion}; its successor is nickfedor/watchtower`
  if (!pds) return 'there is no container of the PDS'
  const label = (name: string): string | undefined => pds.labels[`${prefix}.${name}`]?.toLowerCase()
  const names = namesOf(it.args)
  if (names.length > 0 && !names.includes(pds.name)) return `it looks after ${names.join(', ')} only`
  if (label('enable') === 'false') return `the PDS is labelled ${prefix}.enable=false`
  if (on(it, 'label-enable', '-e', 'WATCHTOWER_LABEL_ENABLE') && label('enable') !== 'true')
    return 'it looks after labelled containers only, and the PDS is not'
  const scope = value(it, 'scope', '', 'WATCHTOWER_SCOPE')
  if (scope !== undefined && scope !== 'none' && label('scope') !== scope)
    return `it looks after the scope ${scope} only`
  const excluded = value(it, 'disable-containers', '-x', 'WATCHTOWER_DISABLE_CONTAINERS') ?? ''
  if (excluded.split(/[ ,]+/).includes(pds.name)) return `it is told to leave ${pds.name} alone`
  if (on(it, 'monitor-only', '-m', 'WATCHTOWER_MONITOR_ONLY') || label('monitor-only') === 'true')
    return 'it only reports updates'
  if (on(it, 'no-pull', '', 'WATCHTOWER_NO_PULL')) return 'it pulls nothing'
  return seen.byDigest ? 'the image is pinned by digest, which it passes over' : undefined
}

const valued =
  /^(--(interval|schedule|scope|disable-containers|stop-timeout|host|notification[\w-]*)|-[isxtH])$/

/** The containers that it is told to look after: its words that are neither options nor their values. */
const namesOf = (args: readonly string[]): readonly string[] =>
  args.filter((word, at) => /^[a-zA-Z0-9][\w.-]*$/.test(word) && !valued.test(args[at - 1] ?? ''))

const told = (it: Container, name: string): string | undefined => it.env.get(name)?.reveal() || undefined

function on(it: Container, long: string, short: string, variable: string): boolean {
  const word = it.args.findLast((arg) => arg === short || arg === `--${long}` || arg.startsWith(`--${long}=`))
  if (word !== undefined) return !word.endsWith('=false')
  return ['true', '1', 't'].includes(told(it, variable)?.toLowerCase() ?? '')
}

function value(it: Container, long: string, short: string, variable: string): string | undefined {
  const at = it.args.findLastIndex(
    (arg) => (short !== '' && arg === short) || arg === `--${long}` || arg.startsWith(`--${long}=`),
  )
  const word = it.args[at]
  if (word === undefined) return told(it, variable)
  return word.includes('=') ? word.slice(word.indexOf('=') + 1) : it.args[at + 1]
}

function rhythm(it: Container): string {
  const schedule = value(it, 'schedule', '-s', 'WATCHTOWER_SCHEDULE')
  if (schedule !== undefined) return `by the schedule “${schedule}” (cron, with seconds first)`
  return `every ${value(it, 'interval', '-i', 'WATCHTOWER_POLL_INTERVAL') ?? '86400'} s`
}
