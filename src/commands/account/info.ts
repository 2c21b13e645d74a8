import { finding } from '../../moderation/find-options.ts'
import { type AccountDetails, describeAccount } from '../../pds/accounts/describe-account.ts'
import { findAccount } from '../../pds/accounts/find-account.ts'
import { column, detail, table } from '../../runner/command/columns.ts'
import { query } from '../../runner/command/command.ts'
import { argument } from '../../runner/command/parameters.ts'
import {
  account,
  code,
  count,
  moment,
  optional,
  type Shown,
  text,
  yesNo,
} from '../../runner/command/types.ts'
import { accountColumns } from './shared.ts'

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
  summary: 'Show everything about one account',
  about: 'Works for taken-down and deactivated accounts too: their records are read as admin.',
  examples: [
    'kimbia-ops account info alice.kimbia.social',
    'kimbia-ops account info https://bsky.app/profile/alice.kimbia.social',
    'kimbia-ops account info alice@example.com --json',
  ],
  input: { account: argument(account, 'handle, DID, URL or email') },
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
  async read({ account: ref }, views) {
    const { pds, signal } = views
    return toRow(await describeAccount(pds, await findAccount(pds, ref, finding(views)), { signal }))
  },
})
