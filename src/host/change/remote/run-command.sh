# Runs a command line in a process group of its own, ends it, and takes the facts out of what it printed.

own='IFS= read -r s </proc/$$/stat
b=$1 f=$2 l=$3
set -- ${s##*) }
shift 19
printf "{\"token\":\"%s.%s.%s\"}\n" "$$" "$1" "$b" >"$f"
exec sh -c "$l"'
sid=
command -v setsid >/dev/null && sid=setsid
# SIGNAL PID
hit() {
  if [ -n "$sid" ]; then kill "-$1" "-$2" 2>/dev/null
  else hit_tree "$1" "$2"
  fi
}
hit_tree() {
  for p in /proc/[0-9]*; do
    { IFS= read -r s <"$p/stat"; } 2>/dev/null || continue
    s=${s##*) }
    s=${s#* }
    [ "${s%% *}" != "$2" ] || hit_tree "$1" "${p#/proc/}"
  done
  kill "-$1" "$2" 2>/dev/null
}
still() {
  if [ -n "$sid" ]; then kill -0 "-$1" 2>/dev/null
  else kill -0 "$1" 2>/dev/null
  fi
}
# PID: it has 10 s to end by itself
put_down() {
  hit TERM "$1"
  clock
  end=$((now + 1000))
  while still "$1"; do
    clock
    [ "$now" -lt "$end" ] || { hit KILL "$1"; return 0; }
    sleep 0.05 2>/dev/null || sleep 1
  done
}
# PID DEADLINE STOPPABLE: it holds where the runner is killed too, and lets go of a process that has ended
leash() {
  identify "$1" || return 0
  leashed=$token
  clock
  end=$((now + $2 * 100)) why=deadline
  while [ "$now" -lt "$end" ]; do
    if [ -n "$3" ] && [ -e "$c/stop" ]; then
      why=stopped
      break
    fi
    if [ -n "$3" ]; then sleep 0.1 2>/dev/null || sleep 1
    else sleep 0.5 2>/dev/null || sleep 1
    fi
    alive "$leashed" || return 0
    clock
  done
  if started "$$"; then echo "$why" >"$c/ended"; fi
  put_down "$1"
}
# DEADLINE STOPPABLE PORT LINE
shell() {
  [ -z "$3" ] || { remember_accounts "$3"; measure "$3"; }
  [ ! -e "$c/ended" ] || rm -f "$c/ended"
  $sid sh -c "$own" sh "$boot" "$c/step" "$4" </dev/null >>"$log" 2>&1 &
  pid=$!
  leash "$pid" "$1" "$2" </dev/null >/dev/null 2>&1 &
  dog=$!
  await "$pid"
  if [ -e "$c/ended" ]; then await "$dog" && rc=1
  else kill "$dog" 2>/dev/null
  fi
  take_facts
  true >"$c/step"
  why=
  [ ! -e "$c/ended" ] || read -r why <"$c/ended"
  case $why in
  deadline) fault deadline "it was not done within $1 s, and was ended" "$(end_of_log)" ;;
  stopped) fault stopped 'it was stopped' ;;
  *) [ "$rc" = 0 ] || fault exit-code "it ended with exit code $rc$(no_room)" "$(end_of_log)" ;;
  esac
}
# A signal that the runner caught ends wait, but not what it waits for.
await() {
  while :; do
    wait "$1"
    rc=$?
    [ "$rc" -gt 128 ] && started "$1" || return 0
  done
}
take_facts() {
  [ -s "$log" ] && grep -q '^kimbia-ops:fact ' "$log" || return 0
  sed -n 's/^kimbia-ops:fact \([A-Za-z][A-Za-z0-9]* .*\)$/\1/p' "$log" >"$c/facts"
  while IFS= read -r line; do note "fact $line"; done <"$c/facts"
  sed '/^kimbia-ops:fact /d' "$log" >"$c/facts"
  mv -f "$c/facts" "$log"
}
# Where nothing can be written, what failed could not say so either.
no_room() {
  full=
  read -r random </proc/sys/kernel/random/uuid
  for room in "$d/.room.$random" "$c/room"; do
    (set -C && head -c 65536 /dev/zero >"$room") 2>/dev/null || full=${room%/*}
    rm -f "$room"
    [ -z "$full" ] || { printf ', and the disk of %s is full' "$full"; return 0; }
  done
}
end_of_log() { tail -n 15 "$log" 2>/dev/null | tail -c 1500; }
