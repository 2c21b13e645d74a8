import { type Failure, unreachable } from '../../base/failure.ts'
import type { Secret } from '../../base/secret.ts'
import type { HostConfig } from '../../config/host-config.ts'
import type { Answer, SessionView } from '../../ssh/session.ts'
import { ask, type Shell } from '../../ssh/shell.ts'
import type { Elevation } from './sudo.ts'
import { sudoDenial } from './sudo-denial.ts'

/** pds.env as it stands on the host, and how its reader became root. */
export interface Reached {
  readonly elevation: Elevation
  readonly text: string
  /** By how many milliseconds the host's clock is ahead of ours; 0 where it cannot be told from the time of the way. */
  readonly clockOffset: number
}

/** Who can give the password of sudo, if anybody can, and what ends the search. */
export interface Reaching {
  readonly askPassword?: (() => Promise<Secret>) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Finds out, in one remote script, how pds.env of a host is reached, and reads it. */
export async function findRoot(
  session: SessionView,
  config: HostConfig,
  { askPassword, signal }: Reaching = {},
): Promise<Reached> {
  const { where } = session
  let asked = Date.now()
  const answer = await session.ask(firstTry(config), { signal })
  const found = parseProbe(answer)
  const [way] = found.said
  if (!way)
    throw unreachable('no-shell', `${where} ran no shell command (exit code ${answer.code})${quoted(answer)}`)
  if (found.said.includes('no-sudo')) throw noSudo(where, config)
  if (found.said.includes('in'))
    return {
      elevation: { kind: way === 'sudo' ? 'sudo' : 'direct' },
      text: textOf(found, answer, where, config),
      clockOffset: offsetOf(answer, asked),
    }
  const denied = sudoDenial(where, answer.stderr)
  if (denied) throw denied
  if (!askPassword)
    throw sudoRefused('sudo-password-needed', `${where}: sudo wants a password, or refuses`, answer)

  const password = await askPassword()
  asked = Date.now()
  const second = await session.ask(ask`sudo -S -k -p '' sh -c ${inner} sh ${config.dir}`, {
    stdin: password,
    signal,
  })
  const heard = parseProbe(second)
  if (!heard.said.includes('in'))
    throw (
      sudoDenial(where, second.stderr) ??
      sudoRefused('sudo-refused', `${where}: sudo does not take the password`, second)
    )
  return {
    elevation: { kind: 'sudo with a password', password },
    text: textOf(heard, second, where, config),
    clockOffset: offsetOf(second, asked),
  }
}

/** The host tells whole seconds, at some instant of the round trip: what can be explained by that is no offset. */
function offsetOf({ stdout }: Answer, asked: number): number {
  const [, seconds] = /^kimbia-ops:at (\d{9,11})$/m.exec(stdout) ?? []
  if (seconds === undefined) return 0
  const now = Date.now()
  const offset = Number(seconds) * 1000 + 500 - (asked + now) / 2
  return Math.abs(offset) <= 1000 + (now - asked) / 2 ? 0 : Math.round(offset)
}

/** Root needs no sudo, and neither does who may read pds.env and write beside it, or sees that it is not there. */
const firstTry = ({ dir, sudo }: HostConfig): Shell<'ask'> => ask`# find the way to pds.env
LC_ALL=C; export LC_ALL
set -- ${dir} ${sudo} ${inner}
eval ${outer}`

/**
 * The same way to root for another line that only reads, so that it need not wait until `findRoot` has answered: 2 round
 * trips of every command. What it answers counts once `findRoot` has found a way that needs no password.
 */
export const askSpeculatively = ({ line }: Shell<'ask'>, { dir, sudo }: HostConfig): Shell<'ask'> =>
  ask`# by the way to pds.env
set -- ${dir} ${sudo} ${line}
eval ${inParallel}`

const way = `way=sudo
case $2 in
never) way=direct ;;
auto)
  if [ "$(id -u)" = 0 ]; then way=direct
  elif [ ! -e "$1" ]; then [ ! -x "\${1%/*}/" ] || way=direct
  elif [ -w "$1" ] && [ -x "$1" ]; then { [ -e "$1/pds.env" ] && [ ! -r "$1/pds.env" ]; } || way=direct
  fi ;;
esac
`

const outer = `${way}echo "kimbia-ops:$way"
case $way in direct) exec sh -c "$3" sh "$1" ;; esac
command -v sudo >/dev/null || { echo kimbia-ops:no-sudo; exit 0; }
exec sudo -n sh -c "$3" sh "$1"
`

const inParallel = `${way}case $way in direct) exec sh -c "$3" ;; esac
exec sudo -n sh -c "$3"
`

/** Says “in” first: without it, sudo did not let us in, whatever it said about it and in whatever language. */
const inner = `# read pds.env
LC_ALL=C; export LC_ALL
end() { echo "kimbia-ops:$1"; exit 0; }
echo kimbia-ops:in
echo "kimbia-ops:at $(date +%s)"
seen=$1
while [ ! -e "$seen" ]; do seen=\${seen%/*}; seen=\${seen:-/}; done
[ -d "$seen" ] || end no-dir
[ -x "$seen" ] || end denied
[ "$seen" = "$1" ] || end no-dir
[ -e "$1/pds.env" ] || end no-file
[ -f "$1/pds.env" ] || end not-a-file
[ -r "$1/pds.env" ] || end denied
echo kimbia-ops:found
exec cat "$1/pds.env"
`

interface Probe {
  readonly said: readonly string[]
  /** What came after `found`. */
  readonly text: string
}

/** The script's own lines, among whatever the host's shell start-up prints. */
function parseProbe({ stdout }: Answer): Probe {
  const [before = '', ...after] = stdout.split(/^kimbia-ops:found\n/m)
  const said = [...before.matchAll(/^kimbia-ops:([a-z-]+)$/gm)].map(([, word = '']) => word)
  if (after.length === 0) return { said, text: '' }
  return { said: [...said, 'found'], text: stdout.slice(before.length + 'kimbia-ops:found\n'.length) }
}

function textOf({ said, text }: Probe, answer: Answer, where: string, { dir }: HostConfig): string {
  const file = `${dir}/pds.env`
  const elsewhere = 'if the PDS lives elsewhere on that host, set “dir:” in the config'
  switch (said.at(-1)) {
    case 'found':
      if (answer.code === 0) return text
      throw unreachable('pds-env-unreadable', `${where}: ${file} cannot be read${quoted(answer)}`)
    case 'no-dir':
      throw unreachable('pds-dir-missing', `${where} has no directory ${dir}`, elsewhere)
    case 'no-file':
      throw unreachable('pds-env-missing', `${where} has no ${file}`, elsewhere)
    case 'not-a-file':
      throw unreachable(
        'pds-env-not-a-file',
        `${where}: ${file} is not a regular file`,
        `see what it is, on the host: sudo ls -ld ${file}`,
      )
    case 'denied':
      throw unreachable(
        'pds-env-denied',
        `${where}: ${file} may not be read by this user`,
        'set “sudo: auto” in the config, or log in as a user who may read it',
      )
    default:
      throw unreachable('no-shell', `${where}: the script that reads ${file} was cut off${quoted(answer)}`)
  }
}

const noSudo = (where: string, { dir }: HostConfig): Failure =>
  unreachable(
    'sudo-missing',
    `${where}: ${dir}/pds.env needs root, and there is no sudo on the host`,
    'log in as root, or as a user who may read pds.env and write beside it',
  )

const sudoRefused = (code: string, message: string, answer: Answer): Failure =>
  unreachable(
    code,
    `${message}${quoted(answer)}`,
    code === 'sudo-refused'
      ? 'try again; on the host, sudo -v asks for the same password, and sudo -l tells what this user may do'
      : 'run it on a terminal to be asked for the password, or let this user run sudo without one (NOPASSWD)',
  )

const quoted = ({ stderr }: Answer): string => {
  const text = stderr.trim()
  return text === '' ? '' : `: ${text.slice(-300)}`
}
