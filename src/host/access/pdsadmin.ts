import { act, ask, type Shell } from '../../ssh/shell.ts'
import type { HostView } from './host.ts'

/** The path of the installer's own tool; undefined where the host has none. */
export async function findPdsadmin(host: Pick<HostView, 'ask'>): Promise<string | undefined> {
  const { stdout } = await host.ask(
    ask`command -v pdsadmin || { [ -x /usr/local/bin/pdsadmin ] && echo /usr/local/bin/pdsadmin; }`,
  )
  return stdout.trim() || undefined
}

/** Runs it in place of the shell. */
export const runPdsadmin = (path: string, args: readonly string[]): Shell<'act'> => act`exec ${path} ${args}`
