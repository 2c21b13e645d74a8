import { failed } from '../../failure.ts'
import { type Drifted, readDrift } from '../../host/drift.ts'
import { readEngine } from '../../host/engine.ts'
import { differences } from '../../host/env-diff.ts'
import { column, query, table } from '../../runner/command.ts'
import { choice, text, yesNo } from '../../runner/type.ts'

const states = ['changed', 'not applied', 'no longer in pds.env'] as const

interface Difference {
  readonly key: string
  readonly state: (typeof states)[number]
  readonly lines: readonly string[]
}

const told = ({ key, was, now }: Drifted): Difference => ({
  key,
  state: now === undefined ? 'no longer in pds.env' : was === undefined ? 'not applied' : 'changed',
  lines: differences(key, was, now),
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
    'Exit code 0 when they agree, 3 when they differ. A line with - is what runs, one with + is what pds.env says. Secrets are compared, never shown. To apply what is written: kimbia-ops restart --recreate.',
  examples: [
    'kimbia-ops env diff',
    'kimbia-ops env diff --json | jq -r ".differences[].key"',
    'kimbia-ops env diff --quiet && echo applied',
  ],
  input: {},
  output: {
    agree: column(yesNo, 'whether the PDS runs with what pds.env says'),
    container: column(text, 'name of the container'),
    startedAt: column(text, 'when it was started, UTC'),
    differences: table(
      {
        key: column(text, 'name of the setting'),
        state: column(choice('state', states), 'changed, not applied, or no longer in pds.env'),
        lines: column(words, 'what runs (-) and what pds.env says (+)'),
      },
      'the settings that differ',
    ),
  },
  result: 'one',
  async read(_input, { host }) {
    const [settings, engine] = await Promise.all([host.settings(), readEngine(host)])
    const { pds } = engine
    if (pds === undefined)
      throw failed(
        'no-container',
        `${await host.where()} has no container of “${(await host.config()).service}” to compare with`,
        'on the host: docker ps --all; set “service:” in the config if it is called otherwise',
      )
    const found = (await readDrift(host, engine, pds, settings.text.reveal())).map(told)
    return { agree: found.length === 0, container: pds.name, startedAt: pds.startedAt, differences: found }
  },
  outcome: ({ agree }) => (agree ? 'ok' : 'findings'),
})
