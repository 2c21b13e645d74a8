import { unreachable } from '../base/failure.ts'
import { findPdsadmin, runPdsadmin } from '../host/access/pdsadmin.ts'
import { passthrough } from '../runner/command/command.ts'

/** The installer's own tool, as root on the host. */
export default passthrough({
  name: 'pdsadmin',
  summary: 'Run pdsadmin, the tool of the official installer, on the host',
  about:
    'Everything behind “pdsadmin” is its own; so are its output and exit code, which is 0 even where its script failed. It downloads its scripts at each call. What it changes is neither planned nor asked about, but the call itself is kept in the trail.',
  examples: ['kimbia-ops pdsadmin account list', 'kimbia-ops pdsadmin help'],
  async locate(args, _tty, { host }) {
    const path = await findPdsadmin(host)
    if (path === undefined)
      throw unreachable(
        'no-pdsadmin',
        `${await host.where()} has no pdsadmin`,
        'the official installer puts it into /usr/local/bin; this tool does all it does without it',
      )
    return { shell: runPdsadmin(path, args) }
  },
})
