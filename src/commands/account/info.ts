import { attempt } from '../../base/attempt.ts'
import { mapOrdered } from '../../base/concurrency.ts'
import { Failure } from '../../base/failure.ts'
import { type Account, named } from '../../pds/accounts/accounts.ts'
import { type AccountDetails, describeAccount } from '../../pds/accounts/describe-account.ts'
import { notFound } from '../../pds/accounts/missing.ts'
import { column, detail, table } from '../../runner/command/columns.ts'
import { query } from '../../runner/command/command.ts'
import { manyArguments, option } from '../../runner/command/parameters.ts'
import {
  account,
  code,
  count,
  moment,
  optional,
  path,
  type Shown,
  text,
  yesNo,
} from '../../runner/command/types.ts'
import { showCount } from '../../runner/output/report.ts'
import { accountColumns } from './shared.ts'
import { findTargets } from './targets.ts'

const collections = table(
  { collection: column(text, 'NSID of the collection'), records: column(count, 'how many') },
  'records of each collection',
)

const latest = table(
  {
    createdAt: column(optional(moment), 'time in the record, or of its key'),
    collection: column(text, 'NSID of the collection'),
    text: column(optional(text), 'its words, where it has any'),
    uri: column(text, 'at:// URI'),
  },
  'the latest records, newest first',
)

/** A person sees how many they are: one of them alone is half a line. */
const dids: Shown<string> = { ...text, show: (value) => String(value.split(' ').filter(Boolean).length) }

const invites = table(
  {
    code: column(code, 'the code'),
    uses: column(count, 'how often it may be used in all'),
    available: column(count, 'uses left'),
    disabled: column(yesNo, 'whether it was disabled'),
    usedBy: column(dids, 'DIDs of the accounts made with it, separated by spaces'),
  },
  'the codes it may give out itself',
)

/** One flat row of what the PDS tells about an account. */
function toRow({ invite, invites, repo, blobs, ...account }: AccountDetails) {
  const readable = repo.unreadable === null
  return {
    ...account,
    inviteCode: invite?.code ?? null,
    rev: repo.rev,
    head: repo.head,
    records: readable ? repo.records : null,
    blobs,
    repoUnreadable: repo.unreadable,
    collections: Object.entries(readable ? repo.collections : {}).map(([collection, records]) => ({
      collection,
      records,
    })),
    latest: readable ? repo.latest : [],
    invites: invites.map(({ usedBy, ...invite }) => ({
      ...invite,
      usedBy: usedBy.map(({ did }) => did).join(' '),
    })),
  }
}

/** Everything that an on-call person needs to judge an account. */
export default query({
  name: 'account info',
  summary: 'Show everything about accounts',
  about:
    'Works for taken-down and deactivated accounts too: their records are read as admin. Several accounts are read side by side over one connection; with --json each is an object in a line of its own, in the order they were named. One that is not there costs itself alone.',
  examples: [
    'kimbia-ops account info alice.kimbia.social',
    'kimbia-ops account info https://bsky.app/profile/alice.kimbia.social',
    'kimbia-ops account info alice@example.com --json',
    'kimbia-ops account info --from newcomers.jsonl --json | jq -c "{handle, records}"',
  ],
  input: {
    accounts: manyArguments(account, 'handle, DID, URL or email'),
    from: option(path, 'accounts from a file, one a line; - is standard input'),
  },
  output: {
    ...accountColumns,
    takedownRef: column(optional(text), 'reason or time kept with the takedown', { label: 'takedown note' }),
    deactivatedAt: column(optional(moment), 'when the holder deactivated it'),
    inviteCode: column(optional(text), 'invite code it was made with'),
    invitesDisabled: column(yesNo, 'whether it may not invite'),
    rev: column(optional(text), 'revision of the repo'),
    head: detail(optional(text), 'CID of the latest commit'),
    records: column(optional(count), 'records in the repo'),
    blobs: column(optional(count), 'blobs that its records name'),
    repoUnreadable: column(optional(text), 'why the repo could not be read, when it could not'),
    collections,
    latest,
    invites,
  },
  result: 'one',
  async *read({ accounts: words, from }, views) {
    const { pds, signal } = views
    const asked =
      words.length > 0 || from !== undefined
        ? words
        : [account.parse(await views.askFor('handle, DID, URL or email', '<account>'))]
    const { accounts, missing } = await findTargets({ accounts: asked, from, except: undefined }, views)
    const [only] = missing
    if (only && accounts.length === 0 && missing.length === 1) throw notFound(only)
    const missed: Missed[] = missing.map((it) => ({
      subject: it.ref.text,
      failure: notFound(it),
    }))
    const described = mapOrdered(each(accounts), sideBySide, (one) =>
      attempt(async () => toRow(await describeAccount(pds, one, { signal }))),
    )
    let at = 0
    let shown = 0
    for await (const row of described) {
      const subject = named(accounts[at++] as Account)
      if (!(row instanceof Failure)) {
        shown++
        yield row
      } else if (accounts.length + missed.length === 1) throw row
      else missed.push({ subject, failure: row })
    }
    if (missed.length > 0) throw someMissing(missed, shown)
  },
})

/** How many accounts are described at once: each takes five requests and up to 8 MB. */
const sideBySide = 8

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

/** An account that could not be shown. */
interface Missed {
  readonly subject: string
  readonly failure: Failure
}

/** The failure that names those which could not be shown; the others were. */
function someMissing(missed: readonly Missed[], shown: number): Failure {
  const failed = missed.map(({ subject, failure: { code, message } }) => ({ subject, code, message }))
  const message = [
    `${showCount(shown, 'account')} shown, ${failed.length} not`,
    ...failed.map(({ subject, message }) => `failed: ${subject}: ${message}`),
  ].join('\n')
  const [first] = missed
  const outcome = shown === 0 ? 'failed' : 'partial'
  const code = shown === 0 ? (first?.failure.code ?? 'failed') : 'partial'
  return new Failure({ outcome, code, message, hint: first?.failure.hint, details: { failed } })
}
