import { procedure } from '../../runner/command/command.ts'
import { applyBadEdits, option } from '../../runner/command/parameters.ts'
import { reason } from '../../runner/command/types.ts'
import { doorColumns, planSignups } from './shared.ts'

/** Open signups are a decision, so what they have led to is said before. */
export default procedure({
  name: 'signup open',
  summary: 'Let everybody sign up, without an invite code',
  about:
    'Sets PDS_INVITE_REQUIRED=false, recreates the container, and reads back from the PDS that it asks for no code. Bots look for such hosts: see `kimbia-ops signup close`.',
  examples: [
    'kimbia-ops signup open',
    'kimbia-ops signup open --reason "the wave is over" --yes',
    'kimbia-ops signup open --dry-run',
  ],
  risk: 'disruptive',
  on: 'host',
  input: { reason: option(reason, 'kept in the trail'), force: applyBadEdits },
  output: doorColumns,
  plan: ({ reason, force }, views) =>
    planSignups(
      {
        to: 'open',
        reason,
        force,
        warnings: [
          'bots look for hosts without invites: kimbia.social got about 730 bot accounts within two months; they used up what the relay allows a host, deleting them did not give it back, and posts of real people reached nobody',
        ],
        afterwards: [
          'look every day at who comes in: kimbia-ops account list --since 24h',
          'to close again: kimbia-ops signup close --yes',
        ],
      },
      views,
    ),
})
