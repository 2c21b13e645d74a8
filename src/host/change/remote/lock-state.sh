# Prints the lock and the change as they stand, for parseStanding. Needs change-place.sh and process-identity.sh.

standing() {
  line= seen=
  { IFS= read -r line <"$d/lock"; } 2>/dev/null
  echo "lock $line"
  [ ! -e "$d/lock" ] || echo locked
  holder "$d/lock"
  echo "token $seen"
  if alive "$seen"; then echo agent; fi
  if stands; then echo change; fi
  [ "$kept" = "$c" ] || echo unverified
  if token_in "$kept/runner" && alive "$found"; then echo runner; fi
  heard=
  { read -r heard rest <"$kept/heard"; } 2>/dev/null
  clock
  echo "silent $((now / 100 - ${heard:-0}))"
  line=
  { IFS= read -r line <"$p/.new.${seen%%.*}/holder"; } 2>/dev/null && [ -n "$seen" ] && echo staged
  line=
  { IFS= read -r line <"$p/last/id"; } 2>/dev/null
  echo "last $line"
  if [ -f "$kept/plan.json" ] && [ -s "$kept/plan.json" ]; then
    echo plan
    cat "$kept/plan.json" "$kept/journal"
    printf '\n.\n'
  fi
} 2>/dev/null
