# The runner: carries out the steps of a change, or undoes them, and writes each down before and after. No operator needs
# to be connected. compile.ts puts $state_dir, $change_dir, $steps, $undo_order and $ports before it, and the functions
# do_N and undo_N of each step after it. $ports has N:PORT for each step that takes down the PDS on that port.
#
# The journal has a line for each event: "begin N", "done N", "failed N CODE MESSAGE", "undo N", "undone N",
# "undo-failed N CODE MESSAGE", "fact NAME VALUE", "end done|undone|stuck". A line that was cut off ends with \003.

journal=$change_dir/journal backups=$state_dir/backups log=/dev/null
code='' reason='' torn='' outage_pid='' pre_probe_pid=''
# The numbers of the steps, each with a space on both sides.
begun=' ' finished=' ' undone=' '
torn_mark=$(printf '\003')
# includes NUMBERS NUMBER
includes() { case $1 in *" $2 "*) ;; *) return 1 ;; esac; }
# record LINE: writes a line to the journal. A "done" that is lost is only repeated; all other events are on the disk
# before the runner goes on.
record() {
  if printf '%s\n' "$torn$*" >>"$journal"; then torn=''
  else
    # Part of the line may have been written: the next one begins by ending it.
    torn=$torn_mark$newline
    return 1
  fi
  case $1 in
  fact*) return 0 ;;
  done*) ;;
  # The directory too: the change was renamed into it just now.
  *) flush "$journal" "${change_dir%/*}" ;;
  esac
  notify
}
# Wakes the agent, if there is one.
notify() { [ ! -p "$change_dir/bell" ] || echo 1<>"$change_dir/bell"; }
# fail CODE SENTENCE [LINES]
fail() {
  code=$1 reason="$2${3:+:$newline$3}"
  return 1
}
one_line() { printf '%s' "$1" | tr '\n\002\003' '\001  '; }
# Takes up what the journal of an earlier run says.
read_journal() {
  [ ! -s "$journal" ] || [ -z "$(tail -c 1 "$journal")" ] || printf '%s\n' "$torn_mark" >>"$journal"
  while read -r event index rest; do
    case $event$index$rest in *"$torn_mark") continue ;; esac
    case $index in '' | *[!0-9]*) continue ;; esac
    case $event in
    begin) begun="$begun$index " ;;
    done) finished="$finished$index " ;;
    failed | undo | undo-failed) undoing=1 ;;
    undone) undoing=1 undone="$undone$index " ;;
    esac
  done <"$journal"
}
# Ends the command that a killed runner has left running, before it is begun again.
end_stray() {
  if process_in "$change_dir/step"; then terminate "${found%%.*}"; fi
}
begin_step() {
  log=$change_dir/step-$1.log
  if [ -e "$change_dir/stop" ]; then
    fail stopped 'it was stopped before this step'
    return 1
  fi
  if ! record "begin $1"; then
    fail not-written "$journal cannot be written"
    return 1
  fi
  begun="$begun$1 "
  true >"$log"
  "do_$1"
}
run_steps() {
  for step in $steps; do
    ! includes "$finished" "$step" || continue
    for pair in $ports; do
      [ "${pair%%:*}" != "$((step + 1))" ] || pre_probe "${pair#*:}"
    done
    if ! begin_step "$step"; then
      record "failed $step $code $(one_line "$reason")"
      undo_steps
      return
    fi
    record "done $step"
  done
  record_outage unknown
  record 'end done'
}
undo_steps() {
  stuck=''
  for step in $undo_order; do
    if ! includes "$begun" "$step" || includes "$undone" "$step"; then continue; fi
    log=$change_dir/step-$step.log
    record "undo $step"
    undo_code=''
    "undo_$step"
    if [ -z "$undo_code" ]; then record "undone $step"
    else
      stuck=1
      record "undo-failed $step $undo_code $(one_line "$undo_reason")"
    fi
  done
  record_outage unknown
  if [ -n "$stuck" ]; then record 'end stuck'
  else record 'end undone'
  fi
}
# attempt COMMAND...: one part of the undo of a step. The next parts run even if it fails; the first failure is kept.
attempt() {
  "$@" || [ -n "$undo_code" ] || undo_code=$code undo_reason=$reason
}
# Only one runner works on a change: it holds $change_dir/runner.
claim_change() {
  staged=$change_dir/.runner.$$
  # An earlier process with this pid may have left one, and it may be a name of the file of another runner.
  [ ! -e "$staged" ] || rm -f "$staged"
  printf '{"token":"%s"}\n' "$own_token" >"$staged"
  ln "$staged" "$change_dir/runner" 2>/dev/null && return 0
  find_holder "$change_dir/runner"
  ! is_alive "$holder" && take_over "$change_dir/runner" "$staged" "$holder" && return 0
  rm -f "$staged"
  return 1
}
# main run|undo
main() {
  umask 077
  cd / || exit 1
  # Commands have a process group of their own if there is setsid. Else they share the signals of the runner, and must
  # ignore them as it does.
  if [ -n "$setsid" ]; then trap : HUP INT PIPE
  else trap '' HUP INT PIPE
  fi
  identify "$$"
  own_token=$token
  claim_change || exit 0
  end_stray
  undoing=''
  read_journal
  if [ "$1" = undo ] || [ -n "$undoing" ]; then undo_steps
  else run_steps
  fi
}
