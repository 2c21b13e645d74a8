import { createHash, randomBytes } from 'node:crypto'
import { failed, usage } from '../../base/failure.ts'
import { act } from '../../ssh/shell.ts'
import type { ShellStep } from '../change/step.ts'
import type { ServiceEnv } from '../compose/service-env.ts'
import type { ComposeEngine } from '../docker/engine.ts'

/** Settings of pds.env as they are to be; undefined for one that is to be no more. */
export type WantedSettings = ReadonlyMap<string, string | undefined>

/** A Failure where compose would give a container other values than these, whatever pds.env says: it names what wins. */
export function refuseOverridden(env: ServiceEnv, wanted: WantedSettings, pdsEnv: string): void {
  const { refused, insteadOfPdsEnv } = env
  if (refused !== undefined)
    throw failed(
      'compose-refused',
      `compose does not resolve its files: ${refused}; nothing was changed`,
      'on the host: docker compose config --quiet',
    )
  if (insteadOfPdsEnv !== undefined)
    throw failed(
      'pds-env-unused',
      `compose does not give ${pdsEnv} to the PDS: its “env_file:” is ${insteadOfPdsEnv.join(', ') || 'not set'}; nothing was changed`,
      `add ${pdsEnv} to “env_file:” in the compose file, or set “dir:” in the config to where the pds.env lies that it names`,
    )
  for (const [key, value] of wanted) {
    const winner = value === undefined ? env.setElsewhere(key) : env.overriddenBy(key)
    if (winner !== undefined && env.get(key) !== value) throw overridden(key, value, winner)
  }
}

const overridden = (key: string, value: string | undefined, winner: string) =>
  failed(
    'setting-overridden',
    value === undefined
      ? `${key} is also set by ${winner}: the PDS would have it from there; nothing was changed`
      : `${key} is set by ${winner}, which wins over pds.env: the PDS would not get this value; nothing was changed`,
    `${value === undefined ? 'take it out there' : 'change it there, or take it out there'}, then run this again`,
  )

/** Where the values of pds.env come from, as far as a step on the host needs to know it. */
interface Proving {
  readonly engine: ComposeEngine
  readonly service: string
}

/**
 * Fails unless the container of the service has these values, or those that its image brings along for what is to be
 * no more. Values are compared by a salted hash: none is in the plan.
 */
export function settingsProof({ engine, service }: Proving, wanted: WantedSettings): ShellStep {
  const { docker, pds, project } = engine
  const salt = randomBytes(16).toString('hex')
  const pairs = [...wanted].flatMap(([key, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) throw usage(`“${key}” is not the name of a setting`)
    return [key, value === undefined ? 'unset' : hashOf(`${salt}${key}=${value}`)]
  })
  return {
    kind: 'shell',
    why: 'Check that the container has these settings',
    run: act`# the container of ${service} has ${[...wanted.keys()]} as pds.env says
id=${pds?.name ?? ''}
[ -n "$id" ] || id=$(${project.words} ps --all --quiet ${service} | head -n 1)
image=$(${docker} inspect --type container --format '{{.Image}}' "$id") || exit
set -- ${pairs}
wrong=
while [ $# -gt 0 ]; do
  format='{{range .Config.Env}}{{if eq (index (split . "=") 0) "'$1'"}}{{println .}}{{end}}{{end}}'
  has=$(${docker} inspect --type container --format "$format" "$id") || exit
  case $2 in
  unset)
    brought=$(${docker} image inspect --format "$format" "$image") || exit
    [ "$has" = "$brought" ] || wrong="$wrong $1" ;;
  *)
    sum=$(printf '%s%s' ${salt} "$has" | sha256sum) || exit
    [ "\${sum%% *}" = "$2" ] || wrong="$wrong $1" ;;
  esac
  shift 2
done
[ -n "$wrong" ] || exit 0
for key in $wrong; do
  echo "the container has another $key than pds.env: compose takes it from elsewhere" >&2
  for f in ${project.files}; do
    grep -n -w -e "$key" "$f" 2>/dev/null | sed -n "s|^\\([0-9]*\\):.*|it is named in $f, line \\1|p" >&2
  done
done
exit 1`,
  }
}

/** A shell drops the line ends that a value ends with. */
const hashOf = (text: string): string => createHash('sha256').update(text.replace(/\n+$/, '')).digest('hex')
