import { Failure, usage } from '../../base/failure.ts'
import { parseEnvFile } from '../../host/env/parse.ts'
import { type AccountMatch, globMatch, regexMatch } from '../../pds/accounts/account-match.ts'
import type { Unreadable } from '../../pds/accounts/account-views.ts'
import type { Account } from '../../pds/accounts/accounts.ts'
import { detail } from '../../runner/command/columns.ts'
import { query } from '../../runner/command/command.ts'
import { flag, option } from '../../runner/command/parameters.ts'
import { time, timeForms } from '../../runner/command/time.ts'
import { integer, optional, type Type, text } from '../../runner/command/types.ts'
import type { Views } from '../../runner/command/views.ts'
import { showCount } from '../../runner/output/report.ts'
import { candidates, someUnreadable } from './candidates.ts'
import { accountColumns, status } from './shared.ts'

/** What an account must be like, as it is typed. */
interface Pattern {
  readonly text: string
  readonly fits: AccountMatch
}

const patternType = (name: string, parse: (text: string) => AccountMatch): Type<Pattern> => ({
  name,
  schema: { type: 'string' },
  parse: (text) => ({ text, fits: parse(text) }),
  show: ({ text }) => text,
  json: ({ text }) => text,
})

const pattern = patternType('text', globMatch)
const regex = patternType('regex', regexMatch)

/** A filter of which the use is to tell some accounts from others; `all` is what they are where it tells none. */
interface Filter {
  readonly flag: string
  readonly fits: (account: Account) => boolean
  readonly all: string
}

/** Every account of the PDS, oldest first, streamed page by page. */
export default query({
  name: 'account list',
  summary: 'List accounts with email and status, oldest first',
  about:
    'The patterns look at handle and address, in any case, and at the DID only where they begin with did:. For a whole handle, DID or address that an account has, that one alone is asked for. A filter that all accounts pass is named on standard error, as it tells none from another: where a PDS sends no mail, for one, nobody is ever confirmed.',
  examples: [
    'kimbia-ops account list',
    'kimbia-ops account list --since 24h --unconfirmed',
    'kimbia-ops account list --status takendown --json | jq -r .did',
    'kimbia-ops account list --newest 20',
    'kimbia-ops account list --invite kimbia-social-abcde-fghij',
    "kimbia-ops account list --match '*@mailinator.com'",
    "kimbia-ops account list --match 'bot[0-9]' --not-match '*@example.org'",
    "kimbia-ops account list --regex '^[a-z]+[0-9]{7}\\.'",
  ],
  input: {
    status: option(status, 'only accounts of this status'),
    since: option(time(), `only accounts made at or after: ${timeForms}`),
    until: option(time(), 'only accounts made before'),
    match: option(
      pattern,
      'only where handle or address holds this; with * and ? for anything the whole must match, [0-9] is one of a class',
    ),
    regex: option(regex, 'only where this regular expression is found in handle or address'),
    notMatch: option(pattern, 'only where neither handle nor address holds this; written as for --match'),
    invite: option(text, 'only accounts that signed up with this invite code'),
    unconfirmed: flag('only accounts whose email was never confirmed'),
    newest: option(integer(1), 'so many of the newest, the newest first'),
    limit: option(integer(1), 'stop after this many'),
  },
  output: { ...accountColumns, inviteCode: detail(optional(text), 'invite code it was made with') },
  result: 'many',
  counted: 'account',
  async *read(input, views) {
    const { status, since, until, match, newest } = input
    const limit = Math.min(input.limit ?? Number.POSITIVE_INFINITY, newest ?? Number.POSITIVE_INFINITY)
    const order = newest === undefined ? 'oldest first' : 'newest first'
    if (since && until && since >= until) throw usage('--since is not before --until')
    const filters = filtersOf(input)
    const passed = filters.map(() => 0)
    let [read, seen, listed] = [0, 0, 0]
    const unreadable: Unreadable = new Map()
    for await (const account of candidates({ ...input, match: match?.text, order }, unreadable, views)) {
      if (++read % 100 === 0) views.progress(`reading accounts: ${read.toLocaleString('en-US')}`)
      if (status !== undefined && account.status !== status) continue
      seen++
      const fits = filters.map((filter) => filter.fits(account))
      for (const [index, fit] of fits.entries()) if (fit) passed[index] = (passed[index] ?? 0) + 1
      if (fits.includes(false)) continue
      yield account
      if (++listed >= limit) break
    }
    for (const [index, filter] of filters.entries())
      if (seen > 1 && passed[index] === seen) views.say(await separatesNone(filter, seen, views))
    if (unreadable.size > 0) throw someUnreadable(unreadable, listed)
  },
})

interface Wanted {
  readonly match: Pattern | undefined
  readonly regex: Pattern | undefined
  readonly notMatch: Pattern | undefined
  readonly unconfirmed: boolean
}

function filtersOf({ match, regex, notMatch, unconfirmed }: Wanted): readonly Filter[] {
  const unconfirmedOnly = {
    flag: '--unconfirmed',
    fits: ({ emailConfirmedAt }: Account) => emailConfirmedAt === null,
    all: 'are unconfirmed',
  }
  return [
    ...(unconfirmed ? [unconfirmedOnly] : []),
    ...(match ? [{ flag: '--match', fits: match.fits, all: `match “${match.text}”` }] : []),
    ...(regex ? [{ flag: '--regex', fits: regex.fits, all: `match “${regex.text}”` }] : []),
    ...(notMatch
      ? [
          {
            flag: '--not-match',
            fits: (account: Account) => !notMatch.fits(account),
            all: `do not match “${notMatch.text}”`,
          },
        ]
      : []),
  ]
}

async function separatesNone({ flag, all }: Filter, seen: number, views: Views): Promise<string> {
  const number = seen.toLocaleString('en-US')
  const mail = flag === '--unconfirmed' && !(await sendsMail(views))
  const why = mail ? ': mail is not set up on this PDS, so that nobody can confirm an address' : ''
  return `warning: ${number} of ${showCount(seen, 'account')} ${all}, so ${flag} tells none from another${why}`
}

/** Whether the PDS has somewhere to send mail from; what cannot be read is no reason to say that it has not. */
async function sendsMail({ host }: Views): Promise<boolean> {
  try {
    const env = parseEnvFile((await host.settings()).text.reveal())
    return Boolean(env.get('PDS_EMAIL_SMTP_URL'))
  } catch (cause) {
    if (cause instanceof Failure) return true
    throw cause
  }
}
