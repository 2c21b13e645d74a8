import { act, ask, type Shell } from '../../ssh/shell.ts'
import type { HostView } from '../access/host.ts'
import { containersIfAny } from './engine.ts'

/** Where goat is: in the container of the PDS, on the PATH of the host, or nowhere. */
export type GoatPlace =
  | { readonly kind: 'container'; readonly docker: readonly string[]; readonly id: string }
  | { readonly kind: 'path'; readonly path: string }
  /** What docker says, where it does not answer. */
  | { readonly kind: 'none'; readonly why: string | undefined }

/** Looks for goat, in the container first. */
export async function findGoat(host: HostView): Promise<GoatPlace> {
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

/** Runs goat in the container; `streams` are the options of docker exec for them. */
export const goatInContainer = (
  { docker, id }: Extract<GoatPlace, { kind: 'container' }>,
  streams: '-it' | '-i',
  args: readonly string[],
): Shell<'act'> => act`exec ${docker} exec ${streams} ${id} sh -c ${inside} goat ${args}`

/** Runs the host's own goat; the admin password is to come as the first line of standard input. */
export const goatOnHost = (path: string, port: number, args: readonly string[]): Shell<'act'> =>
  act`sh -c ${withPassword} sh http://127.0.0.1:${port} ${path} ${args}`
