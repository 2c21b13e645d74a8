import { failed } from '../../base/failure.ts'
import { ask } from '../../ssh/shell.ts'
import type { HostView } from '../access/host.ts'
import type { Engine } from '../docker/engine.ts'
import { lintEnv } from '../env/lint/lint.ts'
import { parseEnvFile } from '../env/parse.ts'

/** What becomes of settings that somebody else has edited in pds.env and never applied, when the container is made anew. */
export interface PendingEditsRule {
  /** Applied even where `env check` calls them wrong. */
  readonly force: boolean
  /** Nobody is there to weigh a warning: none are applied. */
  readonly unattended?: boolean
}

/** What a recreate applies besides what it is for; nothing of the values is shown. */
export const pendingEditsWarning = (keys: readonly string[]): readonly string[] =>
  keys.length === 0 ? [] : [`also applies what was edited but never applied: ${keys.join(', ')}`]

interface Pending {
  readonly host: Pick<HostView, 'ask'>
  readonly engine: Pick<Engine, 'pds' | 'project'>
  readonly keys: readonly string[]
  /** pds.env as the new container gets it, and as it stands. */
  readonly text: string
  readonly was: string
}

/**
 * A Failure where what would be applied besides is wrong (`bad-edit-waiting`), since going back would apply it too, or
 * where nobody is there to weigh it (`drift`).
 */
export async function assertPendingEdits(rule: PendingEditsRule, pending: Pending): Promise<void> {
  if (rule.unattended && pending.keys.length > 0) await refuseUnattended(pending)
  if (!rule.force) refuseBadEdit(pending.text, pending.keys, pending.was)
}

/** The line is that of the file as it stands. */
function refuseBadEdit(text: string, keys: readonly string[], was: string): void {
  const bad = lintEnv(text).find(({ severity, key }) => severity === 'error' && keys.includes(key))
  if (!bad) return
  const { key, problem, remedy } = bad
  const line = parseEnvFile(was).entries.findLast((entry) => entry.key === key)?.line
  throw failed(
    'bad-edit-waiting',
    `pds.env${line === undefined ? '' : `, line ${line}`}: ${key} was edited but never applied, and this would take it up: ${problem}; nothing was changed`,
    `${remedy}; to go on all the same: --force`,
  )
}

/** What compose itself does not take for a change does not count. */
async function refuseUnattended({ host, engine: { pds, project }, keys }: Pending): Promise<void> {
  const service = pds?.labels['com.docker.compose.service'] ?? ''
  const made = pds?.labels['com.docker.compose.config-hash']
  const { stdout } = await host.ask(ask`${project?.words ?? []} config --hash ${service}`)
  if (made !== undefined && stdout.trim() === `${service} ${made}`) return
  throw failed(
    'drift',
    `pds.env was edited but never applied, and this would take it up with nobody there: ${keys.join(', ')}; nothing was changed`,
    'see: kimbia-ops env diff; to apply it: kimbia-ops restart --recreate; or run this without --if-due',
  )
}
