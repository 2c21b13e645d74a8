import { procedure } from '../../runner/command/command.ts'
import { applyBadEdits, option } from '../../runner/command/parameters.ts'
import { reason } from '../../runner/command/types.ts'
import { countCodes, doorColumns, planSignups } from './shared.ts'

/** For the night of a spam wave: the least work that closes the door, and proof that it is closed. */
export default procedure({
  name: 'signup close',
  summary: 'Require an invite code to sign up',
  about:
    'Sets PDS_INVITE_REQUIRED=true, recreates the container, and reads back from the PDS that it asks for a code. The OAuth signup page follows. Works when the PDS is down, and runs the image that runs now: a compose file that names another one is set back.',
  examples: [
    'kimbia-ops signup close --yes',
    'kimbia-ops signup close --reason "spam wave" --yes',
    'kimbia-ops signup close --dry-run',
  ],
  risk: 'disruptive',
  on: 'host',
  input: { reason: option(reason, 'kept in the trail'), force: applyBadEdits },
  output: doorColumns,
  plan: ({ reason, force }, views) =>
    planSignups(
      {
        to: 'closed',
        reason,
        force,
        warnings: [
          'if the PDS does not come up healthy, pds.env is put back as it was: signups are then OPEN again',
        ],
        afterwards: [() => countCodes(views), 'who has come in lately: kimbia-ops account list --since 24h'],
      },
      views,
    ),
})
