import { failed, usage } from '../../base/failure.ts'
import { nearest } from '../../base/suggest.ts'
import { readSetting } from '../../host/compose/service-env.ts'
import { holdsSecret } from '../../host/env/mask.ts'
import { parseEnvFile } from '../../host/env/parse.ts'
import { column, detail } from '../../runner/command/columns.ts'
import { query } from '../../runner/command/command.ts'
import { argument, flag } from '../../runner/command/parameters.ts'
import { count, text } from '../../runner/command/types.ts'
import { settingName } from './words.ts'

/** One value, and nothing else in a pipe. */
export default query({
  name: 'env get',
  summary: 'Print a setting of pds.env, as compose reads it',
  examples: [
    'kimbia-ops env get PDS_HOSTNAME',
    'kimbia-ops env get PDS_INVITE_REQUIRED --json | jq -r .value',
    'kimbia-ops env get PDS_ADMIN_PASSWORD --reveal',
  ],
  input: {
    key: argument(settingName, 'name of the setting'),
    reveal: flag('print it even if it is a secret'),
  },
  output: {
    value: column(text, 'as compose reads it'),
    key: detail(text, 'name of the setting'),
    line: detail(count, 'where it stands in the file'),
  },
  result: 'many',
  async *read({ key, reveal }, { host }) {
    const file = (await host.pdsEnv()).reveal()
    const env = parseEnvFile(file)
    const entry = env.entries.findLast((it) => it.key === key)
    if (entry === undefined) {
      const meant = nearest(
        key,
        env.entries.map((it) => it.key),
      )
      throw failed(
        'setting-not-found',
        `${await host.where()}: pds.env does not set ${key}`,
        meant ? `did you mean ${meant}?` : 'see: kimbia-ops env list',
      )
    }
    const value = (await readSetting(host, file, key)) ?? ''
    if (!reveal && holdsSecret(key, value))
      throw usage(`${key} holds a secret`, 'add --reveal to print it', 'secret')
    yield { value, key, line: entry.line }
  },
})
