# Carries out the steps of a change, or undoes them, and writes each down before and after.

j=$c/journal torn= meter= seer= log=/dev/null code= why=
cut=
# A done that is lost is repeated; anything else is on the disk before what follows it.
note() {
  if printf '%s\n' "$torn$*" >>"$j"; then torn=
  else
    torn="$cut
"
    return 1
  fi
  case $1 in
  fact*) return 0 ;;
  done*) ;;
  # The first line that counts makes the change itself last, which was put into its place just now.
  *) flush "$j" "${c%/*}" ;;
  esac
  ring
}
# The bell is heard where somebody listens, and lost where nobody does.
ring() { [ ! -p "$c/bell" ] || echo 1<>"$c/bell"; }
# CODE SENTENCE [LINES]
fault() {
  code=$1 why="$2${3:+:$nl$3}"
  return 1
}
in_a_line() { printf '%s' "$why" | tr '\n\002\003' '\001  '; }
recall() {
  [ ! -s "$j" ] || [ -z "$(tail -c 1 "$j")" ] || printf '%s\n' "$cut" >>"$j"
  while read -r what i rest; do
    case $what$i$rest in *"$cut") continue ;; esac
    case $i in '' | *[!0-9]*) continue ;; esac
    case $what in
    begin) eval "begun_$i=1" ;;
    done) eval "done_$i=1" ;;
    failed) undoing=1 ;;
    undo) undoing=1 ;;
    undone) undoing=1 && eval "undone_$i=1" ;;
    undo-failed) undoing=1 ;;
    esac
  done <"$j"
}
# What was under way when the runner was cut off is ended before it is begun again.
end_stray() {
  if token_in "$c/step" && alive "$found"; then put_down "${found%%.*}"; fi
}
begin_step() {
  log=$c/step-$1.log
  if [ -e "$c/stop" ]; then
    fault stopped 'it was stopped before this step'
    return 1
  fi
  if ! note "begin $1"; then
    fault not-written "$j cannot be written"
    return 1
  fi
  eval "begun_$1=1"
  true >"$log"
  "do_$1"
}
forth() {
  for i in $steps; do
    eval "is=\$done_$i"
    [ -z "$is" ] || continue
    current=$i
    eval "port=\$port_$((i + 1))"
    [ -z "$port" ] || foresee "$port"
    if ! begin_step "$current"; then
      note "failed $current $code $(in_a_line)"
      back
      return
    fi
    note "done $current"
  done
  tell_outage
  note 'end done'
}
back() {
  stuck=
  for k in $backwards; do
    eval "is=\$begun_$k was=\$undone_$k"
    [ -n "$is" ] && [ -z "$was" ] || continue
    log=$c/step-$k.log
    note "undo $k"
    broke=
    "undo_$k"
    if [ -z "$broke" ]; then note "undone $k"
    else
      stuck=1 code=$broke why=$broke_why
      note "undo-failed $k $code $(in_a_line)"
    fi
  done
  tell_outage
  if [ -n "$stuck" ]; then note 'end stuck'
  else note 'end undone'
  fi
}
# COMMAND...: one undo of a step; the others follow even where it fails, and the first failure is the one that is told
try() {
  "$@" || { [ -n "$broke" ] || broke=$code broke_why=$why; }
}
main() {
  umask 077
  cd / || exit 1
  if [ -n "$sid" ]; then trap : HUP INT PIPE
  else trap '' HUP INT PIPE
  fi
  identify "$$"
  mine=$token
  # One of the same number may have left its own there, which is another name of what it became.
  [ ! -e "$c/.runner.$$" ] || rm -f "$c/.runner.$$"
  printf '{"token":"%s"}\n' "$mine" >"$c/.runner.$$"
  if ! ln "$c/.runner.$$" "$c/runner" 2>/dev/null; then
    holder "$c/runner"
    if alive "$seen" || ! take "$c/runner" "$c/.runner.$$" "$seen"; then
      rm -f "$c/.runner.$$"
      exit 0
    fi
  fi
  end_stray
  undoing=
  recall
  if [ "$1" = undo ] || [ -n "$undoing" ]; then back
  else forth
  fi
}
