# Prints the lock and the pending change, for parseStanding in standing.ts. Needs change-place.sh and process-identity.sh.
# The plan and the journal come last. The journal may end in a torn line, so a line break and a full stop follow it.

print_lock_state() {
  line=''
  IFS= read -r line <"$state_dir/lock"
  echo "lock $line"
  [ ! -e "$state_dir/lock" ] || echo locked
  find_holder "$state_dir/lock"
  echo "token $holder"
  if is_alive "$holder"; then echo agent; fi
  if find_pending; then echo change; fi
  [ "$pending_dir" = "$change_dir" ] || echo unverified
  if process_in "$pending_dir/runner"; then echo runner; fi
  heard=''
  read -r heard rest <"$pending_dir/heard"
  read_clock
  echo "silent $((now / 100 - ${heard:-0}))"
  # The lock is taken, and its change is not in its place yet.
  IFS= read -r line <"$place/.new.${holder%%.*}/holder" && [ -n "$holder" ] && echo staged
  line=''
  IFS= read -r line <"$place/last/id"
  echo "last $line"
  if [ -f "$pending_dir/plan.json" ] && [ -s "$pending_dir/plan.json" ]; then
    echo plan
    cat "$pending_dir/plan.json" "$pending_dir/journal"
    printf '\n.\n'
  fi
} 2>/dev/null
