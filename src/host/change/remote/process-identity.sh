# Tells a living process from a dead one by its token, PID.START.BOOT. A pid that is used again has another token.
#
# "take_over" replaces a file whose holder is dead. It first makes the link FILE.TOKEN, with the token of the dead
# holder. Only one process can make that link. It then checks again, and renames the link to FILE. If it dies between
# the two, the next process follows the link from FILE and makes FILE.TOKEN.TOKEN. So exactly one process succeeds.

boot_id=''
{ IFS= read -r boot_id </proc/sys/kernel/random/boot_id; } 2>/dev/null
# is_running PID: sets $start, the start time of the process.
is_running() {
  { IFS= read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  # shellcheck disable=SC2086 # one word a field
  set -- ${stat##*) }
  case $1 in Z | X) return 1 ;; esac
  shift 19
  start=$1
}
# identify PID: sets $token.
identify() { is_running "$1" && token=$1.$start.$boot_id; }
# is_alive TOKEN
is_alive() {
  case $1 in *?."$boot_id") ;; *) return 1 ;; esac
  rest=${1#*.}
  is_running "${1%%.*}" && [ "$start" = "${rest%%.*}" ]
}
# read_token FILE: sets $found.
read_token() {
  found=''
  { IFS= read -r found <"$1"; } 2>/dev/null || return 1
  found=${found#*:\"}
  found=${found%%\"*}
  [ -n "$found" ]
}
# process_in FILE: whether the process lives whose token the file holds; sets $found.
process_in() { read_token "$1" && is_alive "$found"; }
# find_holder FILE: sets $holder to the token of the last link, empty if there is no file.
find_holder() {
  link=$1 holder=''
  while read_token "$link"; do holder=$found link=$1.$found; done
}
# take_over FILE NEW_FILE OLD_TOKEN
take_over() {
  ! is_alive "$3" || return 1
  ln "$2" "$1.$3" 2>/dev/null || return 1
  find_holder "$1"
  if [ "$holder" = "$own_token" ] && mv -f "$1.$3" "$1"; then rm -f "$1".*
  else
    rm -f "$1.$3"
    return 1
  fi
}
# flush FILE...: a sync without arguments where sync takes none.
flush() { sync "$@" 2>/dev/null || sync 2>/dev/null || :; }
# read_clock: sets $now, in hundredths of a second since boot.
read_clock() {
  read -r now rest </proc/uptime
  now=${now%.*}${now#*.}
  now=${now#0}
}
# pause SECONDS: a whole second where sleep takes no fractions.
pause() { sleep "$1" 2>/dev/null || sleep 1; }
