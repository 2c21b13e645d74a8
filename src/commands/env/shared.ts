import { usage } from '../../base/failure.ts'
import { Secret } from '../../base/secret.ts'
import type { Settings } from '../../host/access/host.ts'
import { driftFrom, driftWarning, keysOf, refuseBadEdit } from '../../host/apply/env-drift.ts'
import { refuseOtherImage } from '../../host/apply/image-drift.ts'
import {
  actsOn,
  checkCompose,
  gateOf,
  type Recreating,
  recreate,
  wayBack,
} from '../../host/apply/recreate.ts'
import { refuseOverridden, settingsProof } from '../../host/apply/settings-proof.ts'
import type { HostStep } from '../../host/change/step.ts'
import { readServiceEnv, type ServiceEnv } from '../../host/compose/service-env.ts'
import { type ComposeEngine, readComposeEngine } from '../../host/docker/engine.ts'
import { portOf } from '../../host/docker/pds-port.ts'
import { cautionOf, dangerOf } from '../../host/env/dangers.ts'
import { diffSettings } from '../../host/env/diff.ts'
import { type EnvChanges, type EnvEdit, editEnv } from '../../host/env/edit.ts'
import { newErrors } from '../../host/env/lint/lint.ts'
import { type EnvFile, parseEnvFile } from '../../host/env/parse.ts'
import type { Quoting } from '../../host/env/quote.ts'
import type { Plan } from '../../plan/plan.ts'
import { write } from '../../plan/steps/host.ts'
import { later } from '../../plan/steps/placeholders.ts'
import { column, type RowOf } from '../../runner/command/columns.ts'
import { flag, option } from '../../runner/command/parameters.ts'
import { count, duration, optional, reason, text, yesNo } from '../../runner/command/types.ts'
import type { Views } from '../../runner/command/views.ts'
import { settingNames } from './words.ts'

/** The options that every change of pds.env has. */
export const editOptions = {
  noApply: flag('only write pds.env; the PDS goes on with what it has until the next change or update'),
  settle: option(duration, 'how long the PDS must stay healthy before it counts (default: 3s)'),
  force: flag('write what env check finds wrong, too, and apply such edits of others'),
  reason: option(reason, 'kept in the trail'),
}

/** What a change of pds.env reports. */
export const editColumns = {
  keys: column(settingNames, 'the settings that were named'),
  file: column(text, 'the file on the host'),
  applied: column(yesNo, 'whether the PDS runs with them'),
  version: column(optional(text), 'version of the PDS package, where it was restarted'),
  outageMs: column(optional(count), 'how long the PDS did not answer, in milliseconds'),
}

/** A change of settings that is wanted. */
export interface Wish {
  readonly verb: 'set' | 'unset'
  readonly changes: EnvChanges
  readonly quoting: Quoting
  readonly noApply: boolean
  /** Milliseconds. */
  readonly settle: number | undefined
  readonly force: boolean
  readonly reason: string | undefined
}

/** The plan of a change: the file is written, checked by compose, and applied; whatever fails is put back. */
export async function planEdit(wish: Wish, views: Views): Promise<Plan<RowOf<typeof editColumns>>> {
  const config = await views.host.config()
  const [settings, engine] = await Promise.all([
    views.host.settings(),
    wish.noApply ? undefined : readComposeEngine(views.host),
  ])
  const was = settings.text.reveal()
  const edit = editEnv(was, wish.changes, wish.quoting)
  refuseErrors(was, edit.text, wish)
  const [before, after] = [parseEnvFile(was), parseEnvFile(edit.text)]
  const keys = [...wish.changes.keys()]
  const file = `${config.dir}/pds.env`
  const { own, waiting } = await driftAfter(engine, was, { ...wish, file }, views)
  const changed = keys.filter((key) => before.get(key) !== after.get(key))
  const writing = edit.text === was ? [] : [writeStep(file, settings, edit)]
  const wanted = wish.changes.has('PDS_PORT') ? (after.get('PDS_PORT') ?? '') : undefined
  const portWith = (value?: string) =>
    portOf(engine?.pds, engine?.containers ?? [], config, settings.port, value)
  const restart =
    engine !== undefined && (writing.length > 0 || own.length > 0 || engine.pds?.state !== 'running')
  if (restart) await refuseOtherImage(views.host, engine)
  if (restart && !wish.force) refuseBadEdit(edit.text, waiting, was)
  const { service } = config
  const ports = { port: portWith(wanted), oldPort: portWith() }
  const applying = { writing, wish, ...ports, before, after, service, drift: waiting }
  const steps = restart ? applySteps({ engine, ...applying }) : writing
  const measured = { version: later('host.version'), outageMs: later('host.outageMs') }
  const row = {
    ...{ keys, file, applied: engine !== undefined },
    ...(restart ? measured : { version: null, outageMs: null }),
  }
  return {
    title: `${writing.length > 0 || !restart ? wish.verb : 'apply'} ${keys.join(', ')}`,
    confirm: config.name,
    ...(changed.some(dangerOf) && { risk: 'irreversible' as const }),
    reason: wish.reason,
    found: [...(restart ? [actsOn(engine, config)] : []), ...diffSettings(was, edit.text)],
    warnings: [...warningsOf(changed, wish, edit), ...(restart ? driftWarning(waiting) : [])],
    items: [{ subject: `${file}: ${keys.join(', ')}`, steps, rows: [row] }],
    afterwards: engine ? [] : [notApplied],
  }
}

const notApplied = 'the PDS still runs with what it had; to apply it: the same command without --no-apply'

/** What a container made with the change would have that this one has not: of the settings that were named, and of others. */
async function driftAfter(
  engine: ComposeEngine | undefined,
  text: string,
  { changes, file }: Pick<Wish, 'changes'> & { readonly file: string },
  { host }: Pick<Views, 'host'>,
) {
  if (engine === undefined) return { own: [], waiting: [] }
  const env = await readServiceEnv(host, engine, text)
  refuseOverridden(env, changes, file)
  if (!engine.pds) return { own: [], waiting: [] }
  const named = [...changes.keys()]
  const drift = keysOf(await driftFrom(host, engine, engine.pds, changedEnv(env, changes), named))
  return {
    own: drift.filter((key) => named.includes(key)),
    waiting: drift.filter((key) => !named.includes(key)),
  }
}

/** The settings of the service once pds.env is changed, where nothing else sets what is changed. */
const changedEnv = (env: ServiceEnv, changes: EnvChanges): Pick<ServiceEnv, 'get' | 'keys'> => ({
  get: (key) => (changes.has(key) ? changes.get(key) : env.get(key)),
  keys: [...new Set([...env.keys, ...changes.keys()])],
})

const writeStep = (path: string, { text }: Settings, edit: EnvEdit): HostStep =>
  write(`Write ${path}`, {
    path,
    content: new Secret(edit.text),
    was: text,
    changes: diffSettings(text.reveal(), edit.text),
    holds: 'settings',
  })

interface Applying {
  readonly engine: ComposeEngine
  readonly writing: readonly HostStep[]
  readonly wish: Wish
  /** The port of the PDS afterwards. */
  readonly port: number
  readonly oldPort: number
  readonly before: EnvFile
  readonly after: EnvFile
  readonly service: string
  readonly drift: readonly string[]
}

/** The way back waits for the PDS at its old port, the way there at its new one. */
function applySteps({
  engine,
  writing,
  wish,
  port,
  oldPort,
  before,
  after,
  service,
  drift,
}: Applying): readonly HostStep[] {
  const gate = { healthy: 2, settle: Math.ceil((wish.settle ?? 3000) / 1000), deadline: 60 }
  const old: Recreating = { engine, service, port: oldPort, gate, drift, written: before }
  const next: Recreating = { ...old, port, written: after, changes: wish.changes }
  const checked = checkCompose({ engine }, 'Check the compose file with the new settings')
  return [
    wayBack(old),
    ...writing,
    ...(writing.length > 0 ? [checked] : []),
    recreate(next),
    settingsProof(next, wish.changes),
    gateOf(next),
  ]
}

function refuseErrors(was: string, now: string, { force }: Wish): void {
  const [first] = force ? [] : newErrors(was, now)
  if (first)
    throw usage(
      `${first.key || `line ${first.line}`}: ${first.problem}`,
      `${first.remedy}; to write it all the same: --force`,
      'setting-invalid',
    )
}

const warningsOf = (changed: readonly string[], wish: Wish, edit: EnvEdit): readonly string[] => [
  ...changed.flatMap((key) => dangerOf(key) ?? []),
  ...changed.flatMap((key) => cautionOf(key) ?? []),
  ...remarks(wish, edit),
]

function remarks({ changes, quoting }: Wish, { collapsed, text }: EnvEdit): readonly string[] {
  const lines = text.split('\n')
  const quoted = [...changes].filter(
    ([key, value]) => quoting === 'single' && value && lines.some((it) => it.includes(`${key}='`)),
  )
  return [
    ...collapsed.map(
      ({ key, line, gone }) =>
        `${key} stood several times: it is left on line ${line}, and taken out of ${gone.length === 1 ? 'line' : 'lines'} ${gone.join(', ')}`,
    ),
    ...quoted.map(([key]) => `${key} is put in quotes, which goat takes for a part of the value`),
  ]
}
