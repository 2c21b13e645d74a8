import { unreachable } from '../base/failure.ts'
import { findGoat, goatInContainer, goatOnHost } from '../host/docker/goat.ts'
import { findPdsPort } from '../host/docker/pds-port.ts'
import { passthrough } from '../runner/command/command.ts'

/** Runs in the PDS's container, where the official image has it; else on the host, if it is installed there. */
export default passthrough({
  name: 'goat',
  summary: 'Run goat, the atproto command line, on the host',
  about:
    'Everything behind “goat” is its own; so are its output and exit code. It knows the PDS and the admin password. What it changes is neither planned nor asked about, but the call itself is kept in the trail.',
  examples: ['kimbia-ops goat pds admin account list', 'kimbia-ops goat resolve alice.kimbia.social'],
  async locate(args, tty, { host }) {
    const { service } = await host.config()
    const place = await findGoat(host)
    const { adminPassword, elevation } = await host.settings()
    if (place.kind === 'container') {
      // The line for sudo's password takes the place of a terminal.
      const streams = tty === 'yes' && elevation !== 'sudo with a password' ? '-it' : '-i'
      return { shell: goatInContainer(place, streams, args) }
    }
    if (place.kind === 'none')
      throw unreachable(
        'no-goat',
        `${await host.where()} has goat neither in the container of “${service}” nor on its PATH${place.why === undefined ? '' : `; ${place.why}`}`,
        'is the PDS running? Set “service:” in the config if its compose service has another name',
      )
    const { port, stopped } = await findPdsPort(host)
    if (stopped) throw stopped
    return { shell: goatOnHost(place.path, port, args), first: adminPassword }
  },
})
