import type { HostView } from '../access/host.ts'
import { type Change, joinBackwards, joinChanges, readTrail, readTrailBackwards } from './history.ts'

/** A change of an account's status, as the trail tells it. */
export interface StatusChange {
  readonly did: string
  /** What it was changed to; `unknown` where only the call is told, not what it did. */
  readonly to: 'down' | 'up' | 'unknown'
  readonly change: Change
}

/** The outcomes of what was not done; any other was done, or may have been. */
const undone: ReadonlySet<string> = new Set([
  'failed',
  'interrupted',
  'declined',
  'usage',
  'busy',
  'unreadable',
])

/** Whether a change was carried out, as far as is known. */
export const mayHaveHappened = ({ outcome }: Pick<Change, 'outcome'>): boolean => !undone.has(outcome)

/** What a change of the trail did to the status of an account; undefined for one that did nothing of the kind. */
export function statusChangeOf(change: Change): StatusChange | undefined {
  const did = change.did ?? /did:[a-z]+:[\w.:%-]+/.exec(change.subject ?? '')?.[0]
  const to = directionOf(change)
  return did === undefined || to === undefined || !mayHaveHappened(change) ? undefined : { did, to, change }
}

function directionOf({ command, subject, status }: Change): StatusChange['to'] | undefined {
  if (status) return status.to === 'takendown' ? 'down' : 'up'
  switch (command) {
    // Lines of versions that did not write the status.
    case 'account takedown':
      return 'down'
    case 'account restore':
      return 'up'
    case 'xrpc post':
      return subject === 'com.atproto.admin.updateSubjectStatus' ? 'unknown' : undefined
    case 'goat':
    case 'pdsadmin':
      if (/\buntakedown\b/.test(subject ?? '')) return 'up'
      return /\btakedown\b/.test(subject ?? '') ? 'down' : undefined
    default:
      return undefined
  }
}

/** The changes of accounts' statuses since a moment, or all there are, the newest first. */
export async function readStatusChanges(host: HostView, since: Date | undefined): Promise<StatusChange[]> {
  const found: StatusChange[] = []
  for await (const change of joinBackwards(readTrailBackwards(host))) {
    if (since && change.time !== null && Date.parse(change.time) < since.getTime() - clockRoom) break
    const status = statusChangeOf(change)
    if (status) found.push(status)
  }
  return found
}

/** By how much the lines of the trail may stand out of the order of their times: those of many operators. */
const clockRoom = 3_600_000

/** The whole trail of a host, oldest first. */
export const readChanges = async (host: HostView): Promise<readonly Change[]> =>
  await joinChanges(readTrail(host))
