# The gate: waits until the PDS is healthy and stays so.
# It waits until the port opens, and then asks every 50 ms until the first healthy answer. After that it asks every
# 500 ms, until there are enough healthy answers in a row and the settle time is over. One or two unhealthy answers after
# the first healthy one only begin the row anew. Three in a row are a failure, and so is a row that is still too short
# after 30 s. A PDS that answers but is not healthy has 5 s, not the whole deadline.
# docker is slower than the PDS, so the container is looked at by a process beside that. A restart is a failure, and so is
# another id.

# wait_healthy PORT ROW SETTLE DEADLINE VERSION EXPECTED CONTAINER DOCKER...
wait_healthy() {
  port=$1 wanted_row=$2 settle=$3 deadline=$4 wanted_version=$5 expectations=$6 container=$7 watcher='' first_id=''
  shift 7
  if ! choose_client "$@"; then
    fail not-healthy 'the health of the PDS cannot be asked: the host has none of curl, wget and bash'
    return 1
  fi
  rm -f "$change_dir/seen" "$change_dir/seen.new"
  if [ -n "$container" ]; then
    watch_container "$@" </dev/null >/dev/null 2>&1 &
    watcher=$!
  fi
  poll "$@" && prove_identity "$expectations" "$@"
  passed=$?
  [ -z "$watcher" ] || kill "$watcher" 2>/dev/null
  rm -f "$change_dir/seen" "$change_dir/seen.new"
  if [ "$passed" = 0 ]; then
    [ -z "$version" ] || record "fact version $version"
    [ -z "$first_id" ] || record "fact container $first_id"
    return 0
  fi
  # The log of the container does not explain why it is another one.
  case $code in other-* | accounts-gone) return 1 ;; esac
  [ -z "$container" ] || {
    timeout 10 "$@" logs --tail 40 "$container" >"$change_dir/seen" 2>&1
    cat "$change_dir/seen" >>"$log"
    reason=$reason$newline$(tail -n 15 "$change_dir/seen" | tail -c 1500)
    rm -f "$change_dir/seen"
  }
  return 1
}
# Prints the id, the count of restarts, the start and the state of the container.
inspect_container() {
  timeout 10 "$@" inspect -f '{{.Id}} {{.RestartCount}} {{.State.StartedAt}} {{.State.Status}}' "$container" 2>/dev/null
}
watch_container() {
  while [ -e "/proc/$$/stat" ]; do
    inspect_container "$@" >"$change_dir/seen.new"
    mv -f "$change_dir/seen.new" "$change_dir/seen"
    sleep 1
  done
}
check_container() {
  line=''
  { read -r line <"$change_dir/seen"; } 2>/dev/null
  compare_container "$line"
}
# compare_container LINE: with what was seen first.
compare_container() {
  # shellcheck disable=SC2086 # the words of the line
  set -- $1
  case $2 in '' | *[!0-9]*) return 0 ;; esac
  if [ -z "$first_id" ]; then first_id=$1 first_count=$2 first_start=$3; fi
  if [ "$1" != "$first_id" ]; then fail replaced "the container $container was replaced by another one meanwhile"
  elif [ "$2" != "$first_count" ]; then fail restarted "the container $container restarted ($2 times so far)"
  elif [ "$3" != "$first_start" ]; then fail restarted "the container $container was started anew"
  else
    case $4 in
    restarting | exited | dead) fail restarted "the container $container does not stay up: it is $4" ;;
    esac
  fi
}
fail_unhealthy() { fail not-healthy "$url $1: $response"; }
poll() {
  row=0 misses=0 first_time='' row_time='' unhealthy_since='' patience=5
  read_clock
  begin_time=$now
  while :; do
    check_container || return 1
    # bash tries for half a second, after which the container is looked at again.
    if [ -n "$first_time" ]; then tries=0; else tries=50; fi
    bash_exit=''
    if is_healthy "$port" "$@"; then healthy=1; else healthy=''; fi
    read_clock
    if [ -n "$healthy" ]; then
      if [ -n "$wanted_version" ] && [ "$version" != "$wanted_version" ]; then
        fail wrong-version "$url answers version ${version:-none}, and $wanted_version was asked for"
        return 1
      fi
      misses=0 row=$((row + 1))
      [ -n "$first_time" ] || {
        first_time=$now
        record_outage up
      }
      [ -n "$row_time" ] || [ "$row" -lt "$wanted_row" ] || row_time=$now
      [ -z "$row_time" ] || [ "$((now - row_time))" -lt "$((settle * 100))" ] || break
    elif [ -n "$first_time" ]; then
      misses=$((misses + 1)) row=0
      [ "$misses" -lt 3 ] || {
        fail_unhealthy 'did not stay healthy'
        return 1
      }
    elif [ "$((now - begin_time))" -ge "$((deadline * 100))" ]; then
      fail_unhealthy "was not healthy within $deadline s"
      return 1
    else
      case $response in
      HTTP*) [ -n "$unhealthy_since" ] || unhealthy_since=$now ;;
      *) unhealthy_since='' ;;
      esac
      [ -z "$unhealthy_since" ] || [ "$((now - unhealthy_since))" -lt "$((patience * 100))" ] || {
        fail_unhealthy "answered for $patience s, and was never healthy"
        return 1
      }
    fi
    if [ -n "$first_time" ] && [ -z "$row_time" ] && [ "$((now - first_time))" -gt "$((3000 + wanted_row * 50))" ]; then
      fail_unhealthy "was not healthy $wanted_row times in a row"
      return 1
    fi
    if [ -n "$first_time" ]; then pause 0.5
    elif [ "$bash_exit" != 2 ] || [ "$response" != 'no answer' ]; then pause 0.05
    fi
  done
  [ -n "$container" ] || return 0
  if [ "$wanted_row" -gt 1 ] || [ "$settle" != 0 ]; then
    kill "$watcher" 2>/dev/null
    # Not by way of a file: this may be an undo because the disk is full.
    line=$(inspect_container "$@")
    [ -n "$line" ] || {
      fail not-healthy "docker does not tell how the container $container is"
      return 1
    }
    compare_container "$line"
    return
  fi
  # The gate records the id of the container, so it waits up to a second for the first look.
  count=0
  until [ -s "$change_dir/seen" ] || [ "$count" -ge 40 ]; do
    count=$((count + 1))
    sleep 0.025 2>/dev/null || count=40
  done
  check_container
}
