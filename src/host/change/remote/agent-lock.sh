# The agent takes the lock for a new change. The whole change comes in one line. It is put together in $new_dir, which
# is renamed to $change_dir once the lock is held. A line that was cut off leaves nothing behind.

# Removes the new change, and the lock if it is held.
withdraw() {
  rm -f "$staged_lock"
  [ -n "$new_dir" ] || return 0
  find_holder "$lock"
  [ "$holder" != "$own_token" ] || rm -f "$lock"
  rm -rf "$new_dir"
}
# Reads the line and writes its parts to files. "head" reads in blocks, "read" would read byte by byte. The operator
# sends nothing more until there is an answer, so "head" takes nothing that belongs to a later line.
receive() {
  mkdir "$new_dir" "$new_dir/files" && : >"$new_dir/journal" || return 1
  count=0 split=''
  for name in id holder plan.json run.sh $writes whole; do
    count=$((count + 1))
    split="$split${count}w ${name%:open}
"
  done
  head -n 1 | sed 's/%f/\
/g' | { cd "$new_dir" && sed -n "$decode_line
$split"; } || return 1
  { read -r whole <"$new_dir/whole"; } 2>/dev/null
  case $whole in . | .run) IFS= read -r holder_line <"$new_dir/holder" || return 1 ;; *) return 1 ;; esac
  for name in $writes; do
    case $name in
    # This text does not end with a line break, and sed has added one.
    *:open)
      text=$(cat "$new_dir/${name%:open}") && printf %s "$text" >"$new_dir/${name%:open}" || return 1
      ;;
    esac
  done
  stage_lock ",$holder_line" || return 1
  flush "$new_dir"/* "$new_dir"/files/* "$new_dir" "$staged_lock"
}
# stage_lock REST_OF_LINE: writes the lock beside its place. Only tee says why the file cannot be written.
stage_lock() {
  (set -C && printf '{"token":"%s"%s\n' "$own_token" "$1" >"$staged_lock") 2>/dev/null && return 0
  echo | tee "$staged_lock" >/dev/null
  rm -f "$staged_lock"
  return 1
}
try_lock() {
  if [ -n "$old_token" ] && [ -e "$lock" ]; then take_over "$lock" "$staged_lock" "$old_token"
  else reason=$(ln "$staged_lock" "$lock" 2>&1)
  fi
}
# Leaves a link to the change beside the lock. People look there, and so do earlier versions: they follow no link, and
# so begin no change.
link_change() {
  [ "$place" != "$state_dir" ] || return 0
  [ ! -L "$state_dir/change" ] || rm -f "$state_dir/change"
  ln -s "$change_dir" "$state_dir/change" 2>/dev/null
}
# Takes the lock and puts the change into its place. Where another change is pending, the operator hears of it, and may
# answer that it is over and to be replaced.
begin() {
  old_token='' old_id=''
  while :; do
    if try_lock; then
      find_pending || break
      id=''
      { read -r id <"$pending_dir/id"; } 2>/dev/null
      if [ -n "$old_id" ] && [ "$id" = "$old_id" ]; then
        archive && break
        refuse "$pending_dir cannot be put away"
      fi
      rm -f "$lock"
    elif [ ! -e "$lock" ]; then
      # The lock was given back just now, or cannot be made at all.
      case $reason in *'File exists'* | '') continue ;; *) refuse "$reason" ;; esac
    fi
    answer there "$(print_lock_state)"
    read -r word old_token old_id || exit 1
    [ "$word" = replace ] || exit 1
    [ "$old_token" != none ] || old_token=''
  done
  mv "$new_dir" "$change_dir" || refuse "$change_dir cannot be made"
  new_dir=''
  rm -f "$staged_lock"
  link_change
  # What killed agents have left.
  for dir in "$place"/.new.*; do
    [ ! -d "$dir" ] || is_running "${dir##*.}" || rm -rf "$dir"
  done
}
