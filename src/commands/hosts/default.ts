import { saveStep } from '../../plan/steps/save.ts'
import { column } from '../../runner/command/columns.ts'
import { procedure } from '../../runner/command/command.ts'
import { hostName } from '../../runner/command/host-types.ts'
import { argument } from '../../runner/command/parameters.ts'
import { optional, text } from '../../runner/command/types.ts'
import { configured } from './shared.ts'

/** Changes one line of the config; nothing is contacted. */
export default procedure({
  name: 'hosts default',
  summary: 'Choose the host that is meant when none is named',
  examples: ['kimbia-ops hosts default kimbia'],
  risk: 'routine',
  on: 'machine',
  input: { name: argument(hostName, 'its name in the config') },
  output: {
    name: column(text, 'the host that is meant from now on'),
    was: column(optional(text), 'the one that was meant before'),
    file: column(text, 'the config file'),
  },
  async plan({ name }, views) {
    const config = await views.config()
    configured(config, name)
    // It loads the YAML library.
    const { withDefault } = await import('../../config/parse.ts')
    const content = withDefault(await views.reader.text(config.file), name)
    return {
      on: 'machine',
      title: `make ${name} the default host in ${config.file}`,
      confirm: name,
      items: [
        {
          subject: name,
          steps: config.default === name ? [] : [saveStep(`Make ${name} the default`, config.file, content)],
          rows: [{ name, was: config.default ?? null, file: config.file }],
        },
      ],
    }
  },
})
