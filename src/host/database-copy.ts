import { act, type Shell } from '../ssh/shell.ts'
import { runHealth } from './change/run-health.ts'
import type { Database } from './databases.ts'

/** The databases of a PDS, its container, and the directory of their copies on the host. */
export interface Copying {
  readonly docker: readonly string[]
  /** The name of the container. */
  readonly container: string
  readonly databases: readonly Database[]
  /** `<dir>/kimbia-ops/databases/<stamp>` */
  readonly place: string
}

/** How many directories of copies are kept. */
const kept = 2

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

const names = ({ databases }: Copying): string[] => databases.map(({ name }) => name)

/**
 * Copies the databases while the PDS runs, each consistent in itself, and checks every copy: by sqlite3 of the host,
 * else by node of the container. The newest two directories of copies are kept.
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
rm -rf "$place"
mkdir -p "$place"
trap 'rm -rf "$place"' EXIT
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
trap - EXIT
ls -1 "\${place%/*}" | grep -E '^[0-9]{8}T[0-9]{6}Z$' | sort -r | tail -n +${kept + 1} |
  while read -r old; do rm -rf "\${place%/*}/$old"; done`

const intoSql = ({ place }: Copying, name: string): string =>
  `VACUUM INTO '${`${place}/${name}`.replaceAll("'", "''")}'`

/** A function of sh that puts copies in the place of databases; each move is done at most once, so that it can be repeated. */
const swap = `# PLACE ASIDE (NAME PATH)...
swap() {
  place=$1 aside=$2
  shift 2
  mkdir -p "$aside" || return 1
  while [ $# -gt 0 ]; do
    if [ -f "$place/$1" ] && ! { [ -e "$aside/$1" ] && [ -e "$2" ]; }; then
      for end in '' -wal -shm; do
        [ ! -e "$2$end" ] || [ -e "$aside/$1$end" ] || mv "$2$end" "$aside/$1$end" || return 1
      done
      cp "$place/$1" "$2.kimbia-ops" &&
        chown "$(stat -c %u:%g "$aside/$1")" "$2.kimbia-ops" &&
        chmod "$(stat -c %a "$aside/$1")" "$2.kimbia-ops" &&
        sync && mv -f "$2.kimbia-ops" "$2" || return 1
    fi
    shift 2
  done
  sync
}`

const pairs = ({ databases }: Copying): string[] => databases.flatMap(({ name, path }) => [name, path])

/** Whether migrations of the databases differ from those of their copies; without sqlite3 nobody can tell. */
const differ = `# PLACE (NAME PATH)...
differ() {
  command -v sqlite3 >/dev/null || return 0
  place=$1
  shift
  while [ $# -gt 0 ]; do
    now=$(sqlite3 "$2" 'SELECT name FROM kysely_migration ORDER BY name' 2>&1)
    was=$(sqlite3 "$place/$1" 'SELECT name FROM kysely_migration ORDER BY name' 2>&1)
    [ "$now" = "$was" ] || return 0
    shift 2
  done
  return 1
}`

/**
 * For the way back: where the PDS does not come up, and its databases were migrated since the copies, puts the copies
 * in their place and starts it again. The newer databases are kept in `after/` beside the copies.
 */
export const mendDatabases = (
  it: Copying,
  port: number,
): Shell<'act'> => act`# put ${names(it)} back from ${it.place} if the old PDS cannot start on those that stand
place=${it.place}
[ -d "$place" ] || exit 0
eval ${runHealth}
eval ${swap}
eval ${differ}
name=${it.container}
choose ${it.docker} || exit 0
state() { ${it.docker} inspect --type container --format '{{.RestartCount}} {{.State.Status}}' "$name" 2>/dev/null; }
first=$(state)
end=$(($(date +%s) + 60))
while ! healthy ${port} ${it.docker}; do
  case $(state) in *exited | *dead | *restarting) break ;; "\${first%% *} "*) ;; *) break ;; esac
  [ "$(date +%s)" -lt "$end" ] || break
  sleep 0.2 2>/dev/null || sleep 1
done
! healthy ${port} ${it.docker} || exit 0
set -- ${pairs(it)}
differ "$place" "$@" || { echo 'the databases were not migrated: they stay'; exit 0; }
${it.docker} stop "$name"
swap "$place" "$place/after" "$@" || exit 1
${it.docker} start "$name"`

/** Stops the PDS and puts the copies in the place of its databases, which are kept in `aside` beside the copies. */
export const restoreDatabases = (
  it: Copying,
  aside: string,
): Shell<'act'> => act`# stop ${it.container} and put ${names(it)} back from ${it.place}
eval ${swap}
[ -d ${it.place} ] || { echo 'those copies are no longer there' >&2; exit 1; }
${it.docker} stop ${it.container} || exit 1
swap ${it.place} ${`${it.place}/${aside}`} ${pairs(it)}`

/** Its undo: the databases that were kept aside are those that count again; the container stays stopped. */
export const unrestoreDatabases = (
  it: Copying,
  aside: string,
): Shell<'act'> => act`# put ${names(it)} back as they were
aside=${`${it.place}/${aside}`}
[ -d "$aside" ] || exit 0
${it.docker} stop ${it.container} || exit 1
set -- ${pairs(it)}
while [ $# -gt 0 ]; do
  if [ -e "$aside/$1" ]; then
    rm -f "$2-wal" "$2-shm"
    for end in -wal -shm ''; do [ ! -e "$aside/$1$end" ] || mv -f "$aside/$1$end" "$2$end" || exit 1; done
  fi
  shift 2
done
rmdir "$aside"
sync`
