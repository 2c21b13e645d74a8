import { manyArguments, option, procedure } from '../../runner/command.ts'
import { path, reason } from '../../runner/type.ts'
import { account, planStatus, statusColumns } from './shared.ts'

/** Taking down is reversible and idempotent: an account already down yields no steps. */
export default procedure({
  name: 'account takedown',
  summary: 'Stop serving accounts',
  about:
    'Their repos, blobs and profiles are no longer served, their sessions end and they cannot log in. Nothing is deleted: `account restore` brings them back. Many accounts are done side by side; a run that was cut off can be repeated.',
  examples: [
    'kimbia-ops account takedown spammer.kimbia.social --reason "spam wave, ticket 42"',
    'kimbia-ops account list --since 2h --unconfirmed --json > bots.jsonl',
    'kimbia-ops account takedown --from bots.jsonl --dry-run',
    'kimbia-ops account takedown --from bots.jsonl --reason "spam wave" --confirm 312',
  ],
  risk: 'disruptive',
  input: {
    accounts: manyArguments(account, 'handle, DID, URL or email'),
    from: option(path, 'accounts from a file, one a line; - is standard input'),
    reason: option(reason, 'kept in the trail, and as the takedown ref on the PDS'),
  },
  output: statusColumns,
  plan: (input, views) =>
    planStatus(input, views, {
      verb: 'take down',
      to: 'takendown',
      already: (status) => status === 'takendown',
      way: 'kimbia-ops account restore',
    }),
})
