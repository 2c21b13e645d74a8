import { failed } from '../../failure.ts'
import type { Container } from '../../host/containers.ts'
import { type Engine, readEngine } from '../../host/engine.ts'
import { differences } from '../../host/env-diff.ts'
import { type EnvFile, parseEnvFile } from '../../host/env-file.ts'
import { isOfThePds } from '../../host/env-keys.ts'
import type { HostView } from '../../host/host.ts'
import { column, query, table } from '../../runner/command.ts'
import { choice, text, yesNo } from '../../runner/type.ts'
import { ask } from '../../ssh/shell.ts'

/** The settings that the image brings along, which no env file has set. */
async function ofImage(
  host: HostView,
  { docker }: Engine,
  { imageId }: Container,
): Promise<readonly string[]> {
  const { code, stdout } = await host.ask(
    ask`${docker} image inspect --format ${'{{json .Config.Env}}'} ${imageId}`,
  )
  if (code !== 0) return []
  const env: unknown = JSON.parse(stdout)
  return Array.isArray(env) ? env.map(String) : []
}

const states = ['changed', 'not applied', 'no longer in pds.env'] as const

interface Difference {
  readonly key: string
  readonly state: (typeof states)[number]
  readonly lines: readonly string[]
}

function compare(env: EnvFile, { env: running }: Container, image: readonly string[]): readonly Difference[] {
  const keys = new Set(env.entries.map(({ key }) => key))
  for (const [key, value] of running)
    if (isOfThePds(key) && !image.includes(`${key}=${value.reveal()}`)) keys.add(key)
  return [...keys].flatMap((key) => {
    const [now, was] = [env.get(key), running.get(key)?.reveal()]
    const lines = differences(key, was, now)
    if (lines.length === 0) return []
    const state = now === undefined ? 'no longer in pds.env' : was === undefined ? 'not applied' : 'changed'
    return [{ key, state, lines }]
  })
}

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
    'Exit code 0 when they agree, 3 when they differ. A line with - is what runs, one with + is what pds.env says. Secrets are compared, never shown. To apply what is written: kimbia-ops env set with the same value.',
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
    const env = parseEnvFile(settings.text.reveal())
    const found = compare(env, pds, await ofImage(host, engine, pds))
    return { agree: found.length === 0, container: pds.name, startedAt: pds.startedAt, differences: found }
  },
  outcome: ({ agree }) => (agree ? 'ok' : 'findings'),
})
