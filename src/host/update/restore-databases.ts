import { act, type Shell } from '../../ssh/shell.ts'
import { remoteScript } from '../change/remote/load.ts'
import { type Copying, isOld, names, type Old } from './copy-databases.ts'

/**
 * Functions of sh that put copies in the place of databases, and the other way round. Whole sets are moved, each file at
 * once: the database itself goes last on its way out and first on its way back, so that where it lies tells whose log
 * the one beside it is. After a cut anywhere they can be repeated.
 */
const swap = `# FROM TO: what an earlier move left; across file systems a move is a copy first
settle() {
  [ -e "$2.kimbia-ops-moved" ] || return 0
  if [ -e "$1" ]; then rm -f "$2.kimbia-ops-moved"
  else mv -f "$2.kimbia-ops-moved" "$2"
  fi
}
# FROM TO
carry() {
  settle "$1" "$2" || return 1
  [ -e "$1" ] || return 0
  mv -f "$1" "$2.kimbia-ops-moved" || { [ ! -e "$1" ] || rm -f "$2.kimbia-ops-moved"; return 1; }
  sync
  mv -f "$2.kimbia-ops-moved" "$2"
}
# COPY ASIDE PATH
swap_one() {
  [ -f "$1" ] || return 0
  [ ! -e "$2" ] || [ ! -e "$3" ] || return 0
  for like in "$3" "$2" "$2.kimbia-ops-moved"; do [ ! -e "$like" ] || break; done
  cp "$1" "$3.kimbia-ops" &&
    chown "$(stat -c %u:%g "$like")" "$3.kimbia-ops" &&
    chmod "$(stat -c %a "$like")" "$3.kimbia-ops" &&
    sync || return 1
  if [ ! -e "$2" ]; then
    for end in -wal -shm ''; do carry "$3$end" "$2$end" || return 1; done
  fi
  mv -f "$3.kimbia-ops" "$3"
}
# PLACE ASIDE (NAME PATH)...
swap() {
  place=$1 aside=$2
  shift 2
  mkdir -p "$aside" && : >"$aside/unfinished" || return 1
  while [ $# -gt 0 ]; do
    swap_one "$place/$1" "$aside/$1" "$2" || { rm -f "$2.kimbia-ops"; return 1; }
    shift 2
  done
  sync
  rm -f "$aside/unfinished"
}
# ASIDE PATH
unswap_one() {
  for end in -wal -shm ''; do settle "$2$end" "$1$end" || return 1; done
  rm -f "$2.kimbia-ops"
  if [ -e "$1" ] || [ -e "$2.kimbia-ops-moved" ]; then
    rm -f "$2-wal" "$2-shm"
    [ ! -e "$1" ] || rm -f "$2.kimbia-ops-moved"
    if [ -e "$1" ]; then mv -f "$1" "$2.kimbia-ops-moved" || { [ ! -e "$1" ] || rm -f "$2.kimbia-ops-moved"; return 1; }; fi
    sync
    mv -f "$2.kimbia-ops-moved" "$2" || return 1
  fi
  for end in -wal -shm; do carry "$1$end" "$2$end" || return 1; done
}
# DOCKER...: $container is stopped, or is not there; where docker does not answer nobody knows
stopped() {
  "$@" stop "$container" || { left=$("$@" ps --all --quiet --filter "name=^/$container\\$") && [ -z "$left" ]; }
}`

const pairs = ({ databases }: Copying): string[] => databases.flatMap(({ name, path }) => [name, path])

/** Whether migrations of the databases differ from those of their copies: `yes`, `no`, or that nobody can tell. */
const differ = `# PLACE (NAME PATH)...
migrations() { sqlite3 -cmd '.timeout 10000' "$1" 'SELECT name FROM kysely_migration ORDER BY name'; }
differ() {
  place=$1 told=no was=
  shift
  command -v sqlite3 >/dev/null || { echo 'nobody can tell without sqlite3 on the host'; return; }
  while [ $# -gt 0 ]; do
    if now=$(migrations "$2" 2>&1) && was=$(migrations "$place/$1" 2>&1); then
      [ "$now" = "$was" ] || { echo yes; return; }
    else told="nobody can tell for $2: \${was:-$now}"
    fi
    was=
    shift 2
  done
  echo "$told"
}`

/** What is told once databases were replaced on the way back. */
const lost = ({ place }: Copying): string =>
  `kimbia-ops:fact lost all is as it was when the databases were copied: what was written since is only in ${place}/after`

/** Before the old PDS is brought up again on the way back: a replacing of databases that was cut off is brought to its end. */
export const finishMending = (
  it: Copying,
): Shell<'act'> => act`# finish putting ${names(it)} back, if that was cut off
[ -e ${`${it.place}/after/unfinished`} ] || exit 0
eval ${swap}
container=${it.container}
stopped ${it.docker} && swap ${it.place} ${`${it.place}/after`} ${pairs(it)} || exit 1
echo ${lost(it)}`

/**
 * For the way back: where the PDS does not come up, and its databases were migrated since the copies, puts the copies
 * in their place and starts it again. The newer databases are kept in `after/` beside the copies.
 */
export const mendDatabases = (
  it: Copying,
  { imageId, port }: Old,
): Shell<'act'> => act`# put ${names(it)} back from ${it.place} if the old PDS cannot start on those that stand
place=${it.place}
[ -d "$place" ] || exit 0
eval ${remoteScript('probe-health.sh')}
eval ${swap}
eval ${differ}
eval ${isOld}
container=${it.container}
is_old ${imageId} ${it.docker} || { echo 'the container is not of the old image: its databases stay'; exit 0; }
choose_client ${it.docker} || exit 0
state() { ${it.docker} inspect --type container --format '{{.RestartCount}} {{.State.Status}}' "$container" 2>/dev/null; }
first=$(state)
end=$(($(date +%s) + 60))
while ! is_healthy ${port} ${it.docker}; do
  case $(state) in *exited | *dead | *restarting | *created) break ;; "\${first%% *} "*) ;; *) break ;; esac
  [ "$(date +%s)" -lt "$end" ] || break
  sleep 0.2 2>/dev/null || sleep 1
done
! is_healthy ${port} ${it.docker} || exit 0
set -- ${pairs(it)}
differs=$(differ "$place" "$@")
case $differs in
yes) ;;
no) echo 'the databases were not migrated: they stay'; exit 0 ;;
*) echo "whether the databases were migrated: $differs. They stay; their copies are in $place"; exit 0 ;;
esac
stopped ${it.docker} || { echo "$container cannot be stopped: its databases stay"; exit 1; }
swap "$place" "$place/after" "$@" || exit 1
echo ${lost(it)}
${it.docker} start "$container"`

/** Stops the PDS and puts the copies in the place of its databases, which are kept in `aside` beside the copies. */
export const restoreDatabases = (
  it: Copying,
  aside: string,
): Shell<'act'> => act`# stop ${it.container} and put ${names(it)} back from ${it.place}
eval ${swap}
[ -d ${it.place} ] || { echo 'those copies are no longer there' >&2; exit 1; }
container=${it.container}
stopped ${it.docker} || exit 1
swap ${it.place} ${`${it.place}/${aside}`} ${pairs(it)}`

/** Its undo: the databases that were kept aside are those that count again; the container stays stopped. */
export const unrestoreDatabases = (
  it: Copying,
  aside: string,
): Shell<'act'> => act`# put ${names(it)} back as they were
eval ${swap}
aside=${`${it.place}/${aside}`}
[ -d "$aside" ] || exit 0
container=${it.container}
stopped ${it.docker} || exit 1
set -- ${pairs(it)}
while [ $# -gt 0 ]; do
  unswap_one "$aside/$1" "$2" || exit 1
  shift 2
done
sync
rm -f "$aside/unfinished"
rmdir "$aside"`
