import { restore } from '../../moderation/status-goal.ts'
import { procedure } from '../../runner/command/command.ts'
import { option } from '../../runner/command/parameters.ts'
import { reason } from '../../runner/command/types.ts'
import { planStatus, statusColumns, targetOptions } from './status-plan.ts'

/** Restoring undoes a takedown; an account that is not taken down yields no steps. */
export default procedure({
  name: 'account restore',
  summary: 'Serve taken-down accounts again',
  about:
    'Undoes `account takedown`. The account holder must log in again: a takedown in either direction ends all sessions. To take back one run as a whole, and nothing since: `undo`. An account of --from that was restored and taken down again since the file was last written is left out and named, unless with --again.',
  examples: [
    'kimbia-ops account restore alice.kimbia.social --reason "appeal, ticket 43"',
    'kimbia-ops account restore --from wrongly-taken.txt --yes',
  ],
  risk: 'disruptive',
  input: {
    ...targetOptions,
    reason: option(reason, 'kept in the trail'),
  },
  output: statusColumns,
  plan: (input, views) => planStatus(input, views, restore),
})
