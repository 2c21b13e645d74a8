import { ask } from '../../ssh/shell.ts'
import type { EnvFinding } from '../env/lint/lint.ts'
import type { HostView } from './host.ts'

/** Who may read the file: owner and octal mode, following links. */
export async function lintFile(host: HostView): Promise<readonly EnvFinding[]> {
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
