import { usage } from '../../base/failure.ts'
import { nearest } from '../../base/suggest.ts'
import { parseEnvFile } from '../../host/env/parse.ts'
import { procedure } from '../../runner/command/command.ts'
import { manyArguments } from '../../runner/command/parameters.ts'
import { editColumns, editOptions, planEdit } from './shared.ts'
import { settingName } from './words.ts'

/** Every line of a setting is taken out, so that the default of the PDS holds again. */
export default procedure({
  name: 'env unset',
  summary: 'Take settings out of pds.env, and apply it',
  about: 'The default of the PDS holds again. Applied and put back as by env set.',
  examples: [
    'kimbia-ops env unset PDS_LOGO_URL',
    'kimbia-ops env unset LOG_LEVEL LOG_SYSTEMS --yes',
    'kimbia-ops env unset PDS_RATE_LIMIT_BYPASS_IPS --dry-run',
  ],
  risk: 'disruptive',
  on: 'host',
  input: { keys: manyArguments(settingName, 'names of settings'), ...editOptions },
  output: editColumns,
  async plan({ keys, ...rest }, views) {
    if (keys.length === 0) throw usage('no setting was named', 'see: kimbia-ops env list')
    const env = parseEnvFile((await views.host.pdsEnv()).reveal())
    for (const key of keys) {
      if (env.get(key) !== undefined) continue
      const meant = nearest(
        key,
        env.entries.map((entry) => entry.key),
      )
      views.say(`note: ${key} is not in pds.env${meant ? `; did you mean ${meant}?` : ''}`)
    }
    const changes = new Map(keys.map((key) => [key, undefined]))
    return await planEdit({ verb: 'unset', changes, quoting: 'none', ...rest }, views)
  },
})
