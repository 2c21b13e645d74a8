import { showBytes } from '../base/bytes.ts'
import { ageProblems, type PasswordAge } from '../host/admin-password/age.ts'
import type { Pending } from '../host/change/change.ts'
import { describePending } from '../host/change/describe.ts'
import type { DiskUse } from '../host/disk.ts'
import type { Container } from '../host/docker/containers.ts'
import type { Engine } from '../host/docker/engine.ts'
import { ownContainers, serviceName } from '../host/logs/read-log.ts'
import { type Part, seenIn } from './parts.ts'

/** Something that a person should look at, and what to type then. */
export interface Attention {
  readonly problem: string
  readonly next: string | null
}

/** All that was seen, or could not be. */
export interface Seen {
  readonly version: Part<string>
  readonly hostname: Part<string>
  readonly signups: Part<'open' | 'closed'>
  readonly accounts: Part<unknown>
  readonly fresh: Part<number>
  readonly disk: Part<DiskUse>
  readonly pending: Part<Pending | undefined>
  readonly password: Part<PasswordAge>
  readonly engine: Part<Engine>
  /** The image that the compose files name for the PDS, where it is another than its container was made from. */
  readonly image: Part<string | undefined>
  readonly drift: Part<readonly string[] | undefined>
}

/** New accounts in a day from which open signups are worth a look. */
const many = 20

/** Percent of a disk from which it is nearly full. */
const nearlyFull = 90

/** What needs attention, the most urgent first. */
export const attentionOf = (seen: Seen, now: Date): readonly Attention[] => [
  ...standing(seenIn(seen.pending)),
  ...unseen([seen.version]),
  ...restless(seenIn(seen.engine), now),
  ...flood(seenIn(seen.signups), seenIn(seen.fresh)),
  ...full(seenIn(seen.disk)),
  ...stale(seenIn(seen.drift)),
  ...another(seenIn(seen.engine)?.pds?.image, seenIn(seen.image)),
  ...old(seenIn(seen.password)),
  ...unseen([
    seen.engine,
    seen.hostname,
    seen.signups,
    seen.accounts,
    seen.fresh,
    seen.disk,
    seen.pending,
    seen.password,
    seen.image,
    seen.drift,
  ]),
]

/** A change that stands on the host, in a line. */
export function showPending(pending: Pending): string | undefined {
  const [first = ''] = describePending(pending)
  switch (pending.state) {
    case 'working':
    case 'held':
      return `under way: ${first}`
    case 'cut off':
      return `cut off: ${first}`
    case 'over':
      return undefined
  }
}

function standing(pending: Pending | undefined): readonly Attention[] {
  const problem = pending && showPending(pending)
  if (problem === undefined) return []
  const next =
    pending?.state === 'cut off' ? 'kimbia-ops recover' : 'wait for it, or see: kimbia-ops recover --dry-run'
  return [{ problem: `a change to the host is ${problem}`, next }]
}

/** A container that started less than this long ago, and not for the first time, may do so again: milliseconds. */
const lately = 15 * 60_000

function restless(engine: Engine | undefined, now: Date): readonly Attention[] {
  return engine ? ownContainers(engine).flatMap((it) => restlessness(it, now)) : []
}

function restlessness(container: Container, now: Date): readonly Attention[] {
  const { state, restarts, startedAt, health, exitCode } = container
  const service = serviceName(container)
  const next = `kimbia-ops logs ${service} --tail 50`
  const often = `docker has started it again ${restarts} times`
  if (state !== 'running') {
    const ending = state === 'exited' || state === 'restarting' ? ` (exit code ${exitCode})` : ''
    return [{ problem: `${service} is ${state}${ending}${restarts > 0 ? `; ${often}` : ''}`, next }]
  }
  if (restarts > 0 && now.getTime() - Date.parse(startedAt) < lately)
    return [{ problem: `${service} is unsteady: ${often}, last at ${startedAt.slice(0, 19)}Z`, next }]
  return health === 'unhealthy' ? [{ problem: `${service} calls itself unhealthy`, next }] : []
}

const flood = (signups: string | undefined, fresh = 0): readonly Attention[] =>
  signups === 'open' && fresh >= many
    ? [
        {
          problem: `signups are open, and ${fresh} accounts were made in 24 hours`,
          next: 'kimbia-ops account list --since 24h; to close: kimbia-ops signup close',
        },
      ]
    : []

const full = (disk: DiskUse | undefined): readonly Attention[] =>
  (disk?.disks ?? [])
    .filter(({ usedPercent }) => usedPercent > nearlyFull)
    .map(({ mount, usedPercent, free }) => ({
      problem: `the disk at ${mount} is ${usedPercent} % full; ${showBytes(free)} are free`,
      next: null,
    }))

const stale = (drift: readonly string[] | undefined): readonly Attention[] =>
  drift && drift.length > 0
    ? [
        {
          problem: `pds.env was changed, and the running PDS does not have it: ${drift.join(', ')}`,
          next: 'kimbia-ops restart --recreate',
        },
      ]
    : []

const another = (running: string | undefined, wanted: string | undefined): readonly Attention[] =>
  running !== undefined && wanted !== undefined && running !== wanted
    ? [
        {
          problem: `the PDS runs ${running}, and the compose file names ${wanted}`,
          next: 'kimbia-ops update apply',
        },
      ]
    : []

const old = (password: PasswordAge | undefined): readonly Attention[] =>
  (password ? ageProblems(password) : []).map((problem) => ({
    problem,
    next: 'kimbia-ops admin-password rotate',
  }))

/** What could not be looked at, each reason once. */
function unseen(parts: readonly Part<unknown>[]): readonly Attention[] {
  const problems = new Map<string, Attention>()
  for (const it of parts) {
    if (!('failure' in it)) continue
    const { message, hint } = it.failure
    if (!problems.has(message))
      problems.set(message, { problem: `${it.name}: ${message}`, next: hint ?? null })
  }
  return [...problems.values()]
}
