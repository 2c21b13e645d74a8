import type { HostView } from '../host/access/host.ts'
import {
  type Change,
  joinBackwards,
  joinChanges,
  readTrail,
  readTrailBackwards,
} from '../host/trail/history.ts'
import { column, detail } from '../runner/command/columns.ts'
import { query } from '../runner/command/command.ts'
import { flag, option } from '../runner/command/parameters.ts'
import { time, timeForms } from '../runner/command/time.ts'
import { did, integer, moment, optional, type Type, text } from '../runner/command/types.ts'
import { isOperation } from '../runner/invoke/operation.ts'

/** In a table by its last four characters, which tell the runs of a screen apart, and which `undo` takes. */
const operationId: Type<string> = { ...text, name: 'operation', show: (id) => id.slice(-4) }

/** In a table without the user on the host, who is the same in most rows. */
const operatorName: Type<string> = { ...text, piped: 'json', show: (name) => name.replace(/ as .*/, '') }

/** What is short, and of use only whole. */
const { mayBeCut: _, ...word } = text

/** In a table without the DID, which the handle before it stands for. */
const subjectName: Type<string> = {
  ...text,
  piped: 'json',
  show: (name) => name.replace(/ \(did:[^)]*\)/, ''),
}

interface Wanted {
  readonly command: string | undefined
  readonly reason: string | undefined
  readonly since: Date | undefined
  readonly until: Date | undefined
  readonly subject: string | undefined
  readonly operation: string | undefined
}

/** One row per change, newest last: the intent and how it came out. */
export default query({
  name: 'trail',
  summary: 'Show who changed what on this host',
  about:
    'The trail is kept on the host itself, in kimbia-ops/trail.jsonl beside pds.env, so that all operators see the same one. All changes of one run have its id: `undo` takes it. A change whose outcome was never written is “unknown”: it was cut off, so look at what it left behind.',
  examples: [
    'kimbia-ops trail --since 7d',
    'kimbia-ops trail --subject alice.kimbia.social',
    'kimbia-ops trail --command "account takedown" --reason "ticket 42"',
    'kimbia-ops trail --operation 20261122T180000Z-7f3a',
    'kimbia-ops trail --limit 20 --json',
  ],
  input: {
    since: option(time(), `only changes begun at or after: ${timeForms}`),
    until: option(time(), 'only changes begun before'),
    subject: option(text, 'only changes whose subject or DID contains this'),
    command: option(text, 'only this command: account takedown, or the first word of it'),
    reason: option(text, 'only changes whose reason contains this'),
    operation: option(
      operationId,
      'only the changes of this run, by its id or the last four characters of it',
    ),
    limit: option(integer(1), 'only the newest of them'),
    each: flag('on a screen, too, a row for each change instead of one for each run'),
  },
  output: {
    time: column(optional(moment), 'when it was begun'),
    operator: column(optional(operatorName), 'local user and machine, and the user on the host'),
    command: column(optional(word), 'what was run'),
    subject: column(optional(subjectName), 'whom or what it changed'),
    did: detail(optional(did), 'permanent identifier of the account'),
    reason: column(optional(text), 'why, as the operator said', { spare: true }),
    outcome: column(word, 'ok, how it failed, unknown when it was cut off, or unreadable'),
    message: column(optional(text), 'which invite codes it made, or more about how it failed', {
      spare: true,
    }),
    operation: column(
      optional(operationId),
      'id of the run, for undo; a table shows the end of it; null in lines without',
    ),
  },
  result: 'many',
  counted: 'change',
  async *read({ since, until, subject, command, reason, operation, limit, each }, { host, result }) {
    const lower = (word: string | undefined) => word?.toLowerCase()
    const wanted = {
      since,
      until,
      subject: lower(subject),
      command: lower(command),
      reason: lower(reason),
      operation,
    }
    const found = limit === undefined ? await all(host, wanted) : await newest(host, wanted, limit)
    yield* result === 'screen' && !each ? byRun(found) : found
  },
})

const all = async (host: HostView, wanted: Wanted): Promise<Change[]> =>
  (await joinChanges(readTrail(host))).filter((change) => isWanted(change, wanted))

/** Reads the trail from its end until enough is found. */
async function newest(host: HostView, wanted: Wanted, limit: number): Promise<Change[]> {
  const found: Change[] = []
  for await (const change of joinBackwards(readTrailBackwards(host))) {
    if (isWanted(change, wanted)) found.push(change)
    if (found.length === limit) break
  }
  return found.reverse()
}

/** One row for what a run did to many in the same way, with how many they are. */
function byRun(changes: readonly Change[]): readonly Change[] {
  const runs = new Map<string, { readonly first: Change; more: number }>()
  for (const change of changes) {
    const { operation, command, outcome, message } = change
    const run = JSON.stringify([operation ?? runs.size, command, outcome, message])
    const known = runs.get(run)
    if (known) known.more++
    else runs.set(run, { first: change, more: 0 })
  }
  return [...runs.values()].map(({ first, more }) =>
    more === 0 ? first : { ...first, subject: `${first.subject} and ${more.toLocaleString('en-US')} more` },
  )
}

function isWanted(change: Change, wanted: Wanted): boolean {
  const { time: begun, subject, did: account, operation, command, reason } = change
  if (wanted.command !== undefined && !`${command} `.startsWith(`${wanted.command} `)) return false
  if (wanted.reason !== undefined && !reason?.toLowerCase().includes(wanted.reason)) return false
  const at = begun === null ? undefined : Date.parse(begun)
  if (wanted.since && !(at !== undefined && at >= wanted.since.getTime())) return false
  if (wanted.until && !(at !== undefined && at < wanted.until.getTime())) return false
  if (wanted.operation !== undefined && !isOperation(operation, wanted.operation)) return false
  const named = wanted.subject
  return named === undefined || [subject, account].some((name) => name?.toLowerCase().includes(named))
}
