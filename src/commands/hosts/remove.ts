import { saveStep } from '../../plan/steps/save.ts'
import { column } from '../../runner/command/columns.ts'
import { procedure } from '../../runner/command/command.ts'
import { hostName } from '../../runner/command/host-types.ts'
import { argument } from '../../runner/command/parameters.ts'
import { text } from '../../runner/command/types.ts'
import { configured } from './shared.ts'

/** Takes an entry out of the config; nothing is contacted, and the host is left as it is. */
export default procedure({
  name: 'hosts remove',
  summary: 'Remove a host from the config',
  about:
    'Only the entry on this machine is removed; the host itself, and any copy of its admin password, stay.',
  examples: ['kimbia-ops hosts remove staging', 'kimbia-ops hosts remove staging --yes'],
  risk: 'disruptive',
  on: 'machine',
  input: { name: argument(hostName, 'its name in the config') },
  output: {
    name: column(text, 'the host that is not configured any more'),
    ssh: column(text, 'where it connected to'),
    file: column(text, 'the config file'),
  },
  async plan({ name }, views) {
    const config = await views.config()
    const { ssh, adminPassword } = configured(config, name)
    // It loads the YAML library.
    const { withoutHost } = await import('../../config/parse.ts')
    const content = withoutHost(await views.reader.text(config.file), name)
    return {
      on: 'machine',
      title: `remove ${name} from ${config.file}`,
      confirm: name,
      warnings: [
        ...(config.default === name ? ['it is the default host: afterwards there is none'] : []),
        ...(adminPassword?.store ? [`its admin password stays in ${adminPassword.store}`] : []),
      ],
      items: [
        {
          subject: name,
          steps: [saveStep(`Remove ${name}`, config.file, content)],
          rows: [{ name, ssh, file: config.file }],
        },
      ],
    }
  },
})
