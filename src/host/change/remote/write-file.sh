# Replaces a file and puts it back. The text goes from file to file and never through an argument. The SHA-256 tells what
# a file must hold before. Each program that is started costs about as long as all the rest, and signups stay open
# meanwhile: hence one copy, one sum and one flush before the rename.

sum_of() {
  set -- "$(sha256sum <"$1" 2>/dev/null)"
  sum=${1%% *}
}
# NUMBER PATH
locate() {
  real=$2
  [ ! -L "$2" ] || real=$(readlink -f "$2")
  new=$c/files/$1 old=$c/files/$1.old tmp=${real%/*}/.${real##*/}.kimbia-ops b=$d/backups
}
# An old one may be another name of a copy that is kept: it must not be written into.
clear_away() {
  for one; do
    [ ! -e "$one" ] && [ ! -L "$one" ] || rm -f "$one"
  done
}
# NUMBER PATH WAS NEW: what was begun before is either done, or begun anew
replace() {
  locate "$1" "$2"
  if [ -e "$old" ]; then
    sum_of "$real"
    case $sum in
    "$4") return 0 ;;
    "$3") ;;
    *) changed "$2" || return 1 ;;
    esac
  fi
  clear_away "$old.new" "$b/.new" "$tmp"
  prepare "$2" "$3" "$4" && settle_in
  rc=$?
  clear_away "$old.new" "$b/.new" "$tmp"
  return "$rc"
}
# PATH WAS NEW: the old text for the undo and for the operator, and the new one beside the file
prepare() {
  if [ -L "$b" ]; then
    fault not-written "$1 cannot be copied before it is changed: $b is a symbolic link"
    return 1
  fi
  [ -e "$real" ] || { changed "$1"; return 1; }
  if ! why=$({ { [ -d "$b" ] || mkdir "$b"; } && set -C && tee "$old.new" <"$real" >"$b/.new"; } 2>&1); then
    fault not-written "$1 cannot be copied before it is changed: $why"
    return 1
  fi
  why=$({ cp -p "$real" "$tmp" && cat "$new" >"$tmp"; } 2>&1) || { not_put; return 1; }
  sums=$(sha256sum "$old.new" "$b/.new" "$tmp" 2>/dev/null) || { why='it cannot be read back' && not_put; return 1; }
  # A name with a line break in it has a backslash before its sum.
  was=${sums%% *} sums=${sums#*"$nl"}
  kept=${sums%% *} sums=${sums#*"$nl"}
  now=${sums%% *}
  if [ "${was#\\}" != "${kept#\\}" ]; then
    fault not-written "$1 cannot be copied before it is changed: the copy in $b does not hold what it holds"
    return 1
  fi
  case ${was#\\} in
  "$3") already=1 ;;
  "$2") already= ;;
  *) changed "$1" || return 1 ;;
  esac
  [ "${now#\\}" = "$3" ] || { why='it does not hold what was written to it' && not_put; return 1; }
  [ -n "$already" ] || back_up "${1##*/}" || {
    fault not-written "$1 cannot be copied before it is changed: $why"
    return 1
  }
}
not_put() { fault not-written "$real cannot be written, and is as it was: $why"; }
changed() {
  if [ -e "$1" ]; then fault changed-meanwhile "$1 holds another text by now than the plan was made from"
  else fault changed-meanwhile "$1 is not there any more"
  fi
}
# NAME: two copies within a second do not meet, since the later one waits for the next second
back_up() {
  tries=0
  while copy=$b/$1.$(date -u +%Y%m%dT%H%M%SZ) && { [ -e "$copy" ] || [ -L "$copy" ]; }; do
    tries=$((tries + 1))
    if [ "$tries" -gt 30 ]; then
      why="$copy is there already"
      return 1
    fi
    sleep 0.1 2>/dev/null || sleep 1
  done
  why=$(mv -f "$b/.new" "$copy" 2>&1) || return 1
  set -- "$1" "$b/$1".[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z
  while [ $# -gt 11 ]; do
    rm -f "$2"
    one=$1
    shift 2
    set -- "$one" "$@"
  done
}
settle_in() {
  [ -z "$already" ] || return 0
  why=$(mv -f "$old.new" "$old" 2>&1) || { not_put; return 1; }
  flush "$old" "$c/files" "$copy" "$b" "$tmp"
  put || { not_put; return 1; }
}
put() {
  why=$(mv -f "$tmp" "$real" 2>&1) || return 1
  flush "${real%/*}"
}
# NUMBER PATH WAS NEW
restore() {
  locate "$1" "$2"
  clear_away "$tmp" "$old.new" "$b/.new"
  [ -e "$old" ] || return 0
  sum_of "$real"
  case $sum in
  "$3") ;;
  "$4") put_back "$3" ;;
  *) changed "$2" || fault changed-meanwhile "$why; what it held before is the newest ${2##*/}.* in $b" ;;
  esac
}
# SUM: whole or not at all
put_back() {
  why=$({ cp -p "$real" "$tmp" && cat "$old" >"$tmp"; } 2>&1) && {
    sum_of "$tmp"
    [ "$sum" = "$1" ] || why='it does not hold what was written to it'
    [ "$sum" = "$1" ] && flush "$tmp" && put
  } || {
    rm -f "$tmp"
    not_put
    return 1
  }
}
