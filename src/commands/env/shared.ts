import { usage } from '../../base/failure.ts'
import { planSettings, type SettingsChange, writeFile } from '../../host/apply/settings-change.ts'
import { readComposeEngine } from '../../host/docker/engine.ts'
import { cautionOf, dangerOf } from '../../host/env/dangers.ts'
import { diffSettings } from '../../host/env/diff.ts'
import { type EnvChanges, type EnvEdit, editEnv } from '../../host/env/edit.ts'
import { newErrors } from '../../host/env/lint/lint.ts'
import { parseEnvFile } from '../../host/env/parse.ts'
import type { Quoting } from '../../host/env/quote.ts'
import type { HostPlan } from '../../plan/plan.ts'
import { later } from '../../plan/steps/placeholders.ts'
import { column, type RowOf } from '../../runner/command/columns.ts'
import { took } from '../../runner/command/measures.ts'
import { flag, option } from '../../runner/command/parameters.ts'
import { duration, optional, reason, text, yesNo } from '../../runner/command/types.ts'
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
  outageMs: column(optional(took), 'how long the PDS did not answer, in milliseconds'),
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
export async function planEdit(wish: Wish, { host }: Views): Promise<HostPlan<RowOf<typeof editColumns>>> {
  const { dir, name } = await host.config()
  const [text, engine] = await Promise.all([
    host.pdsEnv(),
    wish.noApply ? undefined : readComposeEngine(host),
  ])
  const was = text.reveal()
  const edit = editEnv(was, wish.changes, wish.quoting)
  refuseErrors(was, edit.text, wish)
  const [before, after] = [parseEnvFile(was), parseEnvFile(edit.text)]
  const keys = [...wish.changes.keys()]
  const file = `${dir}/pds.env`
  const change: SettingsChange = {
    changes: wish.changes,
    text: edit.text,
    why: `Write ${file}`,
    gate: { healthy: 2, settle: Math.ceil((wish.settle ?? 3000) / 1000), deadline: 60 },
    proof: 'container',
    force: wish.force,
  }
  const applied = engine && (await planSettings(change, host, { engine, text }))
  const changed = keys.filter((key) => before.get(key) !== after.get(key))
  const written = edit.text !== was
  const restarts = applied?.restarts === true
  const row = {
    ...{ keys, file, applied: engine !== undefined },
    version: restarts ? later('host.version') : null,
    outageMs: restarts ? later('host.outageMs') : null,
  }
  const steps = applied ? applied.steps : written ? [writeFile(change, file, text)] : []
  return {
    on: 'host',
    title: `${written || !restarts ? wish.verb : 'apply'} ${keys.join(', ')}`,
    confirm: name,
    ...(changed.some(dangerOf) && { risk: 'irreversible' as const }),
    reason: wish.reason,
    found: [...(applied?.found ?? []), ...diffSettings(was, edit.text)],
    warnings: [...warningsOf(changed, wish, edit), ...(applied?.warnings ?? [])],
    subject: `${file}: ${keys.join(', ')}`,
    steps,
    rows: [row],
    afterwards: engine ? [] : [notApplied],
  }
}

const notApplied = 'the PDS still runs with what it had; to apply it: the same command without --no-apply'

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
