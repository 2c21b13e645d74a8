import { unreachable } from '../failure.ts'
import { passthrough } from '../runner/command.ts'
import { act, ask } from '../ssh/shell.ts'

/** Runs in the PDS's container, where the official image has it; else on the host, if it is installed there. */
export default passthrough({
  name: 'goat',
  summary: 'Run goat, the atproto command line, on the host',
  about:
    'Everything behind “goat” is its own; so are its output and exit code. It knows the PDS and the admin password. What it changes is neither planned nor asked about, but the call itself is kept in the trail.',
  examples: ['kimbia-ops goat pds admin account list', 'kimbia-ops goat resolve alice.kimbia.social'],
  async locate(args, tty, { host }) {
    const { service, dir } = await host.config()
    const found = await host.ask(ask`sh -c ${find} sh ${dir} ${service}`)
    const [kind, place = '', ...more] = found.stdout.trim().split(' ')
    const { port, adminPassword, elevation } = await host.settings()
    if (kind === 'container') {
      // The line for sudo's password takes the place of a terminal.
      const streams = tty === 'yes' && elevation !== 'sudo with a password' ? '-it' : '-i'
      return { shell: act`exec docker exec ${streams} ${place} sh -c ${inside} goat ${args}` }
    }
    if (kind !== 'path')
      throw unreachable(
        'no-goat',
        `${await host.where()} has goat neither in the container of “${service}” nor on its PATH${place === '' ? '' : `; docker says: ${[place, ...more].join(' ').slice(0, 300)}`}`,
        'is the PDS running? Set “service:” in the config if its compose service has another name',
      )
    return {
      shell: act`sh -c ${withPassword} sh http://127.0.0.1:${port} ${place} ${args}`,
      first: adminPassword,
    }
  },
})

const find = `# find goat
if command -v docker >/dev/null; then
  id=$(docker compose --project-directory "$1" ps -q "$2" 2>/dev/null | head -n 1)
  [ -n "$id" ] || id=$(docker ps -q --filter "name=^$2\\$" 2>/dev/null | head -n 1)
  if [ -n "$id" ] && docker exec "$id" sh -c 'command -v goat' >/dev/null 2>&1 </dev/null; then
    echo "container $id"
    exit
  fi
fi
if path=$(command -v goat); then echo "path $path"
else echo none "$(docker ps -q 2>&1 >/dev/null)"
fi
`

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
