# Proves that a recreated container is the intended one: of the same project, with the same data, answering as the same
# server, and with accounts if it had accounts. Each expectation is a line:
# project=NAME, service=NAME, mount=SOURCE:TARGET, setting=KEY=VALUE for a setting that names a place of data, and
# did=DID, of which one must match. Whether there are accounts is asked before the container is first taken down. It is
# kept in a file, for a run that takes the change up again.

accounts=''
# ask_public PORT PATH DOCKER...: asks the PDS what needs no login; sets $body.
ask_public() {
  path=$2 public_port=$1
  shift 2
  ask_with "$client" "$public_port" "$@"
  asked=$?
  path=$health_path
  return "$asked"
}
# remember_accounts PORT
remember_accounts() {
  [ ! -s "$change_dir/accounts" ] || return 0
  container='' tries=0 body=''
  choose_client || return 0
  ask_public "$1" '/xrpc/com.atproto.sync.listRepos?limit=1' || return 0
  case $body in
  *'"did":"'*) accounts=some ;;
  *'"repos":[]'*) accounts=none ;;
  *) return 0 ;;
  esac
  # If the disk is full, only a run that takes the change up again does not know.
  { echo "$accounts" >"$change_dir/accounts"; } 2>/dev/null
}
# prove_identity EXPECTED DOCKER...: of $container, and of the PDS on $port.
prove_identity() {
  expected=$1 healthy_version=$version
  shift
  [ -n "$expected" ] || return 0
  prove_container "$@" && prove_server "$@"
  proven=$?
  version=$healthy_version
  return "$proven"
}
prove_container() {
  [ -n "$container" ] || return 0
  # shellcheck disable=SC2016 # the variables are of docker's template
  actual=$(timeout 10 "$@" inspect --type container -f '{{range $k, $v := .Config.Labels}}{{$k}}={{$v}}
{{end}}{{range .Mounts}}mount={{.Source}}:{{.Destination}}
{{end}}{{range .Config.Env}}setting={{.}}
{{end}}' "$container" 2>/dev/null | sed -n '
s/^com\.docker\.compose\.project=/project=/p
s/^com\.docker\.compose\.service=/service=/p
/^mount=/p
/^setting=PDS_DATA_DIRECTORY=./p
/^setting=PDS_ACCOUNT_DB_LOCATION=./p
/^setting=PDS_SEQUENCER_DB_LOCATION=./p
/^setting=PDS_ACTOR_STORE_DIRECTORY=./p
/^setting=PDS_BLOBSTORE_DISK_LOCATION=./p')
  mismatch=$(first_not_in "$actual" '' "$expected")
  # A setting that nobody expects would have the data elsewhere.
  [ -n "$mismatch" ] || mismatch=$(first_not_in "$expected" setting= "$actual")
  case $mismatch in
  '') return 0 ;;
  project=* | service=*)
    fail other-project "the container $container is not of the $(printf '%s “%s”' "${mismatch%%=*}" "${mismatch#*=}") any more (it is of: $(actual_values "${mismatch%%=*}"))"
    ;;
  mount=*)
    fail other-data "the container $container does not have ${mismatch#mount=} any more, where the data of the PDS lie (it has: $(actual_values mount))"
    ;;
  *) fail other-data "the container $container keeps its data elsewhere: $(actual_values setting)" ;;
  esac
}
# first_not_in LINES PREFIX OTHER_LINES: prints the first of the other lines that is not among the lines. Only lines with
# the prefix count, and a DID never does.
first_not_in() {
  printf '%s\n' "$3" | while IFS= read -r line; do
    case $line in
    did=*) ;;
    "$2"*)
      printf '%s\n' "$1" | grep -qxF -e "$line" || {
        printf '%s' "$line"
        break
      }
      ;;
    esac
  done
}
# actual_values KIND: what the container has of it, in a line.
actual_values() {
  printf '%s\n' "$actual" | sed -n "s/^$1=//p" | tr '\n' ' ' | sed 's/ $//'
}
prove_server() {
  dids=$(printf '%s\n' "$expected" | sed -n 's/^did=//p' | tr '\n' ' ')
  if [ -n "$dids" ]; then
    ask_until_answer /xrpc/com.atproto.server.describeServer "$@" || return 1
    is_known=''
    for did in $dids; do
      case $body in *"\"did\":\"$did\""*) is_known=1 ;; esac
    done
    if [ -z "$is_known" ]; then
      other=${body#*'"did":"'}
      fail other-server "what answers on port $port is the server ${other%%'"'*}, and not ${dids% }"
      return 1
    fi
  fi
  if [ -z "$accounts" ] && [ -s "$change_dir/accounts" ]; then read -r accounts <"$change_dir/accounts"; fi
  [ "$accounts" = some ] || return 0
  ask_until_answer '/xrpc/com.atproto.sync.listRepos?limit=1' "$@" || return 1
  case $body in
  *'"did":"'*) ;;
  *) fail accounts-gone "the PDS on port $port had accounts before, and has none now" ;;
  esac
}
# ask_until_answer PATH DOCKER...: a PDS that has just started may fail to answer once or twice.
ask_until_answer() {
  question=$1
  shift
  for _ in 1 2 3 4 5; do
    ! ask_public "$port" "$question" "$@" || return 0
    pause 0.2
  done
  fail not-healthy "the PDS on port $port does not answer ${question%%\?*}: $response"
}
