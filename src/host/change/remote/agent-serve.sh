# The agent starts the runner, answers what it is asked about the journal, and puts the change away.

archive() {
  stands
  # What an earlier version has left is only removed: others may write there.
  if [ "$kept" != "$c" ]; then
    rm -rf "$kept"
    return
  fi
  set --
  for one in "$c"/* "$c"/.[!.]*; do
    case ${one##*/} in
    plan.json | journal | id | step-*.log) ;;
    *) set -- "$@" "$one" ;;
    esac
  done
  rm -rf "$@" "$p/last" && mv "$c" "$p/last" || return 1
  # A link to it, or what somebody has put in its place.
  [ "$p" = "$d" ] || rm -rf "$d/change"
}
launch() {
  [ ! -e "$c/stop" ] || rm -f "$c/stop"
  if command -v setsid >/dev/null; then setsid sh "$c/run.sh" "$1" </dev/null >>"$c/runner.log" 2>&1 3<&- 4<&- &
  else sh "$c/run.sh" "$1" </dev/null >>"$c/runner.log" 2>&1 3<&- 4<&- &
  fi
  identify "$!" && runner=$token
}
running() {
  alive "$runner" || { token_in "$c/runner" && alive "$found"; }
}
gather() {
  while IFS= read -r line <&3; do
    lines=$lines$part$line$sep
    case $part$line in
    begin\ * | undo\ *) ended= at=${line#* } ;;
    end\ *) ended=1 ;;
    esac
    part=
  done
  part=$part$line
}
# The runner rings when it has written a line; while that is waited for, a tick comes twice a second.
listen() {
  if [ -n "$bell" ]; then
    [ -n "$ticker" ] || tick
    read -r told <&4
  else
    sleep 0.5 2>/dev/null || sleep 1
    [ -n "$slept" ] && told=tick slept= || slept=1
  fi
}
hang_bell() {
  bell= slept= ticker=
  [ -p "$c/bell" ] || mkfifo "$c/bell" 2>/dev/null || return 0
  exec 4<>"$c/bell" || return 0
  bell=1
}
tick() {
  (
    while { sleep 0.5 2>/dev/null || sleep 1; } && [ -e "/proc/$$/stat" ]; do echo tick; done 1<>"$c/bell"
  ) </dev/null >/dev/null 2>&1 3<&- 4<&- &
  ticker=$!
}
# Ticks that nobody takes would fill the pipe, and the runner would wait for room in it.
untick() {
  [ -z "$ticker" ] || { kill "$ticker" && wait "$ticker"; } 2>/dev/null
  ticker=
}
newest() {
  [ -s "$c/step-$at.log" ] || return 0
  { tail -c 1000 "$c/step-$at.log" | tr '\r' '\n' | grep -v '^kimbia-ops:fact ' | grep . | tail -n 1; } 2>/dev/null
}
next() {
  told=
  gather
  while [ -z "$lines" ]; do
    if ! running; then
      gather
      [ -n "$lines" ] || { echo dead; return 0; }
      break
    fi
    if [ "$told" = tick ]; then
      printf 'said %s\n' "$(newest)"
      return 0
    fi
    listen
    gather
  done
  printf 'lines %s\n' "$lines"
  lines=
}
# A runner that has written how it ended is gone in a moment.
busy() {
  gather
  n=0
  while [ -n "$ended" ] && running && [ "$n" -lt 200 ]; do
    n=$((n + 1))
    sleep 0.01 2>/dev/null || sleep 1
  done
  running
}
close() {
  if busy; then
    echo busy
    return 0
  fi
  holder "$l"
  if [ "$seen" != "$mine" ]; then echo 'the lock was taken away'
  elif why=$(archive 2>&1); then
    rm -f "$l"
    flush "$p" "$d"
    echo ok
  else tell failed "$why"
  fi
}
hear() { { read -r up rest </proc/uptime && echo "${up%.*}" >"$c/heard"; } 2>/dev/null; }
serve() {
  exec 3<"$c/journal"
  part= at= lines= ended= runner= early=
  hang_bell
  hear
  whole=
  { read -r whole <"$c/whole"; } 2>/dev/null
  [ "$errand $whole" != 'begin .run' ] || { launch run; early=1; }
  while read -r what a b; do
    hear
    case $what in
    run)
      [ -n "$early" ] || busy || launch run
      early=
      echo ok
      ;;
    undo) if busy; then echo busy; else launch undo; echo ok; fi ;;
    next)
      next
      untick
      ;;
    mark)
      if why=$({ printf '%s %s\n' "$a" "$b" >>"$c/journal"; } 2>&1); then
        flush "$c/journal" "$p"
        echo ok
      else tell failed "$why"
      fi
      ;;
    close) close ;;
    *) echo 'not a word of this conversation' ;;
    esac
  done
}
