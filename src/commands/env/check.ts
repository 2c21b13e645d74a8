import { Failure } from '../../base/failure.ts'
import type { HostView } from '../../host/access/host.ts'
import { lintCompose } from '../../host/compose/lint-settings.ts'
import { tryServiceEnv } from '../../host/compose/service-env.ts'
import { containersIfAny } from '../../host/docker/engine.ts'
import { lintData } from '../../host/docker/lint-data.ts'
import { type EnvFinding, lintEnv } from '../../host/env/lint/lint.ts'
import { parseEnvFile } from '../../host/env/parse.ts'
import { column, table } from '../../runner/command/columns.ts'
import { query } from '../../runner/command/command.ts'
import { choice, count, optional, text, yesNo } from '../../runner/command/types.ts'
import { ask } from '../../ssh/shell.ts'

/** Who may read the file: owner and octal mode, following links. */
async function lintFile(host: HostView): Promise<readonly EnvFinding[]> {
  const file = `${(await host.config()).dir}/pds.env`
  const { code, stdout, stderr } = await host.ask(
    ask`stat -L -c '%a %U' ${file} 2>/dev/null || stat -L -f '%Lp %Su' ${file}`,
  )
  const of = (severity: EnvFinding['severity'], problem: string, remedy: string): EnvFinding[] => [
    { line: null, key: '', severity, problem, remedy },
  ]
  const [, mode, owner] = /^([0-7]{1,4}) (\S+)\s*$/.exec(stdout) ?? []
  if (code !== 0 || mode === undefined)
    return of(
      'note',
      `its mode and owner cannot be read: ${stderr.trim().slice(0, 200)}`,
      'see: ls -l on the host',
    )
  const open = !['600', '400'].includes(mode)
  return [
    ...(open
      ? of(
          'warning',
          `its mode is ${mode}: others than its owner may read it`,
          `on the host: chmod 600 ${file}`,
        )
      : []),
    ...(owner === 'root'
      ? []
      : of(
          'note',
          `it belongs to ${owner}, who can read every secret in it`,
          `on the host: chown root ${file}`,
        )),
  ]
}

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
    const text = (await host.settings()).text.reveal()
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
