# Asks the health of a PDS on the loopback with the programs that the host has, and measures for how long it does not
# answer. Times are of /proc/uptime, which does not move when a clock is set, in hundredths of a second.

by= or= proven=
health=/xrpc/_health path=$health
nl='
'
# PORT KNOCKS PATH: a knock every 10 ms while the port is closed; 2 where it stays so
tcp='if [ "$2" -gt 0 ]; then exec 9<> <(:) || exit 1; fi
for ((i = 0; ; i++)); do
  { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null && break
  [ "$i" -lt "$2" ] || exit 2
  read -r -t 0.01 -u 9
done
printf "GET %s HTTP/1.0\r\nHost: 127.0.0.1:%s\r\n\r\n" "$3" "$1" >&3
while IFS= read -r line || [ -n "$line" ]; do printf "%s\n" "$line"; done <&3'
js='fetch(process.argv[1], { signal: AbortSignal.timeout(2000) }).then(async (r) => { require("fs").writeSync(1, await r.text()); process.exitCode = r.ok ? 0 : 1 }, () => { process.exitCode = 1 })'
# DOCKER...: needs $name where there is a container
choose() {
  [ -z "$by" ] || return 0
  if command -v curl >/dev/null; then by=curl
  elif command -v wget >/dev/null; then
    by=wget
    case $(wget --version 2>/dev/null) in *GNU*) by=gnu-wget ;; esac
  fi
  if command -v bash >/dev/null && command -v timeout >/dev/null; then or=$by by=bash
  elif [ -n "$by" ]; then :
  elif [ -n "$name" ] && timeout 10 "$@" version >/dev/null 2>&1; then by=docker
  else return 1
  fi
}
# PORT DOCKER...: sets what it answered, and the version; $knocks is for how long bash may wait
healthy() {
  url=http://127.0.0.1:$1/xrpc/_health answered= told='no answer' body=
  ask_by "$by" "$@" && return 0
  [ "$by" = bash ] && [ -z "$proven" ] && [ -n "$or" ] || return 1
  # What timeout has ended would keep the other one waiting too.
  case $waited in 124 | 143) return 1 ;; esac
  ask_by "$or" "$@"
}
ask_by() {
  url=http://127.0.0.1:$2$path
  case $1 in
  bash)
    body=$(timeout 2 bash -c "$tcp" bash "$2" "$knocks" "$path" 2>/dev/null)
    waited=$?
    case $body in
    HTTP/1.?\ 200*) proven=1 ;;
    HTTP/1.?\ *)
      proven=1 told=${body#* }
      told="HTTP ${told%% *}"
      return 1
      ;;
    *) return 1 ;;
    esac
    ;;
  curl)
    body=$(curl -q -s -m 2 --noproxy '*' -w '\n%{http_code}' "$url" 2>/dev/null)
    ok=${body##*"$nl"}
    case $ok in 000 | '') ;; *) told="HTTP $ok" ;; esac
    [ "$ok" = 200 ] || return 1
    ;;
  gnu-wget) body=$(wget --no-config --no-proxy -q -T 2 -t 1 -O - "$url" 2>/dev/null) || return 1 ;;
  wget) body=$(http_proxy= timeout 2 wget -q -O - "$url" 2>/dev/null) || return 1 ;;
  docker)
    shift 2
    body=$(timeout 10 "$@" exec "$name" node -e "$js" "$url" 2>/dev/null) || return 1
    ;;
  esac
  told='HTTP 200'
  case $body in
  *'"version":"'*)
    answered=${body#*'"version":"'}
    answered=${answered%%'"'*}
    ;;
  esac
}
# PORT: asks while the step before is still done, for the one that takes it down not to wait
foresee() {
  name= knocks=0
  choose || return 0
  clock
  foreseen=$now
  { healthy "$1" && { [ -n "$proven" ] || exit 4; }; } </dev/null >/dev/null 2>&1 &
  seer=$!
}
# PORT
measure() {
  # Two steps in a row take it down once.
  [ ! -e "$c/measured" ] || [ ! -e "$c/down" ] || return 0
  name= knocks=0
  [ ! -e "$c/measured" ] || rm -f "$c/down" "$c/measured"
  choose || return 0
  clock
  # One that is older than five seconds may hold no more.
  if [ -n "$seer" ] && [ "$((now - foreseen))" -lt 500 ]; then
    await "$seer"
    case $rc in
    0) proven=1 ;;
    4) rc=0 ;;
    esac
  else
    healthy "$1"
    rc=$?
  fi
  seer=
  [ "$rc" = 0 ] || return 0
  true >"$c/measured"
  (
    clock
    while healthy "$1"; do
      sleep 0.05 2>/dev/null || sleep 1
      [ -e "/proc/$$/stat" ] || exit 0
      clock
    done
    echo "$now" >"$c/down.new"
    mv -f "$c/down.new" "$c/down"
  ) </dev/null >/dev/null 2>&1 &
  meter=$!
}
# [up]: the PDS is known to answer again
tell_outage() {
  [ -e "$c/measured" ] || return 0
  [ -z "$meter" ] || kill "$meter" 2>/dev/null
  ms=0
  if [ -s "$c/down" ]; then
    read -r down <"$c/down"
    clock
    ms=$(((now - down) * 10))
    [ "$1" = up ] || ms=
  fi
  case $ms in '' | -*) ;; *) note "fact outageMs $ms" ;; esac
  rm -f "$c/measured" "$c/down" "$c/down.new"
  meter=
}
