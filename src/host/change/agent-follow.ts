/** Functions of sh that start the runner and follow its journal, one request after the other, and put the change away. */
export const follow = `archive() {
  for one in "$c"/* "$c"/.[!.]*; do
    case \${one##*/} in
    plan.json | journal | id | step-*.log) ;;
    *) rm -rf "$one" ;;
    esac
  done
  rm -rf "$d/last" && mv "$c" "$d/last"
}
launch() {
  rm -f "$c/stop"
  if command -v setsid >/dev/null; then setsid sh "$c/run.sh" "$1" </dev/null >>"$c/runner.log" 2>&1 3<&- &
  else sh "$c/run.sh" "$1" </dev/null >>"$c/runner.log" 2>&1 3<&- &
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
    begin\\ * | undo\\ *) ended= at=\${line#* } ;;
    end\\ *) ended=1 ;;
    esac
    part=
  done
  part=$part$line
}
newest() {
  { tail -c 1000 "$c/step-$at.log" | tr '\\r' '\\n' | grep -v '^kimbia-ops:fact ' | grep . | tail -n 1; } 2>/dev/null
}
next() {
  n=0
  gather
  while [ -z "$lines" ]; do
    if ! running; then
      gather
      [ -n "$lines" ] || { echo dead; return 0; }
      break
    fi
    if [ "$n" -ge "$rounds" ]; then
      printf 'said %s\\n' "$(newest)"
      return 0
    fi
    n=$((n + 1))
    if [ "$n" -le "$quick" ]; then sleep 0.01 2>/dev/null
    else sleep "$nap" 2>/dev/null
    fi || { quick=0 nap=1 rounds=1; sleep 1; }
    gather
  done
  printf 'lines %s\\n' "$lines"
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
    flush "$d"
    echo ok
  else tell failed "$why"
  fi
}
hear() { { read -r up rest </proc/uptime && echo "\${up%.*}" >"$c/heard"; } 2>/dev/null; }
serve() {
  exec 3<"$c/journal"
  part= at= lines= ended= runner= nap=0.04 quick=12 rounds=32
  hear
  while read -r what a b; do
    hear
    case $what in
    run) busy || launch run; echo ok ;;
    undo) if busy; then echo busy; else launch undo; echo ok; fi ;;
    next) next ;;
    mark)
      if why=$({ printf '%s %s\\n' "$a" "$b" >>"$c/journal"; } 2>&1); then
        flush "$c/journal"
        echo ok
      else tell failed "$why"
      fi
      ;;
    close) close ;;
    *) echo 'not a word of this conversation' ;;
    esac
  done
}
`
