import type { HostView } from '../../host/access/host.ts'
import { type Authorship, type Recorder, recorder } from '../execute/audit.ts'
import type { Invocation } from './invocation.ts'

/** From this offset on the operator is told of it, in milliseconds. */
const worthTelling = 60_000

/** The time of the host rules in its trail, since several operators write into it. */
async function hostClock(
  host: Pick<HostView, 'clockOffset'>,
  { world, opened }: Pick<Invocation, 'world' | 'opened'>,
): Promise<() => Date> {
  const offset = await host.clockOffset()
  if (Math.abs(offset) >= worthTelling) {
    const minutes = Math.round(Math.abs(offset) / 60_000)
    opened.views.say(
      `note: the clock of this machine is ${minutes} min ${offset > 0 ? 'behind' : 'ahead of'} that of the host, which the trail goes by`,
    )
  }
  return () => new Date(world.clock().getTime() + offset)
}

/** Does work of which the host's trail is kept, as this operator's and this command's; the trail is closed behind it. */
export async function keepTrail<T>(
  { opened, world, run, operation }: Invocation,
  work: (record: Recorder, author: Authorship) => Promise<T>,
): Promise<T> {
  const host = await opened.host()
  const trail = await world.openTrail(host)
  const { user, machine } = world.operator()
  const operator = { user, machine, ssh: await host.where() }
  const clock = await hostClock(host, { world, opened })
  const { version } = world
  const authorship = { operator, operation, command: run.command.name, version, clock }
  try {
    return await work(recorder(trail, authorship), authorship)
  } finally {
    // Each line was confirmed, and its writer ends with the connection: nobody need wait for that.
    void trail.end().catch(() => {})
  }
}
