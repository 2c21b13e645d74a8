import { inParallel } from '../base/concurrency.ts'
import { type Failure, failed, usage } from '../base/failure.ts'
import type { Change } from '../host/trail/history.ts'
import { mayHaveHappened, readChanges, statusChangeOf } from '../host/trail/status-history.ts'
import { finding } from '../moderation/find-options.ts'
import { wayBackOf } from '../moderation/other-ways.ts'
import { restore, takeDown } from '../moderation/status-goal.ts'
import { judge, type Verdict } from '../moderation/undo-verdict.ts'
import { type Account, named, WIDTH } from '../pds/accounts/accounts.ts'
import { findAccounts } from '../pds/accounts/find-account.ts'
import type { PdsPlan } from '../plan/plan.ts'
import type { RowOf } from '../runner/command/columns.ts'
import { procedure } from '../runner/command/command.ts'
import { argument, option } from '../runner/command/parameters.ts'
import { reason, type Type, text } from '../runner/command/types.ts'
import type { Views } from '../runner/command/views.ts'
import { isOperation, operationPattern } from '../runner/invoke/operation.ts'
import { showCount } from '../runner/output/report.ts'
import { statusColumns, statusItem, wordsOf } from './account/status-plan.ts'

const operationId: Type<string> = {
  ...text,
  name: 'operation',
  parse(word) {
    if (operationPattern.test(word)) return word
    throw usage(
      `“${word}” is not the id of a run`,
      'it looks like 20261122T180000Z-7f3a, of which the end will do, and stands in the closing note of a run and in kimbia-ops trail',
    )
  },
}

type Row = RowOf<typeof statusColumns>

/** The trail tells what a run changed and what came after; the PDS tells whether that still stands. */
export default procedure({
  name: 'undo',
  summary: 'Reverse what one run changed, and nothing since',
  about:
    'Takes the id of a run, from its closing note or from `trail`. Accounts that the run took down are restored, those that it restored are taken down; accounts that it left alone are left alone. One that is no longer as the run left it, or that was changed again since, is named and left out. What else a run may have done (invites, settings, updates, passwords) cannot be reversed from the trail: then this says what to type instead.',
  examples: [
    'kimbia-ops undo 20261122T180000Z-7f3a --dry-run',
    'kimbia-ops undo 20261122T180000Z-7f3a --reason "wrong list, ticket 44"',
  ],
  risk: 'disruptive',
  input: {
    operation: argument(operationId, 'id of the run, or the last four characters of it'),
    reason: option(
      reason,
      'kept in the trail, and as the takedown ref on the PDS; without it, that this is an undo',
    ),
  },
  output: statusColumns,
  plan: ({ operation, reason }, views) => planUndo(operation, reason, views),
})

async function planUndo(typed: string, why: string | undefined, views: Views): Promise<PdsPlan<Row>> {
  const trail = await readChanges(views.host)
  const run = trail.filter((change) => isOperation(change.operation, typed))
  const [first] = run
  if (!first) throw await notFound(typed, trail, views)
  const operation = String(first.operation)
  refuseSeveral(typed, run)
  const changes = run.filter(({ did, status }) => did !== null && status !== null)
  if (changes.length === 0) throw irreversible(operation, run)
  const made = new Map(changes.filter(mayHaveHappened).map((change) => [String(change.did), change]))
  if (made.size === 0)
    views.say(`note: ${operation} changed nothing: see kimbia-ops trail --operation ${operation}`)
  const goal = changes[0]?.status?.to === 'takendown' ? restore : takeDown
  const latest = latestChanges(trail)
  const reason = why ?? `undo of ${operation}`
  const refs = [...made.keys()].map((did) => ({ kind: 'did', did, text: did }) as const)
  const { accounts, missing } = await findAccounts(views.pds, refs, finding(views))
  const judged = await inParallel(accounts, WIDTH, async (account) => {
    const change = made.get(account.did) as Change
    return {
      account,
      verdict: await judge({ account, change, last: latest.get(account.did), goal }, views.pds),
    }
  })
  const items = judged.flatMap(({ account, verdict }) =>
    verdict.kind === 'refused' ? [] : [statusItem(account, reason, goal)],
  )
  sayLeftAlone(judged, views)
  const words = wordsOf(items, goal)
  return {
    ...words,
    title: `${words.title}, as before operation ${operation}`,
    reason,
    found: [
      `to be undone: “${first.command}” of ${first.operator}, ${first.time}${first.reason === null ? '' : `: ${first.reason}`}`,
    ],
    warnings: unreadable(trail),
    items,
    refused: [
      ...judged.flatMap(({ account, verdict }) =>
        verdict.kind === 'refused'
          ? [{ subject: named(account), code: 'changed-since', message: verdict.why }]
          : [],
      ),
      ...missing.map(({ ref }) => ({
        subject: ref.text,
        code: 'account-not-found',
        message: 'it is no longer on this PDS',
      })),
    ],
  }
}

/** The newest change of each account's status. */
const latestChanges = (trail: readonly Change[]): ReadonlyMap<string, Change> =>
  new Map(
    trail.flatMap((change) => {
      const found = statusChangeOf(change)
      return found ? [[found.did, change]] : []
    }),
  )

/** How many accounts are named that are left alone for one and the same cause. */
const most = 20

function sayLeftAlone(
  judged: readonly { readonly account: Account; readonly verdict: Verdict }[],
  { say }: Views,
): void {
  const causes = new Map<string, string[]>()
  for (const { account, verdict } of judged)
    if (verdict.kind === 'already')
      causes.set(verdict.why, [...(causes.get(verdict.why) ?? []), named(account)])
  for (const [why, names] of causes) {
    const more = names.length > most ? `, and ${names.length - most} more` : ''
    say(`note: left alone, as ${why}: ${names.slice(0, most).join(', ')}${more}`)
  }
}

/** Lines of the trail that nobody can read may be of the run, or of what came after it. */
function unreadable(trail: readonly Change[]): readonly string[] {
  const lines = trail.filter(({ outcome }) => outcome === 'unreadable').length
  return lines === 0
    ? []
    : [`${showCount(lines, 'line')} of the trail cannot be read; what they tell is not considered`]
}

function refuseSeveral(typed: string, run: readonly Change[]): void {
  const ids = [...new Set(run.map((change) => String(change.operation)))]
  if (ids.length > 1)
    throw failed('operation-ambiguous', `${typed} may be any of ${ids.join(', ')}`, 'give the whole id')
}

async function notFound(operation: string, trail: readonly Change[], { host }: Views): Promise<Failure> {
  const older = trail.filter((change) => change.operation === null && change.outcome !== 'unreadable').length
  const olden =
    older === 0
      ? ''
      : `; ${showCount(older, 'change')} of versions before such ids cannot be undone by one: see kimbia-ops trail, then name the accounts to kimbia-ops account restore`
  return failed(
    'operation-not-found',
    `no run ${operation} stands in the trail of ${await host.where()}`,
    `kimbia-ops trail --since 7d shows the ids of runs, and -H another host${olden}`,
  )
}

/** A run that changed something else than the status of accounts, or whose lines do not tell enough. */
function irreversible(operation: string, run: readonly Change[]): Failure {
  const [first] = run as readonly [Change, ...Change[]]
  const subjects = run
    .map(({ subject }) => subject)
    .slice(0, 3)
    .join(', ')
  const more = run.length > 3 ? ` and ${run.length - 3} more` : ''
  return failed(
    'not-reversible',
    `${operation} is “${first.command}” of ${subjects}${more}, which the trail does not tell enough of to reverse it`,
    wayBackOf(first),
  )
}
