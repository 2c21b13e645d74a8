import type { Change } from '../host/trail/history.ts'
import type { Account } from '../pds/accounts/accounts.ts'
import type { PdsView } from '../pds/xrpc/client.ts'
import { isAlready, restore, type StatusGoal } from './status-goal.ts'

/** What is to become of an account: reversed, or left alone as it is so already, or refused as it is otherwise. */
export type Verdict =
  | { readonly kind: 'reverse' }
  | { readonly kind: 'already' | 'refused'; readonly why: string }

interface Case {
  readonly account: Account
  /** What the run did to it. */
  readonly change: Change
  /** The newest change of its status that the trail tells. */
  readonly last: Change | undefined
  readonly goal: StatusGoal
}

/** Compares an account with what a run made of it, and with what the trail tells since. */
export async function judge({ account, change, last, goal }: Case, pds: PdsView): Promise<Verdict> {
  const { status } = account
  const already = isAlready(status, goal)
  if (last && last.operation !== change.operation) {
    const since = `since then by “${last.command}” of ${last.operator}${last.operation === null ? '' : ` (operation ${last.operation})`}`
    if (already) return { kind: 'already', why: `${goal === restore ? 'restored' : 'taken down'} ${since}` }
    return { kind: 'refused', why: `it was changed ${since}` }
  }
  if (already) return { kind: 'already', why: `${status} already, which the trail does not tell of` }
  if (status !== change.status?.to)
    return { kind: 'refused', why: `it is ${status} now, and was ${change.status?.to} after that run` }
  return goal === restore ? await judgeTakedown(account, change, pds) : { kind: 'reverse' }
}

/** A takedown that somebody has replaced past this program has another reference on the PDS. */
async function judgeTakedown({ did }: Account, change: Change, pds: PdsView): Promise<Verdict> {
  const { takedown } = await pds.query('com.atproto.admin.getSubjectStatus', { did })
  const ref = takedown?.ref
  if (ref === undefined || isOwnRef(ref, change)) return { kind: 'reverse' }
  return {
    kind: 'refused',
    why: `it was taken down anew since then, which the trail does not tell of: the PDS has the reference “${ref}”`,
  }
}

/** The reference is the reason that was given; without one, it is the moment of the takedown by the clock of the PDS. */
function isOwnRef(ref: string, { reason, time }: Change): boolean {
  if (reason !== null) return ref === reason
  const at = /^\d{4}-\d\d-\d\dT/.test(ref) ? Date.parse(ref) : Number.NaN
  return at <= Date.parse(time ?? '') + clockRoom
}

/** By how much the clocks of the PDS and of an operator may differ, and how long a takedown may take. */
const clockRoom = 600_000
