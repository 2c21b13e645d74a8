# Proves that a recreated container is the one that was meant.

accounts=
# PORT PATH DOCKER...: asks the PDS for something that everybody may read; the answer is in $body
fetch() {
  target=$2
  port_of_pds=$1
  shift 2
  path=$target
  ask_by "$by" "$port_of_pds" "$@"
  got=$?
  path=$health
  return "$got"
}
# PORT
remember_accounts() {
  [ ! -s "$c/accounts" ] || return 0
  name= knocks=0 body=
  choose || return 0
  fetch "$1" '/xrpc/com.atproto.sync.listRepos?limit=1' || return 0
  case $body in
  *'"did":"'*) accounts=some ;;
  *'"repos":[]'*) accounts=none ;;
  *) return 0 ;;
  esac
  # Where the disk is full, it is only not known to a run that takes this up again.
  { echo "$accounts" >"$c/accounts"; } 2>/dev/null
}
# EXPECTED DOCKER...: needs $port and $name
same() {
  expected=$1 version_told=$answered
  shift
  [ -n "$expected" ] || return 0
  same_container "$@" && same_server "$@"
  sames=$?
  answered=$version_told
  return "$sames"
}
same_container() {
  [ -n "$name" ] || return 0
  found=$(timeout 10 "$@" inspect --type container -f '{{range $k, $v := .Config.Labels}}{{$k}}={{$v}}
{{end}}{{range .Mounts}}mount={{.Source}}:{{.Destination}}
{{end}}{{range .Config.Env}}setting={{.}}
{{end}}' "$name" 2>/dev/null | sed -n '
s/^com\.docker\.compose\.project=/project=/p
s/^com\.docker\.compose\.service=/service=/p
/^mount=/p
/^setting=PDS_DATA_DIRECTORY=./p
/^setting=PDS_ACCOUNT_DB_LOCATION=./p
/^setting=PDS_SEQUENCER_DB_LOCATION=./p
/^setting=PDS_ACTOR_STORE_DIRECTORY=./p
/^setting=PDS_BLOBSTORE_DISK_LOCATION=./p')
  missing=$(printf '%s\n' "$expected" | while IFS= read -r line; do
    case $line in did=*) continue ;; esac
    printf '%s\n' "$found" | grep -qxF -e "$line" || { printf '%s' "$line"; break; }
  done)
  # A place that nobody has named before would hold other data.
  [ -n "$missing" ] || missing=$(printf '%s\n' "$found" | while IFS= read -r line; do
    case $line in setting=*) ;; *) continue ;; esac
    printf '%s\n' "$expected" | grep -qxF -e "$line" || { printf '%s' "$line"; break; }
  done)
  case $missing in
  '') return 0 ;;
  project=* | service=*)
    fault other-project "the container $name is not of the $(words_of "$missing") any more (it is of: $(of_kind "${missing%%=*}"))"
    ;;
  mount=*)
    fault other-data "the container $name does not have ${missing#mount=} any more, where the data of the PDS lie (it has: $(of_kind mount))"
    ;;
  *) fault other-data "the container $name keeps its data elsewhere: $(of_kind setting)" ;;
  esac
}
words_of() { printf '%s “%s”' "${1%%=*}" "${1#*=}"; }
# KIND: what the container has of it, in a line
of_kind() {
  printf '%s\n' "$found" | sed -n "s/^$1=//p" | tr '\n' ' ' | sed 's/ $//'
}
same_server() {
  dids=$(printf '%s\n' "$expected" | sed -n 's/^did=//p')
  if [ -n "$dids" ]; then
    answer /xrpc/com.atproto.server.describeServer "$@" || return 1
    known=
    for did in $dids; do
      case $body in *"\"did\":\"$did\""*) known=1 ;; esac
    done
    if [ -z "$known" ]; then
      told=${body#*'"did":"'}
      fault other-server "what answers on port $port is the server ${told%%'"'*}, and not $(echo $dids)"
      return 1
    fi
  fi
  if [ -z "$accounts" ] && [ -s "$c/accounts" ]; then read -r accounts <"$c/accounts"; fi
  [ "$accounts" = some ] || return 0
  answer '/xrpc/com.atproto.sync.listRepos?limit=1' "$@" || return 1
  case $body in
  *'"did":"'*) ;;
  *) fault accounts-gone "the PDS on port $port had accounts before, and has none now" ;;
  esac
}
# PATH DOCKER...: a PDS that has just started may fail to answer once or twice
answer() {
  asked=$1
  shift
  for try in 1 2 3 4 5; do
    ! fetch "$port" "$asked" "$@" || return 0
    sleep 0.2 2>/dev/null || sleep 1
  done
  fault not-healthy "the PDS on port $port does not answer ${asked%%\?*}: $told"
}
