# Asks the health of a PDS on the loopback with the programs that the host has, and measures for how long it does not
# answer. Times are hundredths of a second since boot: setting the clock of the host does not change them.
#
# bash is the first choice: it starts sooner than curl, and can wait for the port to open. To ask again and again would
# cost a starting PDS more of its machine. If bash gets no answer, the fallback is asked too, until bash has had one.

client='' fallback='' bash_works='' bash_exit='' tries=0
health_path=/xrpc/_health path=$health_path
newline='
'
# PORT TRIES PATH: tries every 10 ms while the port is closed. The exit code is 2 if it stays closed.
# shellcheck disable=SC2016 # a program for bash
bash_client='if [ "$2" -gt 0 ]; then exec 9<> <(:) || exit 1; fi
for ((i = 0; ; i++)); do
  { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null && break
  [ "$i" -lt "$2" ] || exit 2
  read -r -t 0.01 -u 9
done
printf "GET %s HTTP/1.0\r\nHost: 127.0.0.1:%s\r\n\r\n" "$3" "$1" >&3
while IFS= read -r line || [ -n "$line" ]; do printf "%s\n" "$line"; done <&3'
node_client='fetch(process.argv[1], { signal: AbortSignal.timeout(2000) }).then(async (r) => { require("fs").writeSync(1, await r.text()); process.exitCode = r.ok ? 0 : 1 }, () => { process.exitCode = 1 })'
# choose_client DOCKER...: docker serves only where there is $container.
choose_client() {
  [ -z "$client" ] || return 0
  if command -v curl >/dev/null; then client=curl
  elif command -v wget >/dev/null; then
    client=wget
    case $(wget --version 2>/dev/null) in *GNU*) client=gnu-wget ;; esac
  fi
  if command -v bash >/dev/null && command -v timeout >/dev/null; then fallback=$client client=bash
  elif [ -n "$client" ]; then :
  elif [ -n "$container" ] && timeout 10 "$@" version >/dev/null 2>&1; then client=docker
  else return 1
  fi
}
# is_healthy PORT DOCKER...: sets $version and, for people, $response. bash tries $tries times to reach the port.
is_healthy() {
  url=http://127.0.0.1:$1$health_path version='' response='no answer' body=''
  ask_with "$client" "$@" && return 0
  [ "$client" = bash ] && [ -z "$bash_works" ] && [ -n "$fallback" ] || return 1
  # A PDS that did not answer bash in time would not answer the fallback in time.
  case $bash_exit in 124 | 143) return 1 ;; esac
  ask_with "$fallback" "$@"
}
# ask_with CLIENT PORT DOCKER...: asks for $path; sets $body.
ask_with() {
  url=http://127.0.0.1:$2$path
  case $1 in
  bash)
    body=$(timeout 2 bash -c "$bash_client" bash "$2" "$tries" "$path" 2>/dev/null)
    bash_exit=$?
    case $body in
    HTTP/1.?\ 200*) bash_works=1 ;;
    HTTP/1.?\ *)
      bash_works=1 response=${body#* }
      response="HTTP ${response%% *}"
      return 1
      ;;
    *) return 1 ;;
    esac
    ;;
  curl)
    body=$(curl -q -s -m 2 --noproxy '*' -w '\n%{http_code}' "$url" 2>/dev/null)
    http_code=${body##*"$newline"}
    case $http_code in 000 | '') ;; *) response="HTTP $http_code" ;; esac
    [ "$http_code" = 200 ] || return 1
    ;;
  gnu-wget) body=$(wget --no-config --no-proxy -q -T 2 -t 1 -O - "$url" 2>/dev/null) || return 1 ;;
  wget) body=$(http_proxy='' timeout 2 wget -q -O - "$url" 2>/dev/null) || return 1 ;;
  docker)
    shift 2
    body=$(timeout 10 "$@" exec "$container" node -e "$node_client" "$url" 2>/dev/null) || return 1
    ;;
  esac
  response='HTTP 200'
  case $body in
  *'"version":"'*)
    version=${body#*'"version":"'}
    version=${version%%'"'*}
    ;;
  esac
}
# pre_probe PORT: asks while an earlier step is at work, so that the step which takes the PDS down need not wait.
pre_probe() {
  container='' tries=0
  choose_client || return 0
  read_clock
  pre_probe_time=$now
  # 4: healthy by the fallback.
  { is_healthy "$1" && { [ -n "$bash_works" ] || exit 4; }; } </dev/null >/dev/null 2>&1 &
  pre_probe_pid=$!
}
# measure_outage PORT: from now on, until record_outage.
measure_outage() {
  # Two steps in a row take the PDS down once.
  [ ! -e "$change_dir/measured" ] || [ ! -e "$change_dir/down" ] || return 0
  container='' tries=0
  [ ! -e "$change_dir/measured" ] || rm -f "$change_dir/down" "$change_dir/measured"
  choose_client || return 0
  read_clock
  # An answer that is older than five seconds may hold no more.
  if [ -n "$pre_probe_pid" ] && [ "$((now - pre_probe_time))" -lt 500 ]; then
    wait_for "$pre_probe_pid"
    case $exit_code in
    0) bash_works=1 ;;
    4) exit_code=0 ;;
    esac
  else
    is_healthy "$1"
    exit_code=$?
  fi
  pre_probe_pid=''
  # A PDS that is down already has no outage by this change.
  [ "$exit_code" = 0 ] || return 0
  true >"$change_dir/measured"
  (
    read_clock
    while is_healthy "$1"; do
      pause 0.05
      [ -e "/proc/$$/stat" ] || exit 0
      read_clock
    done
    echo "$now" >"$change_dir/down.new"
    mv -f "$change_dir/down.new" "$change_dir/down"
  ) </dev/null >/dev/null 2>&1 &
  outage_pid=$!
}
# record_outage up|unknown: the outage is over only if the PDS is known to be up.
record_outage() {
  [ -e "$change_dir/measured" ] || return 0
  [ -z "$outage_pid" ] || kill "$outage_pid" 2>/dev/null
  milliseconds=0
  if [ -s "$change_dir/down" ]; then
    read -r down <"$change_dir/down"
    read_clock
    milliseconds=$(((now - down) * 10))
    [ "$1" = up ] || milliseconds=''
  fi
  case $milliseconds in '' | -*) ;; *) record "fact outageMs $milliseconds" ;; esac
  rm -f "$change_dir/measured" "$change_dir/down" "$change_dir/down.new"
  outage_pid=''
}
