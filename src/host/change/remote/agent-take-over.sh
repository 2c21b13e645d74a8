# The agent takes over a change that no process holds any more, or removes a lock that was left.

adopt() {
  read -r want over line || exit 1
  is_wanted || decline
  stage ",$line" || refuse "$d cannot be written"
  if [ -e "$l" ]; then take "$l" "$staged" "$over" && got=1
  else ln "$staged" "$l" 2>/dev/null && got=1
  fi
  rm -f "$staged"
  [ -n "$got" ] || decline
  is_wanted || { rm -f "$l"; decline; }
  [ "$kept" = "$c" ] || why=$(bring_in 2>&1) || { rm -f "$l"; refuse "${why:-$p cannot be written}"; }
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
    if [ -f "$one" ] && [ ! -L "$one" ]; then cat "$one" >"$new/${one#"$kept"/}" || return 1
    fi
  done
  if [ -f "$new/run.sh" ]; then
    sed 's|^c=[$]d/change$|c=${0%/*}|' "$new/run.sh" >"$new/run.new" && mv "$new/run.new" "$new/run.sh" || return 1
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
  if alive "$over"; then kill "${over%%.*}"; fi
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
