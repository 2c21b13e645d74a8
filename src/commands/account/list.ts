import { usage } from '../../failure.ts'
import { type Account, listAccounts } from '../../pds/accounts.ts'
import { flag, option, query } from '../../runner/command.ts'
import { integer, text, time } from '../../runner/type.ts'
import { accountColumns, status } from './shared.ts'

/** Whether a handle, email or DID holds the text; with `*` or `?` the whole of it must match. */
export function matcher(pattern: string): (account: Pick<Account, 'handle' | 'email' | 'did'>) => boolean {
  const wanted = pattern.toLowerCase()
  const glob = /[*?]/.test(wanted)
    ? new RegExp(
        `^${wanted
          .replace(/[.+^${}()|[\]\\]/g, '\\$&')
          .replaceAll('*', '.*')
          .replaceAll('?', '.')}$`,
      )
    : undefined
  const fits = (value: string): boolean =>
    glob ? glob.test(value.toLowerCase()) : value.toLowerCase().includes(wanted)
  return ({ handle, email, did }) => fits(handle) || fits(did) || (email !== null && fits(email))
}

/** Every account of the PDS, oldest first, streamed page by page. */
export default query({
  name: 'account list',
  summary: 'List accounts with email and status, oldest first',
  examples: [
    'kimbia-ops account list',
    'kimbia-ops account list --since 24h --unconfirmed',
    'kimbia-ops account list --status takendown --json | jq -r .did',
    "kimbia-ops account list --match '*@mailinator.com'",
  ],
  input: {
    status: option(status, 'only accounts of this status'),
    since: option(time(), 'only accounts made at or after'),
    until: option(time(), 'only accounts made before'),
    match: option(text, 'only where handle, email or DID holds this; * and ? stand for anything'),
    unconfirmed: flag('only accounts whose email was never confirmed'),
    limit: option(integer(1), 'stop after this many'),
  },
  output: accountColumns,
  result: 'many',
  counted: 'account',
  async *read(
    { status, since, until, match, unconfirmed, limit = Number.POSITIVE_INFINITY },
    { pds, signal },
  ) {
    if (since && until && since >= until) throw usage('--since is not before --until')
    const matches = match === undefined ? () => true : matcher(match)
    let listed = 0
    for await (const account of listAccounts(pds, { since, until, signal })) {
      if (status !== undefined && account.status !== status) continue
      if (unconfirmed && account.emailConfirmedAt !== null) continue
      if (!matches(account)) continue
      yield account
      if (++listed >= limit) return
    }
  },
})
