import { unreachable } from '../base/failure.ts'
import type { HostView } from '../host/access/host.ts'
import { containersIfAny } from '../host/docker/engine.ts'
import { findPdsPort } from '../host/docker/pds-port.ts'
import { passthrough } from '../runner/command/command.ts'
import { act, ask } from '../ssh/shell.ts'

/** Runs in the PDS's container, where the official image has it; else on the host, if it is installed there. */
export default passthrough({
  name: 'goat',
  summary: 'Run goat, the atproto command line, on the host',
  about:
    'Everything behind “goat” is its own; so are its output and exit code. It knows the PDS and the admin password. What it changes is neither planned nor asked about, but the call itself is kept in the trail.',
  examples: ['kimbia-ops goat pds admin account list', 'kimbia-ops goat resolve alice.kimbia.social'],
  async locate(args, tty, { host }) {
    const { service } = await host.config()
    const place = await find(host)
    const { adminPassword, elevation } = await host.settings()
    if (place.kind === 'container') {
      // The line for sudo's password takes the place of a terminal.
      const streams = tty === 'yes' && elevation !== 'sudo with a password' ? '-it' : '-i'
      return { shell: act`exec ${place.docker} exec ${streams} ${place.id} sh -c ${inside} goat ${args}` }
    }
    if (place.kind === 'none')
      throw unreachable(
        'no-goat',
        `${await host.where()} has goat neither in the container of “${service}” nor on its PATH${place.why === undefined ? '' : `; ${place.why}`}`,
        'is the PDS running? Set “service:” in the config if its compose service has another name',
      )
    const { port, stopped } = await findPdsPort(host)
    if (stopped) throw stopped
    return {
      shell: act`sh -c ${withPassword} sh http://127.0.0.1:${port} ${place.path} ${args}`,
      first: adminPassword,
    }
  },
})

type Place =
  | { readonly kind: 'container'; readonly docker: readonly string[]; readonly id: string }
  | { readonly kind: 'path'; readonly path: string }
  /** What docker says, where it does not answer. */
  | { readonly kind: 'none'; readonly why: string | undefined }

async function find(host: HostView): Promise<Place> {
  let why: string | undefined
  const found = await containersIfAny(host, (failure) => {
    why = failure.code === 'no-engine' ? failure.message : undefined
  })
  const pds = found?.pds?.state === 'running' ? found.pds : undefined
  const container = found && pds ? [...found.docker, 'exec', pds.id] : []
  const { stdout } = await host.ask(ask`# find goat
set -- ${container}
if [ $# -gt 0 ] && "$@" sh -c 'command -v goat' >/dev/null 2>&1 </dev/null; then echo container
elif path=$(command -v goat); then echo "path $path"
else echo none
fi`)
  const [kind, path = ''] = stdout.trim().split(' ')
  if (kind === 'container' && found && pds) return { kind, docker: found.docker, id: pds.id }
  return kind === 'path' ? { kind, path } : { kind: 'none', why }
}

/** The container's own settings hold the admin password; goat's default for the host is port 3000. */
const inside = `PDS_HOST=\${PDS_HOST:-http://localhost:\${PDS_PORT:-3000}} exec goat "$@"`

/** The admin password comes as the first line of standard input; what follows is goat's. */
const withPassword = `
IFS= read -r PDS_ADMIN_PASSWORD
PDS_HOST=$1
export PDS_ADMIN_PASSWORD PDS_HOST
shift
exec "$@"
`
