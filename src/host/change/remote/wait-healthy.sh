# The gate: waits until the PDS is healthy and stays so.

# PORT HEALTHY SETTLE DEADLINE VERSION EXPECTED NAME DOCKER...
gate() {
  port=$1 want=$2 settle=$3 limit=$4 version=$5 expect=$6 name=$7 looker= id0=
  shift 7
  if ! choose "$@"; then
    fault not-healthy 'the health of the PDS cannot be asked: the host has none of curl, wget and bash'
    return 1
  fi
  rm -f "$c/seen" "$c/seen.new"
  if [ -n "$name" ]; then
    look_on "$@" </dev/null >/dev/null 2>&1 &
    looker=$!
  fi
  poll "$@" && same "$expect" "$@"
  passed=$?
  [ -z "$looker" ] || kill "$looker" 2>/dev/null
  rm -f "$c/seen" "$c/seen.new"
  if [ "$passed" = 0 ]; then
    [ -z "$answered" ] || note "fact version $answered"
    [ -z "$id0" ] || note "fact container $id0"
    return 0
  fi
  # That it is another one is no matter of its log.
  case $code in other-* | accounts-gone) return 1 ;; esac
  [ -z "$name" ] || {
    timeout 10 "$@" logs --tail 40 "$name" >"$c/seen" 2>&1
    cat "$c/seen" >>"$log"
    why=$why$nl$(tail -n 15 "$c/seen" | tail -c 1500)
    rm -f "$c/seen"
  }
  return 1
}
seen() {
  timeout 10 "$@" inspect -f '{{.Id}} {{.RestartCount}} {{.State.StartedAt}} {{.State.Status}}' "$name" 2>/dev/null
}
look() {
  seen "$@" >"$c/seen.new"
  mv -f "$c/seen.new" "$c/seen"
}
look_on() {
  while [ -e "/proc/$$/stat" ]; do
    look "$@"
    sleep 1
  done
}
check() {
  line=
  { read -r line <"$c/seen"; } 2>/dev/null
  judge $line
}
# ID RESTARTS STARTED STATE
judge() {
  id=$1 count=$2 since=$3 state=$4
  case $count in '' | *[!0-9]*) return 0 ;; esac
  if [ -z "$id0" ]; then id0=$id count0=$count since0=$since; fi
  if [ "$id" != "$id0" ]; then fault replaced "the container $name was replaced by another one meanwhile"
  elif [ "$count" != "$count0" ]; then fault restarted "the container $name restarted ($count times so far)"
  elif [ "$since" != "$since0" ]; then fault restarted "the container $name was started anew"
  else
    case $state in
    restarting | exited | dead) fault restarted "the container $name does not stay up: it is $state" ;;
    esac
  fi
}
unhealthy() { fault not-healthy "$url $1: $told"; }
poll() {
  row=0 bad=0 first= enough= sick= patience=5
  clock
  began=$now
  while :; do
    check || return 1
    # Half a second, after which the container is looked at again.
    [ -n "$first" ] && knocks=0 || knocks=50
    waited=
    healthy "$port" "$@" && ok=1 || ok=
    clock
    if [ -n "$ok" ]; then
      if [ -n "$version" ] && [ "$answered" != "$version" ]; then
        fault wrong-version "$url answers version ${answered:-none}, and $version was asked for"
        return 1
      fi
      bad=0 row=$((row + 1))
      [ -n "$first" ] || { first=$now; tell_outage up; }
      [ -n "$enough" ] || [ "$row" -lt "$want" ] || enough=$now
      [ -z "$enough" ] || [ "$((now - enough))" -lt "$((settle * 100))" ] || break
    elif [ -n "$first" ]; then
      bad=$((bad + 1)) row=0
      [ "$bad" -lt 3 ] || { unhealthy 'did not stay healthy'; return 1; }
    elif [ "$((now - began))" -ge "$((limit * 100))" ]; then
      unhealthy "was not healthy within $limit s"
      return 1
    else
      case $told in HTTP*) [ -n "$sick" ] || sick=$now ;; *) sick= ;; esac
      [ -z "$sick" ] || [ "$((now - sick))" -lt "$((patience * 100))" ] || {
        unhealthy "answered for $patience s, and was never healthy"
        return 1
      }
    fi
    if [ -n "$first" ] && [ -z "$enough" ] && [ "$((now - first))" -gt "$((3000 + want * 50))" ]; then
      unhealthy "was not healthy $want times in a row"
      return 1
    fi
    if [ -n "$first" ]; then sleep 0.5 2>/dev/null || sleep 1
    elif [ "$waited" != 2 ] || [ "$told" != 'no answer' ]; then sleep 0.05 2>/dev/null || sleep 1
    fi
  done
  [ -n "$name" ] || return 0
  if [ "$want" -gt 1 ] || [ "$settle" != 0 ]; then
    kill "$looker" 2>/dev/null
    # Not by a file: the disk may be full, and this may be the way back.
    line=$(seen "$@")
    [ -n "$line" ] || { fault not-healthy "docker does not tell how the container $name is"; return 1; }
    judge $line
    return
  fi
  # The id is a fact of the gate; where docker has not answered yet, it is waited for, but no longer than a second.
  n=0
  until [ -s "$c/seen" ] || [ "$n" -ge 40 ]; do
    n=$((n + 1))
    sleep 0.025 2>/dev/null || n=40
  done
  check
}
