import { unreachable } from '../../base/failure.ts'
import type { Answer } from '../../ssh/session.ts'
import { ask, type Shell } from '../../ssh/shell.ts'
import type { HostView } from '../access/host.ts'
import { type StatusTransition, type TrailEntry, type TrailPlace, trailPlace } from './append.ts'

/** A line of the trail: an entry, or what cannot be read as one. */
export type TrailLine =
  | { readonly kind: 'entry'; readonly entry: TrailEntry }
  | { readonly kind: 'unreadable'; readonly text: string }

/** Bytes of the trail that are asked for at once. */
const usualLength = 1024 * 1024

/** All lines of a host's trail, oldest first, a window at a time; a trail that was never written has none. */
export async function* readTrail(host: HostView, length = usualLength): AsyncGenerator<TrailLine> {
  let [from, room, more] = [0, length, true]
  while (more) {
    const window = await fetchWindow(host, onwards(await placeOf(host), from, room))
    yield* window.lines
    from += window.bytes
    room = window.bytes === 0 ? room * 2 : length
    more = window.more
  }
}

/** Lines of a trail in its own order; the windows of `readTrailBackwards` come newest first. */
export type Window = readonly TrailLine[]

/** All lines of a host's trail from its end, a window at a time, as far as they are asked for. */
export async function* readTrailBackwards(host: HostView, length = usualLength): AsyncGenerator<Window> {
  let [to, room, more]: [number | undefined, number, boolean] = [undefined, length, true]
  while (more) {
    const window = await fetchWindow(host, backwards(await placeOf(host), to, room))
    yield window.lines
    to = window.to - window.bytes
    room = window.bytes === 0 ? room * 2 : length
    more = window.more
  }
}

const placeOf = async (host: HostView): Promise<TrailPlace> => trailPlace(await host.config())

/** A window from this byte on; the line that its end cuts is left to the next one. */
const onwards = (place: TrailPlace, from: number, length: number): Shell<'ask'> =>
  readWindow(
    place,
    ask`from=${from} to=$((from + ${length})) cut='$d'; [ $to -lt $size ] || { to=$size cut=; }`,
  )

/** A window up to this byte, or to the end; the line that its beginning cuts is left to the next one. */
const backwards = (place: TrailPlace, to: number | undefined, length: number): Shell<'ask'> =>
  readWindow(
    place,
    ask`to=${to ?? ''}; to=\${to:-$size} from=$((to - ${length})) cut=1d; [ $from -gt 0 ] || { from=0 cut=; }`,
  )

/**
 * Prints that there is no trail, or the end of a window, how many bytes of it are whole lines, and whether there is more; then these lines.
 * They are cut on the host, where a character that falls between two windows is still bytes.
 */
const readWindow = ({ dir, name }: TrailPlace, choose: Shell<'ask'>): Shell<'ask'> => ask`# read the trail
none() { echo none; exit 0; }
[ -d ${dir} ] || none
cd ${dir} || exit
[ -e ${name} ] || none
size=$(wc -c <${name}) || exit
size=$((size))
eval ${choose}
window() { tail -c +$((from + 1)) ${name} | head -c $((to - from)) | sed "$cut"; }
echo window "$to" $(window | wc -c) "$cut"
window`

/** Whole lines of the trail, the bytes they are and end at, and whether there are others on that side. */
interface Fetched {
  readonly lines: readonly TrailLine[]
  readonly bytes: number
  readonly to: number
  readonly more: boolean
}

async function fetchWindow(host: HostView, read: Shell<'ask'>): Promise<Fetched> {
  const answer = await host.ask(read)
  if (answer.code !== 0) {
    const { dir, name } = await placeOf(host)
    throw await notReadable(host, `${dir}/${name}`, answer)
  }
  const [head = '', ...lines] = answer.stdout.split('\n')
  if (head === 'none') return { lines: [], bytes: 0, to: 0, more: false }
  const [, to, bytes, cut] = /^window (\d+) (\d+) (\$d|1d|)$/.exec(head) ?? []
  if (to === undefined) {
    const { dir, name } = await placeOf(host)
    throw await notReadable(host, `${dir}/${name}`, {
      ...answer,
      stderr: `in its place came “${head.slice(0, 200)}”`,
    })
  }
  return { lines: lines.flatMap(parseLine), bytes: Number(bytes), to: Number(to), more: cut !== '' }
}

const notReadable = async (host: HostView, file: string, { code, stderr }: Answer) =>
  unreachable(
    'trail-not-readable',
    `${await host.where()}:${file} cannot be read: ${stderr.trim().slice(-300) || `exit code ${code}`}`,
  )

/** Blank lines are left by writers that were cut off. */
function parseLine(text: string): TrailLine[] {
  if (text.trim() === '') return []
  try {
    const value: unknown = JSON.parse(text)
    if (isEntry(value)) return [{ kind: 'entry', entry: value }]
  } catch {
    // Not JSON: said below.
  }
  return [{ kind: 'unreadable', text }]
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isTextOrAbsent = (value: unknown): boolean => value === undefined || isText(value)

const isStatusTransition = (value: unknown): boolean => {
  const { from, to } = (value ?? {}) as Record<string, unknown>
  return isText(from) && isText(to)
}

function isEntry(value: unknown): value is TrailEntry {
  if (typeof value !== 'object' || value === null) return false
  const entry = value as Record<string, unknown>
  const { time, id, operation, event, operator, command, subject, did, status, reason, outcome, message } =
    entry
  const { user, machine, ssh } = (operator ?? {}) as Record<string, unknown>
  return (
    isText(time) &&
    !Number.isNaN(Date.parse(time)) &&
    (event === 'intent' || event === 'outcome') &&
    [id, user, machine, ssh, command, subject].every(isText) &&
    [operation, did, reason, outcome, message].every(isTextOrAbsent) &&
    (status === undefined || isStatusTransition(status))
  )
}

/** One change: its intent joined with its outcome, or a line that cannot be read. */
export interface Change {
  readonly time: string | null
  /** The run that it belongs to; null in lines of versions that wrote none. */
  readonly operation: string | null
  readonly operator: string | null
  readonly command: string | null
  readonly subject: string | null
  readonly did: string | null
  /** The status of the account before and after, where that is what was changed. */
  readonly status: StatusTransition | null
  readonly reason: string | null
  /** `ok`, how it failed, `unknown` for an intent that was cut off, or `unreadable`. */
  readonly outcome: string
  readonly message: string | null
}

/** The changes in the order of their intents; an outcome whose intent is not there is one too. */
export async function joinChanges(
  lines: AsyncIterable<TrailLine> | Iterable<TrailLine>,
): Promise<readonly Change[]> {
  const changes: Change[] = []
  const places = new Map<string, number>()
  for await (const line of lines) {
    if (line.kind === 'unreadable') {
      changes.push(unreadable(line.text))
      continue
    }
    const { entry } = line
    const place = places.get(entry.id)
    const before = place === undefined ? undefined : changes[place]
    if (place !== undefined && before)
      changes[place] = {
        ...before,
        did: before.did ?? entry.did ?? null,
        status: entry.status ?? before.status,
        ...told(entry),
      }
    else {
      places.set(entry.id, changes.length)
      changes.push(begun(entry))
    }
  }
  return changes
}

/** The changes of a trail that is read from its end, the newest first; the outcome of each is met before its intent. */
export async function* joinBackwards(
  windows: AsyncIterable<Window> | Iterable<Window>,
): AsyncGenerator<Change> {
  const outcomes = new Map<string, Change>()
  for await (const lines of windows) {
    for (const line of lines.toReversed()) {
      if (line.kind === 'unreadable') {
        yield unreadable(line.text)
        continue
      }
      const change = begun(line.entry)
      const { did, status, outcome, message } = outcomes.get(line.entry.id) ?? change
      const whole = { ...change, did: change.did ?? did, status: status ?? change.status, outcome, message }
      outcomes.delete(line.entry.id)
      if (line.entry.event === 'intent') yield whole
      else outcomes.set(line.entry.id, whole)
    }
  }
  // Outcomes whose intents are not there.
  yield* outcomes.values()
}

const told = ({ outcome, message }: TrailEntry) => ({
  outcome: outcome ?? 'unknown',
  message: message ?? null,
})

const begun = (entry: TrailEntry): Change => ({
  time: entry.time,
  operation: entry.operation ?? null,
  operator: `${entry.operator.user}@${entry.operator.machine} as ${entry.operator.ssh}`,
  command: entry.command,
  subject: entry.subject,
  did: entry.did ?? null,
  status: entry.status ?? null,
  reason: entry.reason ?? null,
  ...told(entry),
})

const unreadable = (text: string): Change => ({
  time: null,
  operation: null,
  operator: null,
  command: null,
  subject: null,
  did: null,
  status: null,
  reason: null,
  outcome: 'unreadable',
  message: `not a line of the trail: ${text.slice(0, 200)}`,
})
