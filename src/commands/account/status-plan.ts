import type { Change } from '../../host/trail/history.ts'
import { readStatusChanges, type StatusChange } from '../../host/trail/status-history.ts'
import { gatherEvidence } from '../../moderation/evidence.ts'
import { isAlready, type StatusGoal } from '../../moderation/status-goal.ts'
import { type Account, named } from '../../pds/accounts/accounts.ts'
import { notFound } from '../../pds/accounts/missing.ts'
import type { Item, PdsPlan } from '../../plan/plan.ts'
import { later } from '../../plan/steps/placeholders.ts'
import type { LocalStep } from '../../plan/steps/step.ts'
import { xrpc } from '../../plan/steps/xrpc.ts'
import { column, type RowOf } from '../../runner/command/columns.ts'
import { flag, manyArguments, option } from '../../runner/command/parameters.ts'
import { account, did, handle, path } from '../../runner/command/types.ts'
import type { Views } from '../../runner/command/views.ts'
import { showCount } from '../../runner/output/report.ts'
import { status } from './shared.ts'
import { type FoundTargets, findTargets, type Targets } from './targets.ts'

/** What a change of an account's status reports. */
export const statusColumns = {
  handle: column(handle, 'current handle'),
  did: column(did, 'permanent identifier'),
  status: column(status, 'after the change'),
}

/** How the accounts of a takedown or restore are named. */
export const targetOptions = {
  accounts: manyArguments(account, 'handle, DID, URL or email'),
  from: option(path, 'accounts from a file, one a line; - is standard input'),
  except: option(path, 'accounts of a file that stay as they are, written as for --from'),
  again: flag('also those of the file that were changed the other way since they were listed'),
}

type Row = RowOf<typeof statusColumns>
type Refused = NonNullable<PdsPlan<Row>['refused']>

interface Input extends Targets {
  readonly again: boolean
  readonly reason: string | undefined
}

/** Plans takedown or restore: one item an account, found and proven to exist, without steps where nothing is to do. */
export async function planStatus(input: Input, views: Views, goal: StatusGoal): Promise<PdsPlan<Row>> {
  let trail: Promise<StatusChange[]> | undefined
  const targets = await findTargets(input, views, (listedAt) => {
    if (input.from === undefined || input.again) return
    // Read meanwhile, which is 2 round trips of a takedown from a file.
    trail = readStatusChanges(views.host, listedAt && new Date(listedAt.getTime() - recent))
    trail.catch(() => {})
  })
  const { missing, excepted } = targets
  const notHere = missing.map((it) => ({ ref: it.ref, failure: notFound(it) }))
  const named = targets.accounts.length + missing.length
  if (named === 1 && notHere[0]) throw notHere[0].failure
  const changed = trail === undefined ? [] : await changedSince(targets, trail, goal, views)
  const leftOut = new Set(changed.map(({ did }) => did))
  const items = targets.accounts
    .filter(({ did }) => !leftOut.has(did))
    .map((it) => statusItem(it, input.reason, goal))
  const open = targets.accounts.filter((it) => !leftOut.has(it.did) && !isAlready(it.status, goal))
  if (excepted > 0) views.say(`note: --except leaves out ${showCount(excepted, 'account')}`)
  return {
    ...wordsOf(items, goal),
    reason: input.reason,
    evidence: () => gatherEvidence(open, views),
    items,
    refused: [
      ...changed.map(({ refusal }) => refusal),
      ...notHere.map(({ ref, failure }) => ({
        subject: ref.text,
        code: failure.code,
        message: failure.message,
      })),
    ],
  }
}

/** What a plan for these accounts is called, and what must be typed where typing is asked for. */
export function wordsOf(
  items: readonly Item<Row, LocalStep>[],
  { verb, done }: StatusGoal,
): Pick<PdsPlan<Row>, 'title' | 'done' | 'confirm'> {
  const [first] = items
  if (items.length === 1 && first)
    return { title: `${verb} ${first.subject}`, done, confirm: String(first.rows[0]?.handle ?? '') }
  const changing = items.filter(({ steps }) => steps.length > 0)
  const [only] = changing
  const what =
    changing.length === 1 && only ? only.subject : showCount(changing.length || items.length, 'account')
  return { title: `${verb} ${what}`, done, confirm: String(items.length) }
}

/** The accounts that were changed the other way after they were listed, each with why it is left out. */
async function changedSince(
  { accounts, listedAt }: FoundTargets,
  trail: Promise<StatusChange[]>,
  goal: StatusGoal,
  { say }: Views,
): Promise<readonly { readonly did: string; readonly refusal: Refused[number] }[]> {
  const open = accounts.filter(({ status }) => !isAlready(status, goal))
  if (open.length === 0) return []
  const byAccount = Map.groupBy(await trail, ({ did }) => did)
  const changesOf = (it: Account): readonly StatusChange[] => byAccount.get(it.did) ?? []
  const known = open.flatMap((it) => restoredShortlyBefore(it, changesOf(it), listedAt, goal) ?? [])
  if (known.length > 0)
    say(`warning: restored before the file was last written, and taken down again: ${firstOf(known)}`)
  return open.flatMap((it) => {
    const changed = otherWay(changesOf(it), listedAt, goal)
    const when = listedAt ? 'after it was listed' : 'and nobody knows when it was listed'
    return changed ? [{ did: it.did, refusal: refusalOf(it, changed, when, goal) }] : []
  })
}

/** A file may have been edited since its accounts were listed: for so long before, a restore is told of. */
const recent = 86_400_000

/** Tells of an account that was restored before the file was last written, though maybe after it was listed. */
function restoredShortlyBefore(
  it: Account,
  [last]: readonly StatusChange[],
  listedAt: Date | undefined,
  { to }: StatusGoal,
): string | undefined {
  const at = Date.parse(last?.change.time ?? '')
  if (!last || to === 'active' || last.to === 'down' || !listedAt) return undefined
  if (at > listedAt.getTime() || at < listedAt.getTime() - recent) return undefined
  return `${named(it)} (at ${last.change.time} by ${last.change.operator})`
}

const firstOf = (texts: readonly string[]): string =>
  [...texts.slice(0, 20), ...(texts.length > 20 ? [`and ${texts.length - 20} more`] : [])].join(', ')

/** How an account was changed the other way; without a change where the trail tells the opposite of what the PDS has. */
interface OtherWay {
  readonly change?: Change
  readonly since?: string | null
}

/**
 * Whether an account was changed the other way after it was listed. One to restore must have been restored before as
 * well: that it was taken down is no news to a list of accounts that were to be taken down. One that the trail has where
 * the command would bring it, though the PDS has not, was changed past the trail.
 */
function otherWay(
  newestFirst: readonly StatusChange[],
  listedAt: Date | undefined,
  { to }: StatusGoal,
): OtherWay | undefined {
  const since = newestFirst.filter(
    ({ change: { time } }) => listedAt === undefined || Date.parse(time ?? '') > listedAt.getTime(),
  )
  const [last] = since
  if (!last || (to === 'active' && listedAt === undefined)) return undefined
  const wanted = to === 'takendown' ? 'down' : 'up'
  if (last.to === wanted) return last.change.outcome === 'ok' ? { since: last.change.time } : undefined
  return to === 'takendown' || since.some((it) => it.to === 'up') ? { change: last.change } : undefined
}

function refusalOf(
  it: Account,
  { change, since }: OtherWay,
  when: string,
  goal: StatusGoal,
): Refused[number] {
  const [was, way] =
    goal.to === 'takendown' ? ['restored', 'takes it down'] : ['taken down again', 'restores it']
  const why = change?.reason == null ? '' : ` (${change.reason})`
  const how = change
    ? `${was} at ${change.time} by ${change.operator}${why}, ${when}`
    : `${was} after ${since}, past this tool: the trail does not tell by whom`
  return {
    subject: named(it),
    code: 'changed-since-listed',
    message: `${how}; --again ${way} all the same`,
  }
}

/** An account to bring to a status. */
export function statusItem(
  found: Account,
  reason: string | undefined,
  goal: StatusGoal,
): Item<Row, LocalStep> {
  const { did, handle } = found
  const { verb, to } = goal
  const done = isAlready(found.status, goal)
  const takedown = {
    applied: to === 'takendown',
    ...(to === 'takendown' && reason !== undefined && { ref: reason }),
  }
  const step = xrpc(
    `${verb} ${handle}`,
    'com.atproto.admin.updateSubjectStatus',
    { subject: { $type: 'com.atproto.admin.defs#repoRef', did }, takedown },
    {
      repeatable: 'yes',
      proof: {
        kind: 'status',
        did,
        status: to,
        ...(to === 'active' && { or: ['deactivated', 'suspended'] }),
      },
    },
  )
  return {
    subject: named(found),
    did,
    ...(!done && { status: { from: found.status, to } }),
    steps: done ? [] : [step],
    rows: [{ handle, did, status: done ? found.status : later('now.status') }],
  }
}
