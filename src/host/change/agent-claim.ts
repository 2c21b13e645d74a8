import { fromOneLine } from '../../ssh/one-line.ts'

/**
 * Functions of sh that take the lock. The whole change comes in one line, is put together beside `change`, and becomes
 * it by a rename once the lock is ours; a line that was cut off leaves nothing. `head` reads it in blocks, where
 * `read` would go byte by byte; nothing follows on the line before it is answered.
 */
export const claim = `withdraw() {
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
    split="$split\${n}w \${one%:open}
"
  done
  head -n 1 | sed 's/%f/\\
/g' | { cd "$new" && sed -n '${fromOneLine}'"
$split"; } || return 1
  { read -r whole <"$new/whole"; } 2>/dev/null
  case $whole in . | .run) IFS= read -r line <"$new/holder" || return 1 ;; *) return 1 ;; esac
  for one in $writes; do
    # sed ends every text with a line break.
    case $one in *:open)
      text=$(cat "$new/\${one%:open}") && printf %s "$text" >"$new/\${one%:open}" || return 1
      ;;
    esac
  done
  make_lock "$new/lock" "$line" || return 1
  flush "$new"/* "$new"/files/* "$new"
}
make_lock() { printf '{"token":"%s",%s\\n' "$mine" "$2" >"$1"; }
have_lock() {
  if [ -n "$over" ] && [ -e "$l" ]; then take "$l" "$new/lock" "$over"
  else why=$(ln "$new/lock" "$l" 2>&1)
  fi
}
place() {
  over= over_id=
  while :; do
    if have_lock; then
      [ -e "$c" ] || break
      there=
      { read -r there <"$c/id"; } 2>/dev/null
      if [ -n "$over_id" ] && [ "$there" = "$over_id" ]; then
        archive && break
        refuse "$c cannot be moved to last"
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
  for old in "$d"/.new.*; do
    [ ! -d "$old" ] || started "\${old##*.}" || rm -rf "$old"
  done
}
`

/** Functions of sh that take over a change that nobody holds any more, or remove a lock that was left. */
export const takeOver = `adopt() {
  read -r want over line || exit 1
  make_lock "$d/.lock.$$" "$line" || refuse "$d cannot be written"
  there=
  { read -r there <"$c/id"; } 2>/dev/null
  [ "$there" = "$want" ] || { rm -f "$d/.lock.$$"; tell there "$(standing)"; exit 0; }
  if [ -e "$l" ]; then take "$l" "$d/.lock.$$" "$over" && got=1
  else ln "$d/.lock.$$" "$l" 2>/dev/null && got=1
  fi
  rm -f "$d/.lock.$$"
  [ -n "$got" ] || { tell there "$(standing)"; exit 0; }
  there=
  { read -r there <"$c/id"; } 2>/dev/null
  [ "$there" = "$want" ] || { rm -f "$l"; tell there "$(standing)"; exit 0; }
}
release() {
  read -r over || exit 1
  if token_in "$c/runner" && alive "$found"; then
    echo busy
    exit 0
  fi
  printf '{"token":"%s"}\\n' "$mine" >"$d/.lock.$$" || refuse "$d cannot be written"
  if [ "$over" = none ]; then over=; fi
  if alive "$over"; then kill "\${over%%.*}"; fi
  n=0
  while alive "$over" && [ "$n" -lt 40 ]; do n=$((n + 1)); sleep 0.05 2>/dev/null || sleep 1; done
  holder "$l"
  if [ -n "$over" ]; then take "$l" "$d/.lock.$$" "$over" && got=1
  else [ -z "$seen" ] && got=1
  fi
  rm -f "$d/.lock.$$"
  [ -n "$got" ] || { echo busy; exit 0; }
  rm -f "$l"
  echo ok
  exit 0
}
`
