# The agent takes the lock. The whole change comes in one line, is put together beside "change", and becomes it by a
# rename once the lock is ours. A line that was cut off leaves nothing. "head" reads it in blocks, "read" would go byte by
# byte; nothing follows on the line before it is answered.

withdraw() {
  rm -f "$staged"
  [ -n "$new" ] || return 0
  holder "$l"
  [ "$seen" != "$mine" ] || rm -f "$l"
  rm -rf "$new"
}
receive() {
  mkdir "$new" "$new/files" && : >"$new/journal" || return 1
  n=0 split=
  for one in id holder plan.json run.sh $writes whole; do
    n=$((n + 1))
    split="$split${n}w ${one%:open}
"
  done
  head -n 1 | sed 's/%f/\
/g' | { cd "$new" && sed -n 's/%n/\
/g
s/%p/%/g'"
$split"; } || return 1
  { read -r whole <"$new/whole"; } 2>/dev/null
  case $whole in . | .run) IFS= read -r line <"$new/holder" || return 1 ;; *) return 1 ;; esac
  for one in $writes; do
    # sed ends every text with a line break.
    case $one in *:open)
      text=$(cat "$new/${one%:open}") && printf %s "$text" >"$new/${one%:open}" || return 1
      ;;
    esac
  done
  stage ",$line" || return 1
  flush "$new"/* "$new"/files/* "$new" "$staged"
}
# REST: a lock that is not in its place yet; a shell does not say why it cannot be written, and tee does
stage() {
  (set -C && printf '{"token":"%s"%s\n' "$mine" "$1" >"$staged") 2>/dev/null && return 0
  echo | tee "$staged" >/dev/null
  rm -f "$staged"
  return 1
}
have_lock() {
  if [ -n "$over" ] && [ -e "$l" ]; then take "$l" "$staged" "$over"
  else why=$(ln "$staged" "$l" 2>&1)
  fi
}
# For those who look there, and for earlier versions, which follow no link and so begin nothing.
point() {
  [ "$p" != "$d" ] || return 0
  [ ! -L "$d/change" ] || rm -f "$d/change"
  ln -s "$c" "$d/change" 2>/dev/null
}
place() {
  over= over_id=
  while :; do
    if have_lock; then
      stands || break
      there=
      { read -r there <"$kept/id"; } 2>/dev/null
      if [ -n "$over_id" ] && [ "$there" = "$over_id" ]; then
        archive && break
        refuse "$kept cannot be put away"
      fi
      rm -f "$l"
    elif [ ! -e "$l" ]; then
      case $why in *'File exists'* | '') continue ;; *) refuse "$why" ;; esac
    fi
    tell there "$(standing)"
    read -r what over over_id || exit 1
    [ "$what" = replace ] || exit 1
    [ "$over" != none ] || over=
  done
  mv "$new" "$c" || refuse "$c cannot be made"
  new=
  rm -f "$staged"
  point
  for old in "$p"/.new.*; do
    [ ! -d "$old" ] || started "${old##*.}" || rm -rf "$old"
  done
}
