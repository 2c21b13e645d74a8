# Runs the command of a step in a process group of its own, ends it at its deadline or on request, and collects the
# facts that it prints.

# A process that writes down its own token before it becomes the command: BOOT_ID FILE COMMAND.
# shellcheck disable=SC2016 # a program for another shell
become_command='IFS= read -r stat </proc/$$/stat
boot_id=$1 file=$2 command=$3
set -- ${stat##*) }
shift 19
printf "{\"token\":\"%s.%s.%s\"}\n" "$$" "$1" "$boot_id" >"$file"
exec sh -c "$command"'
setsid=''
command -v setsid >/dev/null && setsid=setsid
# signal_command SIGNAL PID
signal_command() {
  if [ -n "$setsid" ]; then kill "-$1" "-$2" 2>/dev/null
  else signal_tree "$1" "$2"
  fi
}
signal_tree() {
  for process in /proc/[0-9]*; do
    { IFS= read -r stat <"$process/stat"; } 2>/dev/null || continue
    stat=${stat##*) }
    stat=${stat#* }
    [ "${stat%% *}" != "$2" ] || signal_tree "$1" "${process#/proc/}"
  done
  kill "-$1" "$2" 2>/dev/null
}
command_lives() {
  if [ -n "$setsid" ]; then kill -0 "-$1" 2>/dev/null
  else kill -0 "$1" 2>/dev/null
  fi
}
# terminate PID: the command has 10 s to end by itself.
terminate() {
  signal_command TERM "$1"
  read_clock
  end=$((now + 1000))
  while command_lives "$1"; do
    read_clock
    [ "$now" -lt "$end" ] || {
      signal_command KILL "$1"
      return 0
    }
    pause 0.05
  done
}
# watchdog PID DEADLINE STOPPABLE: ends the command at its deadline, even if the runner was killed. It gives up as soon
# as the command has ended.
watchdog() {
  identify "$1" || return 0
  watched=$token cause=deadline
  read_clock
  end=$((now + $2 * 100))
  while [ "$now" -lt "$end" ]; do
    if [ -n "$3" ] && [ -e "$change_dir/stop" ]; then
      cause=stopped
      break
    fi
    if [ -n "$3" ]; then pause 0.1; else pause 0.5; fi
    is_alive "$watched" || return 0
    read_clock
  done
  if is_running "$$"; then echo "$cause" >"$change_dir/ended"; fi
  terminate "$1"
}
# run_command DEADLINE STOPPABLE PORT COMMAND: the port is that of a PDS which the command takes down.
run_command() {
  if [ -n "$3" ]; then
    remember_accounts "$3"
    measure_outage "$3"
  fi
  [ ! -e "$change_dir/ended" ] || rm -f "$change_dir/ended"
  $setsid sh -c "$become_command" sh "$boot_id" "$change_dir/step" "$4" </dev/null >>"$log" 2>&1 &
  pid=$!
  watchdog "$pid" "$1" "$2" </dev/null >/dev/null 2>&1 &
  watchdog_pid=$!
  wait_for "$pid"
  if [ -e "$change_dir/ended" ]; then wait_for "$watchdog_pid" && exit_code=1
  else kill "$watchdog_pid" 2>/dev/null
  fi
  collect_facts
  true >"$change_dir/step"
  cause=''
  [ ! -e "$change_dir/ended" ] || read -r cause <"$change_dir/ended"
  case $cause in
  deadline) fail deadline "it was not done within $1 s, and was ended" "$(log_tail)" ;;
  stopped) fail stopped 'it was stopped' ;;
  *) [ "$exit_code" = 0 ] || fail exit-code "it ended with exit code $exit_code$(full_disk)" "$(log_tail)" ;;
  esac
}
# wait_for PID: sets $exit_code. A signal that the runner has caught ends "wait", while the process goes on.
wait_for() {
  while :; do
    wait "$1"
    exit_code=$?
    if [ "$exit_code" -le 128 ] || ! is_running "$1"; then return 0; fi
  done
}
# Moves the facts from the log to the journal.
collect_facts() {
  [ -s "$log" ] && grep -q '^kimbia-ops:fact ' "$log" || return 0
  sed -n 's/^kimbia-ops:fact \([A-Za-z][A-Za-z0-9]* .*\)$/\1/p' "$log" >"$change_dir/facts"
  while IFS= read -r line; do record "fact $line"; done <"$change_dir/facts"
  sed '/^kimbia-ops:fact /d' "$log" >"$change_dir/facts"
  mv -f "$change_dir/facts" "$log"
}
# Says whether a disk is full: the command could not write that to its log either.
full_disk() {
  full=''
  read -r random </proc/sys/kernel/random/uuid
  for file in "$state_dir/.room.$random" "$change_dir/room"; do
    (set -C && head -c 65536 /dev/zero >"$file") 2>/dev/null || full=${file%/*}
    rm -f "$file"
    [ -z "$full" ] || {
      printf ', and the disk of %s is full' "$full"
      return 0
    }
  done
}
log_tail() { tail -n 15 "$log" 2>/dev/null | tail -c 1500; }
