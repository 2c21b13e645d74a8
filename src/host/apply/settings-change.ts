import { Secret } from '../../base/secret.ts'
import type { HostView } from '../access/host.ts'
import type { HostStep } from '../change/step.ts'
import { readServiceEnv, type ServiceEnv } from '../compose/service-env.ts'
import type { ComposeEngine } from '../docker/engine.ts'
import { portOf } from '../docker/pds-port.ts'
import { diffSettings } from '../env/diff.ts'
import type { EnvChanges } from '../env/edit.ts'
import { parseEnvFile } from '../env/parse.ts'
import { driftFrom, keysOf } from './env-drift.ts'
import { imageMismatch, readOtherImage } from './image-drift.ts'
import { assertPendingEdits, type PendingEditsRule, pendingEditsWarning } from './pending-edits.ts'
import { actsOn, applying, checkCompose, gateOf, type Recreating, recreate, wayBack } from './recreate.ts'
import { refuseOverridden, settingsProof } from './settings-proof.ts'

/** A change of settings in pds.env that the PDS is to run with. */
export interface SettingsChange extends PendingEditsRule {
  readonly changes: EnvChanges
  /** pds.env with them; as it stands, where it has them and only the container may lack them. */
  readonly text: string
  /** What the step that writes the file says. */
  readonly why: string
  readonly gate: Recreating['gate']
  /** What proves that the PDS has them: the environment of its container, or what the command asks it afterwards. */
  readonly proof: 'container' | 'answer'
  /** The steps that let compose keep the image that runs, where it names another one; without them that is refused. */
  readonly keepImage?: ((other: string) => Promise<readonly HostStep[]>) | undefined
}

/** The steps of such a change, and what a person should know of it. */
export interface SettingsPlan {
  /** None where the file has the settings already and the container has them too. */
  readonly steps: readonly HostStep[]
  readonly restarts: boolean
  readonly found: readonly string[]
  readonly warnings: readonly string[]
  /** Another image that the compose files name, which `keepImage` deals with. */
  readonly otherImage: string | undefined
}

/**
 * Plans a change of pds.env together with what a recreate takes along: the file is written, the container is made anew
 * and proven; whatever fails is put back. Failures: `setting-overridden` and `pds-env-unused` where compose takes the
 * settings from elsewhere, `image-differs` where it would be an update, and those of `assertPendingEdits`.
 */
export async function planSettings(
  change: SettingsChange,
  host: HostView,
  { engine, text }: { readonly engine: ComposeEngine; readonly text: Secret },
): Promise<SettingsPlan> {
  const config = await host.config()
  const file = `${config.dir}/pds.env`
  const was = text.reveal()
  const [env, otherImage] = await Promise.all([
    readServiceEnv(host, engine, was),
    readOtherImage(host, engine),
  ])
  refuseOverridden(env, change.changes, file)
  const named = [...change.changes.keys()]
  const drift = engine.pds
    ? keysOf(await driftFrom(host, engine, engine.pds, withChanges(env, change.changes), named))
    : []
  const pending = drift.filter((key) => !named.includes(key))
  const writing = change.text === was ? [] : [writeFile(change, file, text)]
  const restarts =
    change.proof === 'answer' ||
    writing.length > 0 ||
    drift.length > pending.length ||
    engine.pds?.state !== 'running'
  if (!restarts) return { steps: [], restarts, found: [], warnings: [], otherImage: undefined }
  const kept = otherImage === undefined ? [] : await change.keepImage?.(otherImage)
  if (kept === undefined) throw imageMismatch(engine.pds?.image ?? '', otherImage ?? '')
  await assertPendingEdits(change, { host, engine, keys: pending, text: change.text, was })
  const after = parseEnvFile(change.text)
  const portWritten = config.port ?? (Number.parseInt(parseEnvFile(was).get('PDS_PORT') ?? '', 10) || 3000)
  const newPort = change.changes.has('PDS_PORT') ? (after.get('PDS_PORT') ?? '') : undefined
  const portWith = (value?: string) => portOf(engine.pds, engine.containers, config, portWritten, value)
  const next: Recreating = {
    engine,
    service: config.service,
    port: portWith(newPort),
    gate: change.gate,
    drift: pending,
    written: after,
    changes: change.changes,
  }
  const steps =
    change.proof === 'answer'
      ? applying(next, writing)
      : provenByContainer(next, writing, {
          ...next,
          port: portWith(),
          written: parseEnvFile(was),
          changes: undefined,
        })
  return {
    // Before the way back, so that it is undone after it: going back is no update either.
    steps: [...kept, ...steps],
    restarts,
    found: [actsOn(engine, config)],
    warnings: pendingEditsWarning(pending),
    otherImage,
  }
}

/** The way back waits for the PDS at its old port, the way there at its new one. */
const provenByContainer = (
  next: Recreating,
  writing: readonly HostStep[],
  old: Recreating,
): readonly HostStep[] => [
  wayBack(old),
  ...writing,
  ...(writing.length > 0 ? [checkCompose(next, 'Check the compose file with the new settings')] : []),
  recreate(next),
  settingsProof(next, next.changes ?? new Map()),
  gateOf(next),
]

/** The step that writes pds.env, which the host undoes from its own copy. */
export const writeFile = (
  { why, text: now }: Pick<SettingsChange, 'why' | 'text'>,
  path: string,
  was: Secret,
): HostStep => ({
  kind: 'write',
  why,
  path,
  content: new Secret(now),
  was,
  changes: diffSettings(was.reveal(), now),
  holds: 'settings',
})

/** The settings of the service once pds.env is changed, where nothing else sets what is changed. */
const withChanges = (env: ServiceEnv, changes: EnvChanges): Pick<ServiceEnv, 'get' | 'keys'> => ({
  get: (key) => (changes.has(key) ? changes.get(key) : env.get(key)),
  keys: [...new Set([...env.keys, ...changes.keys()])],
})
