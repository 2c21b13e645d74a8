import { usage } from '../../base/failure.ts'
import { note } from '../../plan/steps/note.ts'
import { column } from '../../runner/command/columns.ts'
import { procedure } from '../../runner/command/command.ts'
import { flag, option } from '../../runner/command/parameters.ts'
import { password, reason } from '../../runner/command/types.ts'

/** It changes nothing, and is a procedure all the same: who looked at the password stands in the trail first. */
export default procedure({
  name: 'admin-password show',
  summary: 'Show the admin password, and write to the trail that it was',
  about:
    'To a terminal; anywhere else with --print alone. It is that of pds.env; whether the running PDS takes it, admin-password status tells.',
  examples: [
    'kimbia-ops admin-password show',
    'kimbia-ops admin-password show --print --json --reason "escrow, ticket 7" | jq -r .password',
  ],
  risk: 'routine',
  prints: 'secret',
  input: {
    print: flag('print it even where standard output is no terminal'),
    reason: option(reason, 'kept in the trail'),
  },
  output: { password: column(password, 'the one that pds.env holds') },
  async plan({ print, reason: why }, { host, result }) {
    if (result === 'elsewhere' && !print)
      throw usage(
        'standard output is no terminal: the password would go where nobody sees it, or where it stays',
        'if that is what you want: --print',
        'not-a-terminal',
      )
    const { name, dir } = await host.config()
    const { adminPassword } = await host.settings()
    const where = print ? 'in the output' : 'on a terminal'
    const step = note('Show the admin password', `show the admin password of ${dir}/pds.env ${where}`)
    const subject = `the admin password of ${name}`
    return {
      title: `show ${subject}`,
      confirm: name,
      reason: why,
      items: [{ subject, steps: [step], rows: [{ password: adminPassword }] }],
    }
  },
})
