import { Failure, failed, unreachable } from '../../base/failure.ts'
import type { Holder } from './change.ts'
import type { Standing } from './standing.ts'

const recover = 'kimbia-ops recover'

/** `user@machine`, by which a lock is broken. */
export const nameOf = ({ operator }: Holder): string => `${operator.user}@${operator.machine}`

/** Why a change cannot be begun on a host where something stands: outcome `busy`. */
export function busyFailure(standing: Standing, where: string, now = Date.now()): Failure {
  const holder = standing.lock ?? standing.plan
  if (standing.state === 'working' || standing.state === 'held') return locked(standing, where, now)
  if (standing.plan)
    return busy(
      'cut-off',
      `${where}: a change was cut off and stands unfinished: ${holderLine(standing.plan, now)}`,
      `finish or undo it: ${recover}`,
      standing,
    )
  return busy(
    'stale-lock',
    `${where}: a lock was left with no change beside it${holder ? `: ${holderLine(holder, now)}` : ''}`,
    `remove it: ${recover} --break-lock ${holder ? nameOf(holder) : 'unknown@unknown'}`,
    standing,
  )
}

/** Somebody works on the host: outcome `busy`, code `locked`. */
export function locked(standing: Standing, where: string, now = Date.now()): Failure {
  const holder = standing.lock ?? standing.plan
  const how = standing.state === 'working' && standing.agent === 'dead' ? ', and the host carries it out' : ''
  return busy(
    'locked',
    `${where} is being changed${holder ? ` by ${holderLine(holder, now)}` : ''}${how}`,
    'try again when that is done',
    standing,
  )
}

/** What was to be taken over or removed is not what stands there. */
export const changeGone = (message: string, hint?: string): Failure => failed('not-there', message, hint)

/** Nothing vouches for the program of a change, and nobody has agreed to run it; nothing was changed. */
export const notVerified = (where: string, dir: string): Failure =>
  failed(
    'change-not-verified',
    `${where}:${dir}/change lies where the container of the PDS may write, and nothing vouches for its program`,
    `see what would be done: ${recover} --dry-run`,
  )

/** The lock or the plan could not be written; nothing was changed. */
export const notBegun = (where: string, dir: string, why: string): Failure =>
  failed(
    'change-not-writable',
    `${where}:${dir} cannot be written: ${why.trim()}`,
    'nothing is changed on a host where the plan cannot be written down',
  )

/** The host's runner is gone without having told how it ended. */
export const runnerDied = (where: string): Failure =>
  failed(
    'runner-died',
    `${where}: what carries the change out there ended before its time`,
    `finish or undo it: ${recover}`,
  )

/** The line is gone, or the agent at its other end, but not what the host does. */
export function lostOnTheWay(error: unknown, where: string): unknown {
  if (!(error instanceof Failure)) return error
  const hint = `the host goes on by itself; how it ended tells: ${recover}`
  if (error.code === 'conversation-ended')
    return unreachable('agent-ended', `${where}: what holds the change there was ended`, hint, error)
  return error.outcome === 'unreachable' ? unreachable(error.code, error.message, hint, error) : error
}

function holderLine(holder: Holder, now: number): string {
  const reason = holder.reason ? `, “${holder.reason}”` : ''
  return `${nameOf(holder)} as ${holder.operator.ssh}, since ${since(holder.time, now)}: ${holder.command}${reason}`
}

function since(time: string, now: number): string {
  const at = Date.parse(time)
  if (Number.isNaN(at)) return 'an unknown time'
  const minutes = Math.max(0, Math.floor((now - at) / 60_000))
  const ago = minutes < 1 ? 'less than a minute' : minutes < 120 ? count(minutes, 'minute') : hours(minutes)
  const date = minutes < 12 * 60 ? '' : `${time.slice(0, 10)} `
  return `${date}${time.slice(11, 16)} UTC, ${ago} ago`
}

const hours = (minutes: number): string =>
  minutes < 48 * 60 ? count(Math.floor(minutes / 60), 'hour') : count(Math.floor(minutes / 1440), 'day')

const count = (n: number, unit: string): string => `${n} ${unit}${n === 1 ? '' : 's'}`

const busy = (code: string, message: string, hint: string, { lock, plan }: Standing): Failure => {
  const holder = lock ?? plan
  const details = holder
    ? { holder: nameOf(holder), since: holder.time, command: holder.command, reason: holder.reason ?? null }
    : {}
  return new Failure({ outcome: 'busy', code, message, hint, details })
}
