import { column, detail } from '../runner/command/columns.ts'
import { query } from '../runner/command/command.ts'
import { optional, text, yesNo } from '../runner/command/types.ts'

/** What the config file says; nothing is contacted. */
export default query({
  name: 'hosts',
  summary: 'List the configured hosts',
  about: 'See also hosts default, which chooses the one that is meant when none is named, and hosts remove.',
  examples: ['kimbia-ops hosts', 'kimbia-ops hosts --json'],
  input: {},
  output: {
    name: column(text, 'what -H takes'),
    ssh: column(text, 'where it connects to'),
    dir: column(text, 'where pds.env is on the host'),
    default: column(yesNo, 'whether it is meant when no host is named'),
    hostname: detail(optional(text), 'public name, when the config sets it'),
    sudo: detail(text, 'how root is reached: auto, always or never'),
    service: detail(text, 'compose service of the PDS'),
  },
  result: 'many',
  counted: 'host',
  async *read(_input, { config, say }) {
    const { file, hosts, default: preset } = await config()
    if (hosts.length === 0) say(`no host is configured in ${file}; run: kimbia-ops init`)
    for (const { name, ssh, dir, hostname, sudo, service } of hosts) {
      const isDefault = preset === undefined ? hosts.length === 1 : preset === name
      yield { name, ssh, dir, default: isDefault, hostname: hostname ?? null, sudo, service }
    }
  },
})
