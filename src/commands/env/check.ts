import { Failure } from '../../base/failure.ts'
import { lintFile } from '../../host/access/env-file-mode.ts'
import { lintCompose } from '../../host/compose/lint-settings.ts'
import { tryServiceEnv } from '../../host/compose/service-env.ts'
import { containersIfAny } from '../../host/docker/engine.ts'
import { lintData } from '../../host/docker/lint-data.ts'
import { type EnvFinding, lintEnv } from '../../host/env/lint/lint.ts'
import { parseEnvFile } from '../../host/env/parse.ts'
import { column, table } from '../../runner/command/columns.ts'
import { query } from '../../runner/command/command.ts'
import { choice, count, optional, text, yesNo } from '../../runner/command/types.ts'

/** That only pds.env could be looked at, where docker does not tell of the rest. */
const unseen = ({ code, message }: Failure): EnvFinding[] =>
  code === 'no-docker'
    ? []
    : [
        {
          line: null,
          key: '',
          severity: 'note',
          problem: `whether compose sets any of it elsewhere is not known: ${message}`,
          remedy: 'kimbia-ops ps',
        },
      ]

/** In the order of the file; what is about the whole of it comes last. */
const inOrder = (findings: readonly EnvFinding[]): readonly EnvFinding[] =>
  findings.toSorted((a, b) => (a.line ?? Number.MAX_VALUE) - (b.line ?? Number.MAX_VALUE))

const counted = (findings: readonly EnvFinding[], severity: EnvFinding['severity']): number =>
  findings.filter((it) => it.severity === severity).length

/** The whole of a finding, which a table may have to cut short. */
const inWords = ({ severity, line, key, problem, remedy }: EnvFinding): string => {
  const where = [line === null ? '' : `line ${line}`, key].filter(Boolean).join(', ')
  return `${severity}: ${where === '' ? '' : `${where}: `}${problem} (${remedy})`
}

/** What is wrong with pds.env, or will be understood differently by compose, bash and goat. */
export default query({
  name: 'env check',
  summary: 'Look for mistakes in pds.env',
  about:
    'Exit code 0 when there are none, or only notes; 3 when there are errors or warnings. What compose, pdsadmin (bash) and goat read differently is found as well, and, where docker answers, what “environment:” or another env file of compose sets in its place. No secret is shown.',
  examples: [
    'kimbia-ops env check',
    'kimbia-ops env check --json | jq -c ".findings[]"',
    'kimbia-ops env check --quiet && echo fine',
  ],
  input: {},
  output: {
    ok: column(yesNo, 'whether there are neither errors nor warnings'),
    errors: column(count, 'the PDS does not start, or does something else than is written'),
    warnings: column(count, 'likely a mistake'),
    notes: column(count, 'good to know'),
    findings: table(
      {
        line: column(optional(count), 'line in pds.env'),
        key: column(text, 'name of the setting'),
        severity: column(choice('severity', ['error', 'warning', 'note']), 'error, warning or note'),
        problem: column(text, 'what is wrong'),
        remedy: column(text, 'what to do'),
      },
      'what was found, in the order of the file',
    ),
  },
  result: 'one',
  async read(_input, { host, say }) {
    const text = (await host.pdsEnv()).reveal()
    const [env, found, ofFile] = await Promise.all([
      tryServiceEnv(host, text),
      containersIfAny(host),
      lintFile(host),
    ])
    const resolve = (key: string): string | undefined =>
      env instanceof Failure || env.refused !== undefined ? undefined : env.get(key)
    const ofCompose = env instanceof Failure ? unseen(env) : lintCompose(text, env)
    const ofData = lintData(parseEnvFile(text), found?.pds)
    const findings = inOrder([...lintEnv(text, resolve), ...ofCompose, ...ofData, ...ofFile])
    for (const finding of findings) say(inWords(finding))
    const [errors, warnings] = [counted(findings, 'error'), counted(findings, 'warning')]
    return {
      ok: errors + warnings === 0,
      errors,
      warnings,
      notes: counted(findings, 'note'),
      findings,
    }
  },
  outcome: ({ ok }) => (ok ? 'ok' : 'findings'),
})
