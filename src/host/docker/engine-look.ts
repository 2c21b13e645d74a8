import type { HostConfig } from '../../config/host-config.ts'
import { ask, type Shell } from '../../ssh/shell.ts'
import { listContainers } from './engine-failure.ts'
import type { Places } from './own-container.ts'

/**
 * Lists the containers of the host, running or not, and tells which of their compose files and directories are that of
 * pds.env by another name, or gone. It wants the directory as `$1` and the service as `$2`, and leaves `how`, `found` and `docker` for what follows.
 */
const lookAtAll = `command -v docker >/dev/null || { echo kimbia-ops:no-docker; exit 0; }
tab=$(printf '\\t')
${listContainers}
echo "kimbia-ops:$how $(date +%s)"
docker() { case $how in sudo) sudo -n docker "$@" ;; *) command docker "$@" ;; esac; }
ids=$(printf '%s\\n' "$found" | while read -r id rest; do
  case $id in '' | *[!0-9a-f]*) ;; *) printf '%s ' "$id" ;; esac
done)
if [ -n "$ids" ]; then json=$(docker inspect --type container $ids); else json='[ ]'; fi
[ "$json" = '[]' ] || printf '%s\\n' "$json"
printf '\\nkimbia-ops:places\\n'
real=$(cd "$1" 2>/dev/null && pwd -P)
[ -z "$real" ] || echo "real $real"
is_dir() { [ -n "$real" ] && [ "$(cd "$1" 2>/dev/null && pwd -P)" = "$real" ]; }
# FILE: it takes the settings of a service from our pds.env
names_env_file() {
  grep -o '[^][ "'"'"',]*/pds\\.env' "$1" 2>/dev/null | while IFS= read -r path; do
    (cd "\${1%/*}" 2>/dev/null && is_dir "\${path%/*}") && echo yes
  done | grep -q yes
}
printf '%s\\n' "$found" | while IFS= read -r row; do
  case $row in *" \\"$2\\"$tab"*) ;; *) continue ;; esac
  row=\${row#*"$tab"}
  at=\${row%%"$tab"*}
  if is_dir "$at"; then echo "same $at"; fi
  printf '%s\\n' "\${row#*"$tab"}" | tr ",$tab" '\\n\\n' | while IFS= read -r file; do
    [ -n "$file" ] || continue
    [ -f "$file" ] || { echo "gone $file"; continue; }
    if is_dir "\${file%/*}" || names_env_file "$file"; then echo "same \${file%/*}"; fi
  done
done
`

/**
 * Looks at the image of the service, where its reference may name another one by now, and at the compose files of the
 * directory. `$3` is the compose file of the config. The texts come last, since they may hold anything.
 */
const lookFurther = `image=$(printf '%s\\n' "$found" | while IFS= read -r row; do
  case $row in *" \\"$2\\"$tab"*) ;; *) continue ;; esac
  row=\${row#* }
  echo "\${row%% *}"
  break
done)
[ -z "$image" ] || image="$image $(docker image inspect --format "$imaged" "$image" 2>/dev/null)"
printf 'kimbia-ops:image\\n%s\\n' "$image"
here=$(cd "$1" 2>/dev/null && pwd) && cd "$here" || cd /
one() { for f; do [ ! -f "$f" ] || { case $f in /*) echo "$f" ;; *) echo "$here/$f" ;; esac; return 0; }; done; return 1; }
# NAME: what compose would take it for, from .env beside pds.env
of_dotenv() { sed -n "s/^ *\\(export \\)\\{0,1\\}$1=//p" .env 2>/dev/null | tail -n 1 | tr -d "\\"'\\r"; }
separator=$(of_dotenv COMPOSE_PATH_SEPARATOR)
listed=$(of_dotenv COMPOSE_FILE)
files=$(if [ -n "$3" ]; then one "$3"
elif [ -n "$here" ] && [ -n "$listed" ]; then
  printf '%s\\n' "$listed" | tr "\${separator:-:}" '\\n' | while IFS= read -r f; do one "$f"; done
elif [ -n "$here" ] && one compose.yaml compose.yml docker-compose.yml docker-compose.yaml; then
  one compose.override.yaml compose.override.yml docker-compose.override.yml docker-compose.override.yaml
fi)
printf 'kimbia-ops:files\\n%s\\n' "$files"
[ -n "$3" ] || [ -z "$listed" ] || echo "dotenv $here/.env"
printf 'kimbia-ops:texts\\n'
printf '%s\\n' "$files" | while IFS= read -r f && [ -n "$f" ]; do
  echo "$(wc -c <"$f") $f"
  cat "$f"
  echo
done 2>/dev/null
exit 0`

const imaged = '{{.Id}} {{json .Config.Env}}'

/** Everything that is to be known of containers, image and compose files, in one remote script. */
export const lookAtEngine = ({ dir, composeFile, service }: HostConfig): Shell<'ask'> =>
  ask`# look at the containers
set -- ${dir} ${service} ${composeFile ?? ''}
imaged=${imaged}
eval ${lookAtAll}
eval ${lookFurther}`

/** The containers alone. */
export const lookAtContainers = ({
  dir,
  service,
}: HostConfig): Shell<'ask'> => ask`# which container is the PDS
set -- ${dir} ${service}
eval ${lookAtAll}`

/** Reads what the script tells of the file system. */
export function parsePlaces(section: string, { dir }: Pick<HostConfig, 'dir'>): Places {
  const lines = section.split('\n')
  const of = (word: string): string[] =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1))
  return { dirs: [...new Set([dir, ...of('real')])], same: new Set(of('same')), gone: new Set(of('gone')) }
}
