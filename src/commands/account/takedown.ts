import { takeDown } from '../../moderation/status-goal.ts'
import { procedure } from '../../runner/command/command.ts'
import { option } from '../../runner/command/parameters.ts'
import { reason } from '../../runner/command/types.ts'
import { planStatus, statusColumns, targetOptions } from './status-plan.ts'

/** Taking down is reversible and idempotent: an account already down yields no steps. */
export default procedure({
  name: 'account takedown',
  summary: 'Stop serving accounts',
  about:
    'Their repos, blobs and profiles are no longer served, their sessions end and they cannot log in. Nothing is deleted: `account restore` brings them back. Many accounts are done side by side; a run that was cut off can be repeated. An account of --from that was restored since the file was last written is left out and named, unless with --again; `undo` brings back exactly what one run took down.',
  examples: [
    'kimbia-ops account takedown spammer.kimbia.social --reason "spam wave, ticket 42"',
    'kimbia-ops account takedown --from bots.jsonl --except members.txt --dry-run',
    'kimbia-ops account takedown --from bots.jsonl --reason "spam wave" --confirm 312',
  ],
  risk: 'disruptive',
  input: {
    ...targetOptions,
    reason: option(reason, 'kept in the trail, and as the takedown ref on the PDS'),
  },
  output: statusColumns,
  plan: (input, views) => planStatus(input, views, takeDown),
})
