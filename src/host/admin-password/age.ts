import type { HostConfig } from '../../config/host-config.ts'
import type { HostView } from '../access/host.ts'
import type { Pending } from '../change/change.ts'
import { lockFailure } from '../change/describe.ts'
import { type Change, joinBackwards, readTrailBackwards } from '../trail/history.ts'
import { brokenRecord, type PasswordRecord, readRecord } from './record.ts'

/** A rotation that failed, and after which none has come about. */
export interface FailedRotation {
  /** ISO 8601 UTC. */
  readonly time: string
  readonly message: string
}

/** How old the admin password is, by the record of its last rotation and by the trail. Times are milliseconds. */
export interface PasswordAge {
  readonly record: PasswordRecord | undefined
  /** What is wrong with a record that is there and cannot be read. */
  readonly broken: string | undefined
  readonly age: number | null
  readonly rotateEvery: number
  /** ISO 8601 UTC; null where nobody knows how old it is. */
  readonly dueAt: string | null
  readonly due: boolean
  readonly failed: FailedRotation | undefined
  /** A rotation that was cut off and stands on the host: it may have written its record, and the store still has the password as pending. */
  readonly cutOff: Pending | undefined
}

/** What the age is read from: the host, the clock, and the change that stands there. */
interface Sight {
  readonly host: HostView
  readonly clock: () => Date
  readonly pending: () => Promise<Pending | undefined>
}

/** Reads how old the admin password is, on the host alone; the PDS and the store are not asked. */
export async function readPasswordAge({ host, clock, pending }: Sight): Promise<PasswordAge> {
  const every = rotateEvery(await host.config())
  const changes = joinBackwards(readTrailBackwards(host))
  const newest = changes.next()
  newest.catch(() => {})
  const [found, standing] = await Promise.all([readRecord(host), pending()])
  const { record } = found
  const now = clock()
  const since = record?.rotatedAt ?? new Date(now.getTime() - every).toISOString()
  return {
    record,
    broken: brokenRecord(found),
    age: record ? Math.max(0, now.getTime() - Date.parse(record.rotatedAt)) : null,
    rotateEvery: every,
    dueAt: record ? dueAt(record, every) : null,
    due: isDue(record, every, now),
    failed: await lastFailure({ changes, newest }, since, standing ? 'yes' : 'no'),
    cutOff: cutOffRotation(standing),
  }
}

const cutOffRotation = (standing: Pending | undefined): Pending | undefined =>
  standing?.state === 'cut off' && standing.holder.command === 'admin-password rotate' ? standing : undefined

/** A Failure where a rotation was cut off: its record alone would say that nothing is to be done. */
export async function refuseCutOff({ pending }: Pick<Sight, 'pending'>): Promise<void> {
  const standing = cutOffRotation(await pending())
  const failure = standing && lockFailure(standing)
  if (failure) throw failure
}

/** The changes of the trail, the newest first, which was asked for before it was known how many would be wanted. */
interface Reading {
  readonly changes: AsyncGenerator<Change>
  readonly newest: Promise<IteratorResult<Change>>
}

/** One of which the outcome is not known counts as failed, unless it may be the change that stands on the host. */
async function lastFailure(
  { changes, newest }: Reading,
  since: string,
  standing: 'yes' | 'no',
): Promise<FailedRotation | undefined> {
  for (let next = await newest; !next.done; next = await changes.next()) {
    const { time, command, outcome, message } = next.value
    if (time !== null && time < since) return undefined
    if (command !== 'admin-password rotate' || time === null) continue
    if (outcome === 'unknown' && standing === 'yes') continue
    if (outcome === 'ok') return undefined
    return { time, message: message ?? (outcome === 'unknown' ? 'it was cut off' : outcome) }
  }
  return undefined
}

/** What a person should know of the age, a line each; none when all is well. */
export function ageProblems({ record, broken, due, dueAt: at, failed }: PasswordAge): readonly string[] {
  return [
    ...(due
      ? [
          record
            ? `the admin password is due since ${at?.slice(0, 10)}`
            : `nobody knows how old the admin password is: ${broken ?? 'there is no record of a rotation'}`,
        ]
      : []),
    ...(failed ? [`its last rotation failed at ${failed.time}: ${failed.message.split('\n')[0]}`] : []),
  ]
}

/** How long a password stands where the config says nothing: 90 days, in milliseconds. */
const usualAge = 90 * 24 * 3_600_000

/** How long the admin password of a host may stand, in milliseconds. */
export const rotateEvery = ({ adminPassword }: Pick<HostConfig, 'adminPassword'>): number =>
  adminPassword?.rotateEvery ?? usualAge

/** When a recorded password is due, ISO 8601 UTC. */
export const dueAt = ({ rotatedAt }: Pick<PasswordRecord, 'rotatedAt'>, every: number): string =>
  new Date(Date.parse(rotatedAt) + every).toISOString()

/** A password of which nobody knows how old it is counts as due. */
export const isDue = (record: PasswordRecord | undefined, every: number, now: Date): boolean =>
  record === undefined || now.getTime() >= Date.parse(dueAt(record, every))
