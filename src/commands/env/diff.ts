import { failed } from '../../base/failure.ts'
import { type Drifted, driftFrom } from '../../host/apply/env-drift.ts'
import { type Overridden, overriddenSettings } from '../../host/compose/lint-settings.ts'
import { readServiceEnv, type ServiceEnv } from '../../host/compose/service-env.ts'
import type { Container } from '../../host/docker/containers.ts'
import { readEngine } from '../../host/docker/engine.ts'
import { differences } from '../../host/env/diff.ts'
import { column, table } from '../../runner/command/columns.ts'
import { query } from '../../runner/command/command.ts'
import { choice, moment, optional, text, yesNo } from '../../runner/command/types.ts'

const states = ['changed', 'not applied', 'no longer in pds.env', 'overridden'] as const

interface Difference {
  readonly key: string
  readonly state: (typeof states)[number]
  readonly lines: readonly string[]
  readonly setBy: string | null
}

const drifted = ({ key, was, now }: Drifted, env: ServiceEnv): Difference => ({
  key,
  state: now === undefined ? 'no longer in pds.env' : was === undefined ? 'not applied' : 'changed',
  lines: differences(key, was, now),
  setBy: env.overriddenBy(key) ?? null,
})

const overridden = ({ key, written, setBy }: Overridden, container: Container): Difference => ({
  key,
  state: 'overridden',
  lines: differences(key, container.env.get(key)?.reveal(), written),
  setBy,
})

const words = {
  name: 'lines',
  schema: { type: 'array', items: { type: 'string' } },
  show: (value: readonly string[]) => value.join('  '),
  json: (value: readonly string[]) => value,
} as const

/** What was edited in pds.env and never applied: `docker restart` does not read the file again. */
export default query({
  name: 'env diff',
  summary: 'Compare pds.env with what the PDS runs with',
  about:
    'Exit code 0 when they agree, 3 when they differ. A line with - is what runs, one with + is what pds.env says. Secrets are compared, never shown. To apply what is written: kimbia-ops restart --recreate; what is overridden, because “environment:” or a later env file of compose sets it too, is to be changed there.',
  examples: [
    'kimbia-ops env diff',
    'kimbia-ops env diff --json | jq -r ".differences[].key"',
    'kimbia-ops env diff --quiet && echo applied',
  ],
  input: {},
  output: {
    agree: column(yesNo, 'whether the PDS runs with what pds.env says'),
    container: column(text, 'name of the container'),
    startedAt: column(moment, 'when it was started, UTC'),
    differences: table(
      {
        key: column(text, 'name of the setting'),
        state: column(choice('state', states), 'changed, not applied, no longer in pds.env, or overridden'),
        lines: column(words, 'what runs (-) and what pds.env says (+)'),
        setBy: column(optional(text), 'what compose takes it from in place of pds.env'),
      },
      'the settings that differ',
    ),
  },
  result: 'one',
  async read(_input, { host, say }) {
    const [text, engine] = await Promise.all([host.pdsEnv(), readEngine(host)])
    const { pds } = engine
    if (pds === undefined)
      throw failed(
        'no-container',
        `${await host.where()} has no container of “${(await host.config()).service}” to compare with`,
        'on the host: docker ps --all; set “service:” in the config if it is called otherwise',
      )
    const pdsEnv = text.reveal()
    const env = await readServiceEnv(host, engine, pdsEnv)
    if (env.refused !== undefined)
      say(`note: compose does not resolve its files, so that only pds.env is compared: ${env.refused}`)
    const drift = await driftFrom(host, engine, pds, env)
    const settled = overriddenSettings(pdsEnv, env).filter(
      ({ key, written, taken }) => written !== taken && !drift.some((it) => it.key === key),
    )
    const found = [...drift.map((it) => drifted(it, env)), ...settled.map((it) => overridden(it, pds))]
    return { agree: found.length === 0, container: pds.name, startedAt: pds.startedAt, differences: found }
  },
  outcome: ({ agree }) => (agree ? 'ok' : 'findings'),
})
