/**
 * Functions of sh that replace a file and put it back. The text goes from file to file and never through an argument.
 * What a file must hold before is told by its SHA-256.
 */
export const runWrite = `sum_of() {
  set -- "$(sha256sum <"$1" 2>/dev/null)"
  sum=\${1%% *}
}
# NUMBER PATH WAS NEW
replace() {
  real=$(readlink -f "$2") && sum_of "$real"
  case $sum in
  "$4") return 0 ;;
  "$3") ;;
  *) changed "$2" || return 1 ;;
  esac
  keep "$c/files/$1.old" "$2" "$3" && put "$c/files/$1" "$4"
}
# NUMBER PATH WAS NEW
restore() {
  [ -e "$c/files/$1.old" ] || return 0
  real=$(readlink -f "$2") && sum_of "$real"
  rm -f "\${real%/*}/.\${real##*/}.kimbia-ops"
  case $sum in
  "$3") ;;
  "$4") put "$c/files/$1.old" "$3" ;;
  *) changed "$2" || fault changed-meanwhile "$why; what it held before is the newest \${2##*/}.* in $d/backups" ;;
  esac
}
changed() {
  if [ -e "$1" ]; then fault changed-meanwhile "$1 holds another text by now than the plan was made from"
  else fault changed-meanwhile "$1 is not there any more"
  fi
}
# KEPT PATH WAS: the old text, for the undo and for the operator
keep() {
  [ ! -e "$1" ] || return 0
  if ! why=$({ rm -f "$1.new" && cat "$real" >"$1.new"; } 2>&1); then
    rm -f "$1.new"
    fault not-written "$2 cannot be copied before it is changed: $why"
    return 1
  fi
  sum_of "$1.new"
  [ "$sum" = "$3" ] || { changed "$2"; return 1; }
  flush "$1.new"
  if ! back_up "$1.new" "\${2##*/}"; then
    fault not-written "$2 cannot be copied before it is changed: $why"
    return 1
  fi
  mv -f "$1.new" "$1" && flush "$c/files"
}
# TEXT NAME: two copies within a second do not meet, since the later one waits for the next second
back_up() {
  b=$d/backups
  if [ -L "$b" ]; then
    why="$b is a symbolic link"
    return 1
  fi
  why=$({ mkdir -p "$b" && chmod 700 "$b" && rm -f "$b/.new" && cat "$1" >"$b/.new"; } 2>&1) || {
    rm -f "$b/.new"
    return 1
  }
  tries=0
  until ln "$b/.new" "$b/$2.$(date -u +%Y%m%dT%H%M%SZ)" 2>/dev/null; do
    tries=$((tries + 1))
    if [ "$tries" -gt 30 ]; then
      why="no copy can be linked into $b"
      return 1
    fi
    sleep 0.1 2>/dev/null || sleep 1
  done
  flush "$b/.new" "$b"
  rm -f "$b/.new"
  set -- "$2" "$b/$2".[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z
  while [ $# -gt 11 ]; do
    rm -f "$2"
    one=$1
    shift 2
    set -- "$one" "$@"
  done
}
# TEXT SUM: into $real, whole or not at all
put() {
  tmp=\${real%/*}/.\${real##*/}.kimbia-ops
  why=$({ rm -f "$tmp" && cp -p "$real" "$tmp" && cat "$1" >"$tmp"; } 2>&1) && {
    flush "$tmp"
    sum_of "$tmp"
    [ "$sum" = "$2" ] || why='it does not hold what was written to it'
    [ "$sum" = "$2" ] && why=$(mv -f "$tmp" "$real" 2>&1)
  } || {
    rm -f "$tmp"
    fault not-written "$real cannot be written, and is as it was: $why"
    return 1
  }
  flush "\${real%/*}"
}
`
