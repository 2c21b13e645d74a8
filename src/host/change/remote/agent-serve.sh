# The agent starts the runner, follows its journal for the operator, one request after the other, and puts the change
# away at the end.

# Keeps the record of the change as the last one, and removes the rest.
archive() {
  find_pending
  # The container can write to a change of an earlier version: nothing of it is kept.
  if [ "$pending_dir" != "$change_dir" ]; then
    rm -rf "$pending_dir"
    return
  fi
  set --
  for file in "$change_dir"/* "$change_dir"/.[!.]*; do
    case ${file##*/} in
    plan.json | journal | id | step-*.log) ;;
    *) set -- "$@" "$file" ;;
    esac
    # Each word more makes the next "set" slower.
    [ $# -lt 100 ] || { rm -rf "$@" && set --; } || return 1
  done
  rm -rf "$@" "$place/last" && mv "$change_dir" "$place/last" || return 1
  # The link to the change, or what has taken its place.
  [ "$place" = "$state_dir" ] || rm -rf "$state_dir/change"
}
# start_runner run|undo
start_runner() {
  [ ! -e "$change_dir/stop" ] || rm -f "$change_dir/stop"
  setsid=''
  ! command -v setsid >/dev/null || setsid=setsid
  $setsid sh "$change_dir/run.sh" "$1" </dev/null >>"$change_dir/runner.log" 2>&1 3<&- 4<&- &
  identify "$!" && runner=$token
}
runner_alive() { is_alive "$runner" || process_in "$change_dir/runner"; }
# Moves the whole lines that are new in the journal to $lines.
read_journal() {
  while IFS= read -r line <&3; do
    line=$partial$line partial=''
    lines=$lines$line$separator
    case $line in
    begin\ * | undo\ *) ended='' step=${line#* } ;;
    end\ *) ended=1 ;;
    esac
  done
  partial=$partial$line
}
# The runner writes to this fifo after each line of its journal. Where there is none, the agent looks twice a second.
open_notify_fifo() {
  fifo='' slept='' ticker=''
  [ -p "$change_dir/bell" ] || mkfifo "$change_dir/bell" 2>/dev/null || return 0
  exec 4<>"$change_dir/bell" || return 0
  fifo=1
}
# Waits until the runner has written a line, or for a short time; $wakeup is "tick" if only time has passed.
wait_for_news() {
  if [ -n "$fifo" ]; then
    [ -n "$ticker" ] || start_ticker
    read -r wakeup <&4
  else
    pause 0.5
    if [ -n "$slept" ]; then wakeup=tick slept=''; else slept=1; fi
  fi
}
start_ticker() {
  (
    while pause 0.5 && [ -e "/proc/$$/stat" ]; do echo tick; done 1<>"$change_dir/bell"
  ) </dev/null >/dev/null 2>&1 3<&- 4<&- &
  ticker=$!
}
# Ticks that are not read would fill the fifo, and the runner would wait for room in it.
stop_ticker() {
  [ -z "$ticker" ] || { kill "$ticker" && wait "$ticker"; } 2>/dev/null
  ticker=''
}
# Prints the last line of what the step under way has printed.
last_output() {
  output=$change_dir/step-$step.log
  [ -s "$output" ] || return 0
  { tail -c 1000 "$output" | tr '\r' '\n' | grep -v '^kimbia-ops:fact ' | grep . | tail -n 1; } 2>/dev/null
}
# Answers with the new lines of the journal, or the last output after half a second without a line, or "dead".
answer_next() {
  wakeup=''
  read_journal
  while [ -z "$lines" ]; do
    if ! runner_alive; then
      read_journal
      [ -n "$lines" ] || {
        echo dead
        return 0
      }
      break
    fi
    if [ "$wakeup" = tick ]; then
      printf 'said %s\n' "$(last_output)"
      return 0
    fi
    wait_for_news
    read_journal
  done
  printf 'lines %s\n' "$lines"
  lines=''
}
# Whether the runner is at work. After the end of its journal it is gone in a moment.
is_busy() {
  read_journal
  count=0
  while [ -n "$ended" ] && runner_alive && [ "$count" -lt 200 ]; do
    count=$((count + 1))
    pause 0.01
  done
  runner_alive
}
close_change() {
  if is_busy; then
    echo busy
    return 0
  fi
  find_holder "$lock"
  if [ "$holder" != "$own_token" ]; then echo 'the lock was taken away'
  elif reason=$(archive 2>&1); then
    rm -f "$lock"
    flush "$place" "$state_dir"
    echo ok
  else answer failed "$reason"
  fi
}
# Writes down when the operator was last heard of.
note_contact() { { read -r uptime rest </proc/uptime && echo "${uptime%.*}" >"$change_dir/heard"; } 2>/dev/null; }
serve() {
  exec 3<"$change_dir/journal"
  partial='' step='' lines='' ended='' runner='' early='' whole=''
  open_notify_fifo
  note_contact
  # The runner of a new change starts at once if the operator has asked for that with the upload.
  { read -r whole <"$change_dir/whole"; } 2>/dev/null
  if [ "$errand $whole" = 'begin .run' ]; then
    start_runner run
    early=1
  fi
  while read -r word event index; do
    note_contact
    case $word in
    run)
      [ -n "$early" ] || is_busy || start_runner run
      early=''
      echo ok
      ;;
    undo) if is_busy; then echo busy; else start_runner undo; echo ok; fi ;;
    next)
      answer_next
      stop_ticker
      ;;
    mark)
      if reason=$({ printf '%s %s\n' "$event" "$index" >>"$change_dir/journal"; } 2>&1); then
        flush "$change_dir/journal" "$place"
        echo ok
      else answer failed "$reason"
      fi
      ;;
    close) close_change ;;
    *) echo 'not a word of this conversation' ;;
    esac
  done
}
