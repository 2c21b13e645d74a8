import { readSetting } from '../../host/compose/service-env.ts'
import { column } from '../../runner/command/columns.ts'
import { query } from '../../runner/command/command.ts'
import { optional, text, yesNo } from '../../runner/command/types.ts'
import { closes, door } from './shared.ts'

/** What the PDS says to everybody who asks, beside what is written in pds.env. */
export default query({
  name: 'signup status',
  summary: 'Tell whether anybody may sign up without an invite code',
  examples: [
    'kimbia-ops signup status',
    'kimbia-ops signup status --json | jq -e .open',
    'kimbia-ops signup status --json | jq -e .applied',
  ],
  input: {},
  output: {
    open: column(yesNo, 'whether anybody may sign up without an invite code'),
    inviteCodeRequired: column(yesNo, 'what the PDS says to everybody who asks'),
    setting: column(optional(text), `${door} in pds.env; null where it is not set, which means required`),
    applied: column(yesNo, 'whether the PDS does what pds.env says'),
  },
  result: 'one',
  async read(_input, { host, pds }) {
    const [settings, { inviteCodeRequired }] = await Promise.all([
      host.settings(),
      pds.query('com.atproto.server.describeServer', {}, { as: 'nobody' }),
    ])
    const setting = (await readSetting(host, settings.text.reveal(), door)) ?? null
    const required = inviteCodeRequired === true
    return {
      open: !required,
      inviteCodeRequired: required,
      setting,
      applied: closes(setting ?? undefined) === required,
    }
  },
})
