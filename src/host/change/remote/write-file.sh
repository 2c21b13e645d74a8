# Replaces a file, and puts it back. Its text goes from file to file, never through an argument. SHA-256 sums tell what
# the file must hold before.
# Each program that is started takes about as long as all the rest, and signups stay open meanwhile. So there is one
# copy, one sum and one flush before the rename.

# sum_of FILE: sets $sum.
sum_of() {
  set -- "$(sha256sum <"$1" 2>/dev/null)"
  sum=${1%% *}
}
# locate NUMBER PATH: sets the paths of the file, its new text, its old text, and the new file beside it.
locate() {
  target=$2
  [ ! -L "$2" ] || target=$(readlink -f "$2")
  new=$change_dir/files/$1
  old=$change_dir/files/$1.old
  beside=${target%/*}/.${target##*/}.kimbia-ops
}
# clear_away FILE...: such a file may be another name of a copy that is kept, so it must not be written into.
clear_away() {
  for file; do
    if [ -e "$file" ] || [ -L "$file" ]; then rm -f "$file"; fi
  done
}
# replace_file NUMBER PATH OLD_SUM NEW_SUM: what an earlier run has begun is either done, or begun anew.
replace_file() {
  locate "$1" "$2"
  if [ -e "$old" ]; then
    sum_of "$target"
    case $sum in
    "$4") return 0 ;;
    "$3") ;;
    *) fail_changed "$2" || return 1 ;;
    esac
  fi
  clear_away "$old.new" "$backups/.new" "$beside"
  prepare_file "$2" "$3" "$4" && move_into_place
  exit_code=$?
  clear_away "$old.new" "$backups/.new" "$beside"
  return "$exit_code"
}
# prepare_file PATH OLD_SUM NEW_SUM: copies the old text for the undo and for the operator, and writes the new text
# beside the file.
prepare_file() {
  if [ -L "$backups" ]; then
    fail_backup "$1" "$backups is a symbolic link"
    return 1
  fi
  [ -e "$target" ] || fail_changed "$1" || return 1
  if ! reason=$({ { [ -d "$backups" ] || mkdir "$backups"; } && set -C &&
    tee "$old.new" <"$target" >"$backups/.new"; } 2>&1); then
    fail_backup "$1" "$reason"
    return 1
  fi
  reason=$({ cp -p "$target" "$beside" && cat "$new" >"$beside"; } 2>&1) || fail_write || return 1
  sums=$(sha256sum "$old.new" "$backups/.new" "$beside" 2>/dev/null) || {
    reason='it cannot be read back'
    fail_write
    return 1
  }
  # sha256sum puts a backslash before the sum of a file with a line break in its name.
  old_sum=${sums%% *} sums=${sums#*"$newline"}
  backup_sum=${sums%% *} sums=${sums#*"$newline"}
  new_sum=${sums%% *}
  if [ "${old_sum#\\}" != "${backup_sum#\\}" ]; then
    fail_backup "$1" "the copy in $backups does not hold what it holds"
    return 1
  fi
  case ${old_sum#\\} in
  "$3") already=1 ;;
  "$2") already='' ;;
  *) fail_changed "$1" || return 1 ;;
  esac
  [ "${new_sum#\\}" = "$3" ] || {
    reason='it does not hold what was written to it'
    fail_write
    return 1
  }
  [ -n "$already" ] || back_up "${1##*/}" || fail_backup "$1" "$reason" || return 1
}
fail_write() { fail not-written "$target cannot be written, and is as it was: $reason"; }
# fail_backup PATH REASON
fail_backup() { fail not-written "$1 cannot be copied before it is changed: $2"; }
# fail_changed PATH
fail_changed() {
  if [ -e "$1" ]; then fail changed-meanwhile "$1 holds another text by now than the plan was made from"
  else fail changed-meanwhile "$1 is not there any more"
  fi
}
# back_up NAME: sets $copy, and keeps the newest ten. The name has the second: a later copy waits for the next second.
back_up() {
  tries=0
  while copy=$backups/$1.$(date -u +%Y%m%dT%H%M%SZ) && { [ -e "$copy" ] || [ -L "$copy" ]; }; do
    tries=$((tries + 1))
    if [ "$tries" -gt 30 ]; then
      reason="$copy is there already"
      return 1
    fi
    pause 0.1
  done
  reason=$(mv -f "$backups/.new" "$copy" 2>&1) || return 1
  set -- "$backups/$1".[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z
  while [ $# -gt 10 ]; do
    rm -f "$1"
    shift
  done
}
move_into_place() {
  [ -z "$already" ] || return 0
  reason=$(mv -f "$old.new" "$old" 2>&1) || fail_write || return 1
  flush "$old" "$change_dir/files" "$copy" "$backups" "$beside"
  rename_file || fail_write || return 1
}
rename_file() {
  reason=$(mv -f "$beside" "$target" 2>&1) || return 1
  flush "${target%/*}"
}
# restore_file NUMBER PATH OLD_SUM NEW_SUM
restore_file() {
  locate "$1" "$2"
  clear_away "$beside" "$old.new" "$backups/.new"
  [ -e "$old" ] || return 0
  sum_of "$target"
  case $sum in
  "$3") ;;
  "$4") put_back "$3" ;;
  *) fail_changed "$2" || fail changed-meanwhile "$reason; what it held before is the newest ${2##*/}.* in $backups" ;;
  esac
}
# put_back OLD_SUM: the whole file or nothing of it.
put_back() {
  if reason=$({ cp -p "$target" "$beside" && cat "$old" >"$beside"; } 2>&1); then
    sum_of "$beside"
    if [ "$sum" != "$1" ]; then reason='it does not hold what was written to it'
    elif flush "$beside" && rename_file; then return 0
    fi
  fi
  rm -f "$beside"
  fail_write
}
