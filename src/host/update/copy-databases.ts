import { quote } from '../../base/shell-words.ts'
import { act, type Shell } from '../../ssh/shell.ts'
import { remoteScript } from '../change/remote/load.ts'
import type { Database } from './databases.ts'

/** Copies by the container's own node: with node:sqlite, else with better-sqlite3. */
const byNode = `const [from, to] = process.argv.slice(1)
let open
try { const { DatabaseSync } = require('node:sqlite'); open = (path) => new DatabaseSync(path) }
catch { const Database = require('better-sqlite3'); open = (path) => new Database(path) }
const db = open(from)
db.exec('pragma busy_timeout = 10000')
db.prepare('vacuum into ?').run(to)
const [said] = Object.values(open(to).prepare('pragma quick_check').get())
if (said !== 'ok') throw new Error(said)`

/** What half a copy leaves beside the databases. */
const temporary = ({ databases }: Copying): string[] => databases.map(({ path }) => `${path}.kimbia-ops`)

/**
 * Copies the databases while the PDS runs, each consistent in itself, and checks every copy: by sqlite3 of the host,
 * else by node of the container. Where it fails or is ended, nothing of the copies is left.
 */
export const copyDatabases = (it: Copying): Shell<'act'> => act`# copy ${names(it)} to ${it.place}
set -e
umask 077
place=${it.place}
by=none
if command -v sqlite3 >/dev/null; then by=sqlite3
elif ${it.docker} exec ${it.container} node -e '' >/dev/null 2>&1; then by=node
else
  echo "neither the host has sqlite3 nor its container node: install sqlite3, or give --no-backup" >&2
  exit 1
fi
trap 'exit 1' TERM INT HUP
trap ${`rm -rf "$place"; rm -f ${quoted(temporary(it))}`} EXIT
rm -rf "$place"
mkdir -p "$place"
set -- ${it.databases.flatMap(({ name, path, inside }) => [name, path, inside, intoSql(it, name)])}
while [ $# -gt 0 ]; do
  if [ $by = sqlite3 ]; then
    sqlite3 -cmd '.timeout 10000' "$2" "$4"
    said=$(sqlite3 "$place/$1" 'PRAGMA quick_check')
    [ "$said" = ok ] || { echo "the copy of $2 is damaged: $said" >&2; exit 1; }
  else
    rm -f "$2.kimbia-ops"
    ${it.docker} exec ${it.container} node -e ${byNode} "$3" "$3.kimbia-ops"
    mv -f "$2.kimbia-ops" "$place/$1"
    chmod 600 "$place/$1"
  fi
  shift 4
done
sync
trap - EXIT`

/** What an update goes back to. */
export interface Old {
  readonly imageId: string
  readonly port: number
}

/** A function of sh that tells whether the container runs that image. */
export const isOld = `# ID DOCKER...
is_old() {
  id=$1
  shift
  [ "$("$@" inspect --type container --format '{{.Image}}' "$container" 2>/dev/null)" = "$id" ]
}`

/** Its undo: the copies of an update that did not happen, unless the old PDS is not well or they were put back from. */
export const dropCopies = (
  it: Copying,
  { imageId, port }: Old,
): Shell<'act'> => act`# remove the copies in ${it.place}
rm -f ${temporary(it)}
[ -d ${it.place} ] && [ ! -e ${`${it.place}/after`} ] || exit 0
eval ${remoteScript('probe-health.sh')}
eval ${isOld}
container=${it.container}
if is_old ${imageId} ${it.docker} && choose_client ${it.docker} && is_healthy ${port} ${it.docker}; then rm -rf ${it.place}
else echo ${`the old PDS does not answer: the copies of its databases stay in ${it.place}`}
fi`

/** The databases of a PDS, its container, and the directory of their copies on the host. */
export interface Copying {
  readonly docker: readonly string[]
  /** The name of the container. */
  readonly container: string
  readonly databases: readonly Database[]
  /** `<dir>/kimbia-ops/databases/<stamp>` */
  readonly place: string
}

/** What the copied databases are called. */
export const names = ({ databases }: Copying): string[] => databases.map(({ name }) => name)

const quoted = (words: readonly string[]): string => words.map(quote).join(' ')

const intoSql = ({ place }: Copying, name: string): string =>
  `VACUUM INTO '${`${place}/${name}`.replaceAll("'", "''")}'`
