import type { Life } from './life.ts'
import { type Authorship, type Recorder, recorder } from './record.ts'

/** Does work of which the host's trail is kept, as this operator's and this command's; the trail is closed behind it. */
export async function keepTrail<T>(
  { opened, world, run, operation }: Life,
  work: (record: Recorder, author: Authorship) => Promise<T>,
): Promise<T> {
  const host = await opened.host()
  const trail = await world.openTrail(host)
  const { user, machine } = world.operator()
  const operator = { user, machine, ssh: await host.where() }
  const { version, clock } = world
  const authorship = { operator, operation, command: run.command.name, version, clock }
  try {
    return await work(recorder(trail, authorship), authorship)
  } finally {
    // Each line was confirmed, and its writer ends with the connection: nobody need wait for that.
    void trail.end().catch(() => {})
  }
}
