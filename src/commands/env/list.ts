import { Failure } from '../../base/failure.ts'
import { tryServiceEnv } from '../../host/compose/service-env.ts'
import { knownSetting } from '../../host/env/known-settings.ts'
import { masked } from '../../host/env/mask.ts'
import { parseEnvFile } from '../../host/env/parse.ts'
import { column } from '../../runner/command/columns.ts'
import { query } from '../../runner/command/command.ts'
import { flag } from '../../runner/command/parameters.ts'
import { count, text } from '../../runner/command/types.ts'

/** The settings as compose reads them, in the order of the file. */
export default query({
  name: 'env list',
  summary: 'List the settings in pds.env, with secrets masked',
  examples: [
    'kimbia-ops env list',
    'kimbia-ops env list --json | jq -r .key',
    'kimbia-ops env list | grep SMTP',
  ],
  input: { reveal: flag('show secrets, too') },
  output: {
    key: column(text, 'name of the setting'),
    value: column(text, 'as compose reads it; ‹secret› in place of one'),
    line: column(count, 'where it stands in the file'),
    note: column(text, 'what it is for, and whether a line below replaces it'),
  },
  result: 'many',
  counted: 'setting',
  async *read({ reveal }, { host }) {
    const file = (await host.pdsEnv()).reveal()
    const { entries } = parseEnvFile(file)
    const composed = entries.some(({ interpolated }) => interpolated)
      ? await tryServiceEnv(host, file)
      : undefined
    const resolve = (key: string): string | undefined =>
      composed === undefined || composed instanceof Failure || composed.refused !== undefined
        ? undefined
        : composed.get(key)
    for (const entry of entries) {
      const { key, line } = entry
      const resolved = entry.interpolated ? resolve(key) : entry.value
      const value = resolved ?? entry.value
      const last = entries.findLast((it) => it.key === key)
      const about = knownSetting(key)?.[1] ?? 'not known to the PDS'
      const known =
        resolved === undefined ? `${about}; made from variables that compose does not tell` : about
      const note = last === entry ? known : `does not count: set again on line ${last?.line}`
      yield { key, value: reveal ? value : masked(key, value), line, note }
    }
  },
})
