import { unreachable } from '../failure.ts'
import type { Answer } from '../ssh/session.ts'
import { ask, type Shell } from '../ssh/shell.ts'
import type { HostView } from './host.ts'
import { type TrailEntry, trailPlace } from './trail.ts'

/** A line of the trail: an entry, or what cannot be read as one. */
export type TrailLine =
  | { readonly kind: 'entry'; readonly entry: TrailEntry }
  | { readonly kind: 'unreadable'; readonly text: string }

const page = 5_000

/** All lines of a host's trail, oldest first, a page at a time; a trail that was never written has none. */
export async function* readTrail(host: HostView): AsyncGenerator<TrailLine> {
  for (let from = 1; ; from += page) {
    const to = from + page - 1
    const lines = await fetchLines(
      host,
      ask`sed -n ${`${from},${to}p;${to}q`} ${trailPlace(await host.config()).name}`,
    )
    yield* lines.flatMap(parseLine)
    if (lines.length < page) return
  }
}

/** The last lines of a host's trail, and whether these are all. */
export async function readTrailEnd(
  host: HostView,
  last: number,
): Promise<{ readonly lines: readonly TrailLine[]; readonly whole: 'yes' | 'no' }> {
  const lines = await fetchLines(host, ask`tail -n ${last} ${trailPlace(await host.config()).name}`)
  return { lines: lines.flatMap(parseLine), whole: lines.length < last ? 'yes' : 'no' }
}

async function fetchLines(host: HostView, read: Shell<'ask'>): Promise<string[]> {
  const { dir, name } = trailPlace(await host.config())
  const answer = await host.ask(
    ask`[ -d ${dir} ] || exit 0; cd ${dir} || exit; [ ! -e ${name} ] || exec sh -c ${read}`,
  )
  if (answer.code !== 0) throw await notReadable(host, `${dir}/${name}`, answer)
  return answer.stdout === '' ? [] : answer.stdout.replace(/\n$/, '').split('\n')
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

function isEntry(value: unknown): value is TrailEntry {
  if (typeof value !== 'object' || value === null) return false
  const { time, id, event, operator, command, subject, did, reason, outcome, message } = value as Record<
    string,
    unknown
  >
  const { user, machine, ssh } = (operator ?? {}) as Record<string, unknown>
  return (
    isText(time) &&
    !Number.isNaN(Date.parse(time)) &&
    (event === 'intent' || event === 'outcome') &&
    [id, user, machine, ssh, command, subject].every(isText) &&
    [did, reason, outcome, message].every(isTextOrAbsent)
  )
}

/** One change: its intent joined with its outcome, or a line that cannot be read. */
export interface Change {
  readonly time: string | null
  readonly operator: string | null
  readonly command: string | null
  readonly subject: string | null
  readonly did: string | null
  readonly reason: string | null
  /** `ok`, how it failed, `unknown` for an intent that was cut off, or `unreadable`. */
  readonly outcome: string
  readonly message: string | null
}

/** The changes in the order of their intents. An outcome whose intent is not there counts when the lines are all. */
export function joinChanges(lines: Iterable<TrailLine>, whole: 'yes' | 'no'): Change[] {
  const changes: Change[] = []
  const places = new Map<string, number>()
  for (const line of lines) {
    if (line.kind === 'unreadable') {
      changes.push(unreadable(line.text))
      continue
    }
    const { entry } = line
    const place = places.get(entry.id)
    const before = place === undefined ? undefined : changes[place]
    if (place !== undefined && before)
      changes[place] = { ...before, did: before.did ?? entry.did ?? null, ...told(entry) }
    else if (entry.event === 'intent' || whole === 'yes') {
      places.set(entry.id, changes.length)
      changes.push(begun(entry))
    }
  }
  return changes
}

const told = ({ outcome, message }: TrailEntry) => ({
  outcome: outcome ?? 'unknown',
  message: message ?? null,
})

const begun = (entry: TrailEntry): Change => ({
  time: entry.time,
  operator: `${entry.operator.user}@${entry.operator.machine} as ${entry.operator.ssh}`,
  command: entry.command,
  subject: entry.subject,
  did: entry.did ?? null,
  reason: entry.reason ?? null,
  ...told(entry),
})

const unreadable = (text: string): Change => ({
  time: null,
  operator: null,
  command: null,
  subject: null,
  did: null,
  reason: null,
  outcome: 'unreadable',
  message: `not a line of the trail: ${text.slice(0, 200)}`,
})
