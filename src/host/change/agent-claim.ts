import { fromOneLine } from '../../ssh/session/line-encoding.ts'

/**
 * Functions of sh that take the lock. The whole change comes in one line, is put together beside `change`, and becomes
 * it by a rename once the lock is ours; a line that was cut off leaves nothing. `head` reads it in blocks, where
 * `read` would go byte by byte; nothing follows on the line before it is answered.
 */
export const claim = `withdraw() {
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
  stage ",$line" || return 1
  flush "$new"/* "$new"/files/* "$new" "$staged"
}
# REST: a lock that is not in its place yet; a shell does not say why it cannot be written, and tee does
stage() {
  (set -C && printf '{"token":"%s"%s\\n' "$mine" "$1" >"$staged") 2>/dev/null && return 0
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
    [ ! -d "$old" ] || started "\${old##*.}" || rm -rf "$old"
  done
}
`

/** Functions of sh that take over a change that nobody holds any more, or remove a lock that was left. */
export const takeOver = `adopt() {
  read -r want over line || exit 1
  is_wanted || decline
  stage ",$line" || refuse "$d cannot be written"
  if [ -e "$l" ]; then take "$l" "$staged" "$over" && got=1
  else ln "$staged" "$l" 2>/dev/null && got=1
  fi
  rm -f "$staged"
  [ -n "$got" ] || decline
  is_wanted || { rm -f "$l"; decline; }
  [ "$kept" = "$c" ] || why=$(bring_in 2>&1) || { rm -f "$l"; refuse "\${why:-$p cannot be written}"; }
  kept=$c
  point
}
decline() { tell there "$(standing)"; exit 0; }
# One that lies where others may write is taken over only where that was agreed to, and nobody works on it there.
is_wanted() {
  stands
  there=
  { read -r there <"$kept/id"; } 2>/dev/null
  [ "$there" = "$want" ] || return 1
  [ "$kept" = "$c" ] || { [ -n "$unverified" ] && ! works "$kept"; }
}
works() { token_in "$1/runner" && alive "$found"; }
# Brings a change of an earlier version to where only root may write; its program knows its own place by then.
bring_in() {
  new=$p/.new.$$
  mkdir "$new" "$new/files" && : >"$new/journal" || return 1
  for one in "$kept"/* "$kept"/files/*; do
    if [ -f "$one" ] && [ ! -L "$one" ]; then cat "$one" >"$new/\${one#"$kept"/}" || return 1
    fi
  done
  if [ -f "$new/run.sh" ]; then
    sed 's|^c=[$]d/change$|c=$\{0%/*}|' "$new/run.sh" >"$new/run.new" && mv "$new/run.new" "$new/run.sh" || return 1
  fi
  flush "$new"/* "$new"/files/* "$new"
  mv "$new" "$c" && rm -rf "$kept" && flush "$p"
}
release() {
  read -r over || exit 1
  stands
  if works "$kept"; then
    echo busy
    exit 0
  fi
  stage '}' || refuse "$d cannot be written"
  if [ "$over" = none ]; then over=; fi
  if alive "$over"; then kill "\${over%%.*}"; fi
  n=0
  while alive "$over" && [ "$n" -lt 40 ]; do n=$((n + 1)); sleep 0.05 2>/dev/null || sleep 1; done
  holder "$l"
  if [ -n "$over" ]; then take "$l" "$staged" "$over" && got=1
  else [ -z "$seen" ] && got=1
  fi
  rm -f "$staged"
  [ -n "$got" ] || { echo busy; exit 0; }
  rm -f "$l"
  echo ok
  exit 0
}
`
