import type { ChangePlan, Holder, Pending } from './change.ts'
import { type Journal, JournalReader } from './journal.ts'

/** The lock and the change of a host, as they were found. */
export interface Standing {
  /** Who holds the lock, with the id of the change it was taken for. */
  readonly lock: (Holder & { readonly id: string }) | undefined
  readonly token: string
  readonly agent: 'alive' | 'dead'
  readonly runner: 'alive' | 'dead'
  /** Seconds since the agent last heard anything. */
  readonly silent: number
  /** Of a change that lies where the container of the PDS may write. */
  readonly program?: 'unverified' | undefined
  readonly plan: ChangePlan | undefined
  readonly journal: Journal
  /** The whole lines of the journal. */
  readonly written: readonly string[]
  readonly state: Pending['state']
  /** Whether there is a lock or a change at all. */
  readonly any: 'something' | 'nothing'
}

/** What the lines say that `print_lock_state` printed. */
export function parseStanding(lines: readonly string[]): Standing {
  const at = lines.indexOf('plan')
  const head = at === -1 ? lines : lines.slice(0, at)
  const value = (name: string): string =>
    head.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? ''
  const has = (word: string) => head.includes(word)
  const lock = toJson<Holder & { readonly id: string }>(value('lock'))
  const plan = at === -1 ? undefined : toJson<ChangePlan>(lines[at + 1] ?? '')
  const reader = new JournalReader(plan)
  const written = at === -1 ? [] : lines.slice(at + 2, Math.max(lines.lastIndexOf('.') - 1, at + 2))
  for (const line of written) reader.read(line)
  const found = {
    lock,
    token: value('token'),
    agent: has('agent') ? 'alive' : 'dead',
    runner: has('runner') ? 'alive' : 'dead',
    silent: Number(value('silent')),
    ...(has('unverified') && { program: 'unverified' as const }),
    plan,
    journal: reader.now,
    written,
    any: has('locked') || value('token') !== '' || has('change') ? 'something' : 'nothing',
  } as const
  const never =
    found.agent === 'dead' &&
    !has('change') &&
    lock !== undefined &&
    (has('staged') || value('last') === lock.id)
  return { ...found, state: never ? 'over' : stateOf(found) }
}

function stateOf({
  agent,
  runner,
  plan,
  journal,
}: Pick<Standing, 'agent' | 'runner' | 'plan' | 'journal'>): Pending['state'] {
  if (runner === 'alive') return 'working'
  if (agent === 'alive') return 'held'
  return plan && isOver(plan, journal) ? 'over' : 'cut off'
}

/** A change is over when nothing of it is left to do or to undo, on the host or by the operator's machine. */
function isOver({ steps }: ChangePlan, { events, end }: Journal): boolean {
  const marked = (kind: 'begin' | 'done') =>
    new Set(events.filter((event) => event.kind === kind).map(({ index }) => index))
  const last = steps.findLastIndex((step) => step.by === 'host')
  switch (end?.kind) {
    case undefined:
    case 'stuck':
      return false
    case 'done':
      return steps.every((_, i) => i <= last || marked('done').has(i))
    case 'undone':
      return steps.every((step, i) => step.by === 'host' || !marked('begin').has(i))
  }
}

/** What was found, as it is told outside; undefined where there is nothing. */
export function toPending({ any, lock, plan, state, journal, program }: Standing): Pending | undefined {
  if (any === 'nothing') return undefined
  const { events, end } = journal
  const holder = lock ? toHolder(lock) : plan ? toHolder(plan) : nobody
  return { state, holder, plan, events, end, ...(program && { program }) }
}

const toHolder = ({ operator, command, reason, time }: Holder): Holder => ({
  operator,
  command,
  time,
  ...(reason === undefined ? {} : { reason }),
})

/** Of a lock that cannot be read. */
const nobody: Holder = {
  operator: { user: 'unknown', machine: 'unknown', ssh: 'unknown' },
  command: 'unknown',
  time: '1970-01-01T00:00:00.000Z',
}

function toJson<T extends object>(text: string): T | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as T) : undefined
  } catch {
    return undefined
  }
}
