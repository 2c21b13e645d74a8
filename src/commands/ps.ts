import { readEngine } from '../host/docker/engine.ts'
import { ownContainers, serviceName } from '../host/logs/read-log.ts'
import { column, detail } from '../runner/command/columns.ts'
import { query } from '../runner/command/command.ts'
import { count, integer, moment, optional, text } from '../runner/command/types.ts'

/** The containers of the compose project of the PDS, running or not. */
export default query({
  name: 'ps',
  summary: 'List the containers of the PDS and its neighbours',
  about:
    'All services of the compose project of the PDS; a PDS that was started without compose stands alone. A container whose restarts go up is one that docker starts again and again.',
  examples: ['kimbia-ops ps', 'kimbia-ops ps --json'],
  input: {},
  output: {
    service: column(text, 'compose service; the name of one without compose'),
    name: column(text, 'of the container'),
    image: column(text, 'as it was asked for'),
    state: column(text, 'running, exited, restarting, …'),
    health: column(optional(text), 'by its own check, if its image has one'),
    restarts: column(count, 'how often docker has started it again by itself'),
    startedAt: column(optional(moment), 'when it was started last'),
    exitCode: column(optional(integer(0)), 'of the last run, when it does not run'),
    id: detail(text, 'the whole id of the container'),
  },
  result: 'many',
  counted: 'container',
  async *read(_input, { host }) {
    const engine = await readEngine(host)
    const own = ownContainers(engine)
    for (const it of own.toSorted((a, b) => (serviceName(a) < serviceName(b) ? -1 : 1))) {
      yield {
        service: serviceName(it),
        name: it.name,
        image: it.image,
        state: it.state,
        health: it.health ?? null,
        restarts: it.restarts,
        startedAt: it.startedAt.startsWith('0001') ? null : it.startedAt,
        exitCode: it.state === 'running' ? null : it.exitCode,
        id: it.id,
      }
    }
  },
})
