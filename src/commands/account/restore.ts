import { manyArguments, option, procedure } from '../../runner/command.ts'
import { path, reason } from '../../runner/type.ts'
import { account, planStatus, statusColumns } from './shared.ts'

/** Restoring undoes a takedown; an account that is not taken down yields no steps. */
export default procedure({
  name: 'account restore',
  summary: 'Serve taken-down accounts again',
  about:
    'Undoes `account takedown`. The account holder must log in again: a takedown in either direction ends all sessions.',
  examples: [
    'kimbia-ops account restore alice.kimbia.social --reason "appeal, ticket 43"',
    'kimbia-ops account restore --from wrongly-taken.txt --yes',
  ],
  risk: 'disruptive',
  input: {
    accounts: manyArguments(account, 'handle, DID, URL or email'),
    from: option(path, 'accounts from a file, one a line; - is standard input'),
    reason: option(reason, 'kept in the trail'),
  },
  output: statusColumns,
  plan: (input, views) =>
    planStatus(input, views, { verb: 'restore', to: 'active', already: (status) => status !== 'takendown' }),
})
