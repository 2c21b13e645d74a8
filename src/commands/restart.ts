import type { HostView, Settings } from '../host/access/host.ts'
import { keysOf, readDrift } from '../host/apply/env-drift.ts'
import { expectedIdentity } from '../host/apply/expected-identity.ts'
import { refuseOtherImage } from '../host/apply/image-drift.ts'
import { assertPendingEdits, pendingEditsWarning } from '../host/apply/pending-edits.ts'
import {
  actsOn,
  checkCompose,
  gateOf,
  pinRunningImage,
  recreate,
  restartStep,
} from '../host/apply/recreate.ts'
import type { HostStep } from '../host/change/step.ts'
import type { Container } from '../host/docker/containers.ts'
import { type Engine, readComposeEngine, readEngine } from '../host/docker/engine.ts'
import { portOf } from '../host/docker/pds-port.ts'
import { parseEnvFile } from '../host/env/parse.ts'
import { containerOf } from '../host/logs/read-log.ts'
import type { HostPlan } from '../plan/plan.ts'
import { wait } from '../plan/steps/host.ts'
import { later } from '../plan/steps/placeholders.ts'
import { column } from '../runner/command/columns.ts'
import { procedure } from '../runner/command/command.ts'
import { took } from '../runner/command/measures.ts'
import { applyBadEdits, flag } from '../runner/command/parameters.ts'
import { optional, text } from '../runner/command/types.ts'

const gate = { healthy: 2, settle: 3, deadline: 60 }

interface Row {
  readonly service: string
  readonly container: string | null
  readonly version: string | null
  readonly outageMs: number | null
}

/** Restarting changes no file, so that there is nothing to undo: one that does not come up again is told with why. */
export default procedure({
  name: 'restart',
  summary: 'Restart the PDS, and wait until it is well',
  about:
    'The container starts again with the settings that it was created with; what was changed in pds.env since then is left out, and named. With --recreate it is made anew, from the compose file and pds.env as they are now, with the image that runs: another one comes with `update apply`. Done when the PDS has answered twice and stayed up for 3 seconds.',
  examples: ['kimbia-ops restart', 'kimbia-ops restart --recreate --yes'],
  risk: 'disruptive',
  on: 'host',
  input: {
    recreate: flag('make the container anew, with pds.env as it is now'),
    force: applyBadEdits,
  },
  output: {
    service: column(text, 'compose service of the PDS'),
    container: column(optional(text), 'its name'),
    version: column(optional(text), 'of the PDS, as it answers now'),
    outageMs: column(optional(took), 'how long it did not answer, in milliseconds'),
  },
  async plan({ recreate: anew, force }, { host }): Promise<HostPlan<Row>> {
    const { service, name } = await host.config()
    const settings = await host.settings()
    const { steps, container, engine, acting } = anew
      ? await renewal(host, settings)
      : await restart(host, settings)
    const title = `${anew ? 'recreate' : 'restart'} the PDS`
    const row = {
      service,
      container: container?.name ?? null,
      version: later('host.version'),
      outageMs: later('host.outageMs'),
    }
    const was = settings.text.reveal()
    const drift = keysOf(container ? await readDrift(host, engine, container, was) : [])
    if (anew) await assertPendingEdits({ force }, { host, engine, keys: drift, text: was, was })
    return {
      on: 'host',
      title,
      confirm: name,
      found: [acting],
      warnings: (anew ? pendingEditsWarning : notTakenUp)(drift),
      subject: service,
      steps,
      rows: [row],
    }
  },
})

interface Way {
  readonly engine: Engine
  readonly steps: readonly HostStep[]
  readonly container: Container | undefined
  /** Which directory and container it acts on. */
  readonly acting: string
}

async function renewal(host: HostView, settings: Settings): Promise<Way> {
  const engine = await readComposeEngine(host)
  const config = await host.config()
  const { service } = config
  const port = portOf(engine.pds, engine.containers, config, settings.port)
  const written = parseEnvFile(settings.text.reveal())
  await refuseOtherImage(host, engine)
  const it = { engine, service, port, gate, written }
  return {
    engine,
    // What compose refuses, or cannot be asked, is known before the PDS is stopped.
    steps: [pinRunningImage(it), checkCompose(it), recreate(it, ['--force-recreate']), gateOf(it)],
    container: engine.pds,
    acting: actsOn(engine, config),
  }
}

async function restart(host: HostView, settings: Settings): Promise<Way> {
  const engine = await readEngine(host)
  const config = await host.config()
  const container = await containerOf(host, engine, undefined)
  const port = portOf(container, engine.containers, config, settings.port)
  return {
    engine,
    container,
    acting: `acts on the container ${container.name}, which belongs to ${config.dir}`,
    steps: [
      restartStep(engine, container, port),
      wait(`Wait until the PDS is healthy, and stays so for ${gate.settle} s`, {
        port,
        ...gate,
        same: expectedIdentity(container, {}),
        container: { docker: engine.docker, name: container.name },
      }),
    ],
  }
}

/** A restart does not read pds.env again. */
const notTakenUp = (keys: readonly string[]): readonly string[] =>
  keys.length === 0
    ? []
    : [
        `pds.env has changed since the container was made: ${keys.join(', ')}. A restart does not take that up; restart --recreate does`,
      ]
