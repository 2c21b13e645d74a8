import { attempt } from '../../base/attempt.ts'
import { Failure } from '../../base/failure.ts'
import type { HostView, Settings } from '../../host/access/host.ts'
import { imageMismatch } from '../../host/apply/image-drift.ts'
import { planSettings, type SettingsChange } from '../../host/apply/settings-change.ts'
import type { HostStep } from '../../host/change/step.ts'
import { readComposeImage } from '../../host/compose/image-place.ts'
import { type ComposeEngine, readComposeEngine } from '../../host/docker/engine.ts'
import { editEnv } from '../../host/env/edit.ts'
import { parseEnvFile } from '../../host/env/parse.ts'
import { parseImage, showImage } from '../../host/images/image-reference.ts'
import { isUsable, listInvites } from '../../pds/invites.ts'
import type { HostPlan, PdsPlan } from '../../plan/plan.ts'
import { type CheckStep, check } from '../../plan/steps/check.ts'
import { later } from '../../plan/steps/placeholders.ts'
import { column, type RowOf } from '../../runner/command/columns.ts'
import { took } from '../../runner/command/measures.ts'
import { optional, text, yesNo } from '../../runner/command/types.ts'
import type { Views } from '../../runner/command/views.ts'
import { showCount } from '../../runner/output/report.ts'

/** The setting that opens and closes the door. */
export const door = 'PDS_INVITE_REQUIRED'

/** What a change of the door reports. */
export const doorColumns = {
  open: column(yesNo, 'whether anybody may sign up without an invite code'),
  inviteCodeRequired: column(yesNo, 'what the PDS says to everybody who asks'),
  setting: column(text, `${door} in pds.env`),
  version: column(optional(text), 'version of the PDS package, where it was restarted'),
  outageMs: column(optional(took), 'how long the PDS did not answer, in milliseconds'),
  ms: column(took, 'how long all of it took, in milliseconds', { label: 'took' }),
}

/** Whether the PDS makes a closed door of a value: only `false` and `0` open it. */
export const closes = (value: string | undefined): boolean => value !== 'false' && value !== '0'

/** What the PDS says: whether it wants an invite code; undefined when it does not answer. */
export async function wantsCode({ pds }: Views): Promise<boolean | undefined> {
  const answer = await attempt(() => pds.query(describe, {}, { as: 'nobody' }))
  return answer instanceof Failure ? undefined : answer.inviteCodeRequired === true
}

const describe = 'com.atproto.server.describeServer'

/** How many invite codes are still good for a signup, and what to type about it. */
export async function countCodes({ pds, signal }: Views): Promise<string> {
  const ways = 'see them with kimbia-ops invite list --status usable, end them with kimbia-ops invite disable'
  let [codes, uses] = [0, 0]
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(patience)])
    for await (const invite of listInvites(pds, { signal: limit })) {
      if (!isUsable(invite)) continue
      codes++
      uses += invite.available
    }
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause
    return `existing accounts are untouched, and invite codes with uses left still work: ${ways}`
  }
  if (codes === 0)
    return 'existing accounts are untouched, and no invite code has uses left: kimbia-ops invite list --status usable'
  const left = `${showCount(codes, 'invite code')} with ${showCount(uses, 'use')} left still ${codes === 1 ? 'works' : 'work'}`
  return `existing accounts are untouched, and ${left}: ${ways}`
}

/** How long the count is waited for, in milliseconds: the door is closed, and the operator wants to go on. */
const patience = 5_000

/** What is to become of the door, and what must be known of it. */
export interface SignupChange {
  readonly to: 'open' | 'closed'
  readonly force: boolean
  readonly reason: string | undefined
  readonly warnings: readonly string[]
  readonly afterwards: NonNullable<PdsPlan<unknown>['afterwards']>
}

/**
 * The plan to open or close the door; nothing is done twice. Seconds count: the PDS is only asked where pds.env says
 * already what is wanted.
 */
export async function planSignups(
  turn: SignupChange,
  views: Views,
): Promise<HostPlan<RowOf<typeof doorColumns>>> {
  const began = views.clock().getTime()
  const { host } = views
  const { dir, name } = await host.config()
  const [settings, engine] = await Promise.all([host.settings(), readComposeEngine(host)])
  const closed = turn.to === 'closed'
  const entry = parseEnvFile(settings.text.reveal()).entries.findLast(({ key }) => key === door)
  const setting = entry?.value
  const done = !entry?.interpolated && closes(setting) === closed
  const running = done ? await wantsCode(views) : undefined
  const file = `${dir}/pds.env`
  const planned =
    done && running === closed
      ? undefined
      : await planSettings(settingOf(turn, { file, settings, done, engine }, host), host, {
          engine,
          text: settings.text,
        })
  const steps = planned?.steps ?? []
  const now = done ? (setting ?? 'not set') : String(closed)
  const ms = (): number => Math.round(views.clock().getTime() - began - views.answering())
  return {
    on: 'host',
    title: closed ? 'close signups' : 'open signups to everybody',
    confirm: name,
    reason: turn.reason,
    found: planned
      ? [...planned.found, `pds.env: ${door} is ${setting ?? 'not set'}${done ? `; ${said(running)}` : ''}`]
      : [],
    warnings: planned
      ? [
          ...turn.warnings,
          ...planned.warnings,
          ...(planned.otherImage === undefined ? [] : [unplanned(planned.otherImage)]),
        ]
      : [],
    subject: `${file}: ${door}`,
    steps,
    after: planned ? [readBack(closed)] : [],
    rows: [rowOf(closed, now, steps, ms)],
    afterwards: turn.afterwards,
  }
}

/** What stands on the host; `done` where pds.env says already what is wanted. */
interface Standing {
  readonly file: string
  readonly settings: Settings
  readonly done: boolean
  readonly engine: ComposeEngine
}

/** Seconds count: one healthy answer is enough, and what the PDS then says is the proof. */
function settingOf(
  { to, force }: SignupChange,
  { file, settings, done, engine }: Standing,
  host: HostView,
): SettingsChange {
  const closed = to === 'closed'
  const changes = new Map([[door, String(closed)]])
  const was = settings.text.reveal()
  return {
    changes,
    text: done ? was : editEnv(was, changes).text,
    why: `${closed ? 'Require' : 'Stop requiring'} invite codes in ${file}`,
    gate: { healthy: 1, settle: 0, deadline: 60 },
    proof: 'answer',
    force,
    keepImage: closed ? (other) => nameRunningImage(engine, other, host) : undefined,
  }
}

/** Closing cannot wait for an update: the compose file names the running image again. Opening can wait. */
async function nameRunningImage(
  engine: ComposeEngine,
  other: string,
  host: HostView,
): Promise<readonly HostStep[]> {
  const made = engine.pds?.image ?? ''
  const running = parseImage(made)
  if (running === undefined) throw imageMismatch(made, other)
  const { service } = await host.config()
  const { writeImage } = await import('../../host/update/update-steps.ts')
  try {
    return writeImage(await readComposeImage(host, engine, service), running)
  } catch (cause) {
    if (cause instanceof Failure && cause.outcome === 'failed') throw imageMismatch(showImage(running), other)
    throw cause
  }
}

const unplanned = (other: string): string =>
  `the compose file names ${other}, which does not run: it names the running image again, so that closing is no update; afterwards: kimbia-ops update apply`

const said = (running: boolean | undefined): string =>
  running === undefined
    ? 'the PDS does not answer'
    : `the PDS ${running ? 'asks for an invite code' : 'lets everybody sign up'}`

/** The time is told when the row is: at the end. */
const rowOf = (closed: boolean, setting: string, { length }: readonly HostStep[], ms: () => number) => ({
  open: !closed,
  inviteCodeRequired: closed,
  setting,
  version: length > 0 ? later('host.version') : null,
  outageMs: length > 0 ? later('host.outageMs') : null,
  get ms() {
    return ms()
  },
})

const readBack = (closed: boolean): CheckStep =>
  check(closed ? 'Read back that an invite code is required' : 'Read back that no invite code is required', {
    kind: 'query',
    nsid: describe,
    params: {},
    expect: { inviteCodeRequired: closed },
  })
