# The agent takes over a change whose agent is dead, or removes a lock that was left behind.

adopt() {
  read -r wanted_id old_token holder_line || exit 1
  is_wanted || decline
  stage_lock ",$holder_line" || refuse "$state_dir cannot be written"
  if [ -e "$lock" ]; then take_over "$lock" "$staged_lock" "$old_token" && acquired=1
  else ln "$staged_lock" "$lock" 2>/dev/null && acquired=1
  fi
  rm -f "$staged_lock"
  [ -n "$acquired" ] || decline
  is_wanted || {
    rm -f "$lock"
    decline
  }
  [ "$pending_dir" = "$change_dir" ] || reason=$(bring_in 2>&1) || {
    rm -f "$lock"
    refuse "${reason:-$place cannot be written}"
  }
  pending_dir=$change_dir
  link_change
}
decline() {
  answer there "$(print_lock_state)"
  exit 0
}
# Whether the pending change is the one to take over. The container can write to a change that lies beside the lock: it
# is taken over only if the operator has agreed to that, and no runner works on it.
is_wanted() {
  find_pending
  id=''
  { read -r id <"$pending_dir/id"; } 2>/dev/null
  [ "$id" = "$wanted_id" ] || return 1
  [ "$pending_dir" = "$change_dir" ] || { [ -n "$unverified" ] && ! process_in "$pending_dir/runner"; }
}
# Copies a change of an earlier version to where only root can write. The program of an earlier version looks for its
# change beside the lock; the copy looks where it lies itself, as the programs of today do.
bring_in() {
  new_dir=$place/.new.$$
  mkdir "$new_dir" "$new_dir/files" && : >"$new_dir/journal" || return 1
  for file in "$pending_dir"/* "$pending_dir"/files/*; do
    if [ -f "$file" ] && [ ! -L "$file" ]; then cat "$file" >"$new_dir/${file#"$pending_dir"/}" || return 1
    fi
  done
  if [ -f "$new_dir/run.sh" ]; then
    # shellcheck disable=SC2016 # the text of the other program
    sed 's|^c=[$]d/change$|c=${0%/*}|' "$new_dir/run.sh" >"$new_dir/run.new" &&
      mv "$new_dir/run.new" "$new_dir/run.sh" || return 1
  fi
  flush "$new_dir"/* "$new_dir"/files/* "$new_dir"
  mv "$new_dir" "$change_dir" && rm -rf "$pending_dir" && flush "$place"
}
# Removes the lock, and ends the agent that holds it, unless a runner is at work.
break_lock() {
  read -r old_token || exit 1
  find_pending
  if process_in "$pending_dir/runner"; then
    echo busy
    exit 0
  fi
  stage_lock '}' || refuse "$state_dir cannot be written"
  if [ "$old_token" = none ]; then old_token=''; fi
  if is_alive "$old_token"; then kill "${old_token%%.*}"; fi
  count=0
  while is_alive "$old_token" && [ "$count" -lt 40 ]; do
    count=$((count + 1))
    pause 0.05
  done
  find_holder "$lock"
  if [ -n "$old_token" ]; then take_over "$lock" "$staged_lock" "$old_token" && acquired=1
  elif [ -z "$holder" ]; then acquired=1
  fi
  rm -f "$staged_lock"
  if [ -z "$acquired" ]; then
    echo busy
    exit 0
  fi
  rm -f "$lock"
  echo ok
  exit 0
}
