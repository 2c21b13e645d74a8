import { unreachable } from '../../base/failure.ts'
import type { HostConfig } from '../../config/host-config.ts'
import { ask } from '../../ssh/shell.ts'
import type { HostView } from '../access/host.ts'
import { trailPlace } from '../trail/append.ts'
import type { Pending } from './change.ts'
import { remoteScript } from './remote/load.ts'
import { parseStanding, type Standing, toPending } from './standing.ts'

/** The directory of a host's changes. */
export const changesDir = (config: HostConfig): string => trailPlace(config).dir

/** The change that stands on a host, and who holds its lock, in one question; undefined where there is none. */
export async function readPending(host: HostView): Promise<Pending | undefined> {
  return toPending(await readStanding(host))
}

const [begin, end] = ['kimbia-ops:standing', 'kimbia-ops:end']

/** The lock and the change of a host as they stand. */
export async function readStanding(host: HostView): Promise<Standing> {
  const dir = changesDir(await host.config())
  const answer = await host.ask(ask`# what change stands there
state_dir=${dir}
eval ${remoteScript('change-place.sh')}
eval ${remoteScript('process-identity.sh')}
eval ${remoteScript('lock-state.sh')}
if [ -d "$state_dir" ] && [ ! -x "$state_dir" ]; then exit 9; fi
echo ${begin}
print_lock_state
echo ${end}`)
  const lines = answer.stdout.split('\n')
  const [first, last] = [lines.indexOf(begin), lines.lastIndexOf(end)]
  if (answer.code === 0 && first !== -1 && last > first) return parseStanding(lines.slice(first + 1, last))
  const why = answer.stderr.trim() || (answer.code === 9 ? 'permission denied' : `exit code ${answer.code}`)
  throw unreachable(
    'change-not-readable',
    `${await host.where()}:${dir} cannot be read: ${why}`,
    'set “sudo: auto” in the config, or log in as a user who may read it',
  )
}
