import { Failure } from '../../base/failure.ts'
import { Secret } from '../../base/secret.ts'
import type { Settings } from '../../host/access/host.ts'
import { driftFrom, driftWarning, keysOf, refuseBadEdit } from '../../host/apply/env-drift.ts'
import { imageMismatch, readOtherImage } from '../../host/apply/image-drift.ts'
import { actsOn, applying } from '../../host/apply/recreate.ts'
import { refuseOverridden } from '../../host/apply/settings-proof.ts'
import type { HostStep } from '../../host/change/step.ts'
import { readComposeImage } from '../../host/compose/image-place.ts'
import { readServiceEnv } from '../../host/compose/service-env.ts'
import { type ComposeEngine, readComposeEngine } from '../../host/docker/engine.ts'
import { portOf } from '../../host/docker/pds-port.ts'
import { diffSettings } from '../../host/env/diff.ts'
import { editEnv } from '../../host/env/edit.ts'
import { type EnvFile, parseEnvFile } from '../../host/env/parse.ts'
import { parseImage, showImage } from '../../host/images/image-reference.ts'
import type { Plan } from '../../plan/plan.ts'
import { check } from '../../plan/steps/check.ts'
import { write } from '../../plan/steps/host.ts'
import { later } from '../../plan/steps/placeholders.ts'
import type { Step } from '../../plan/steps/step.ts'
import { column, type RowOf } from '../../runner/command/columns.ts'
import { flag } from '../../runner/command/parameters.ts'
import { count, optional, text, yesNo } from '../../runner/command/types.ts'
import type { Views } from '../../runner/command/views.ts'

/** The setting that opens and closes the door. */
export const door = 'PDS_INVITE_REQUIRED'

/** What a change of the door reports. */
export const doorColumns = {
  open: column(yesNo, 'whether anybody may sign up without an invite code'),
  inviteCodeRequired: column(yesNo, 'what the PDS says to everybody who asks'),
  setting: column(text, `${door} in pds.env`),
  version: column(optional(text), 'version of the PDS package, where it was restarted'),
  outageMs: column(optional(count), 'how long the PDS did not answer, in milliseconds'),
  ms: column(count, 'how long all of it took, in milliseconds'),
}

/** Whether the PDS makes a closed door of a value: only `false` and `0` open it. */
export const closes = (value: string | undefined): boolean => value !== 'false' && value !== '0'

/** What the PDS says: whether it wants an invite code; undefined when it does not answer. */
export async function wantsCode({ pds }: Views): Promise<boolean | undefined> {
  try {
    const { inviteCodeRequired } = await pds.query(describe, {}, { as: 'nobody' })
    return inviteCodeRequired === true
  } catch (cause) {
    if (!(cause instanceof Failure) || cause.outcome === 'interrupted') throw cause
    return undefined
  }
}

const describe = 'com.atproto.server.describeServer'

/** What is to become of the door, and what must be known of it. */
export interface SignupChange {
  readonly to: 'open' | 'closed'
  readonly force: boolean
  readonly reason: string | undefined
  readonly warnings: readonly string[]
  readonly afterwards: readonly string[]
}

/** What applies to both: somebody's bad edit may be taken along. */
export const force = flag('go on with what somebody else edited wrongly in pds.env and never applied')

/**
 * The plan to open or close the door; nothing is done twice. Seconds count: the PDS is only asked where pds.env says
 * already what is wanted.
 */
export async function planSignups(
  turn: SignupChange,
  views: Views,
): Promise<Plan<RowOf<typeof doorColumns>>> {
  const began = views.clock().getTime()
  const config = await views.host.config()
  const [settings, { engine, other }] = await Promise.all([views.host.settings(), engineAndImage(views)])
  const closed = turn.to === 'closed'
  const entry = parseEnvFile(settings.text.reveal()).entries.findLast(({ key }) => key === door)
  const setting = entry?.value
  const file = `${config.dir}/pds.env`
  const done = !entry?.interpolated && closes(setting) === closed
  const running = done ? await wantsCode(views) : undefined
  const ready = done && running === closed
  const drift = ready ? [] : await driftBeside(engine, settings, { ...turn, file }, views)
  const imaging = ready || other === undefined ? [] : await backToImage(engine, other, turn, views)
  const writing = done ? [] : [writeDoor(file, settings, closed)]
  const written = parseEnvFile(closedOrOpen(settings, closed))
  const port = portOf(engine.pds, engine.containers, config, settings.port)
  const it = { engine, service: config.service, port, drift, written }
  // Before the way back, so that it is undone after it: going back is no update either.
  const steps = ready ? [] : [...imaging, ...signupSteps(it, writing, closed)]
  const now = done ? (setting ?? 'not set') : String(closed)
  const ms = (): number => views.clock().getTime() - began
  return {
    title: closed ? 'close signups' : 'open signups to everybody',
    confirm: config.name,
    reason: turn.reason,
    found: ready
      ? []
      : [
          actsOn(engine, config),
          `pds.env: ${door} is ${setting ?? 'not set'}${done ? `; ${said(running)}` : ''}`,
        ],
    warnings: ready
      ? []
      : [...turn.warnings, ...driftWarning(drift), ...imaging.map(() => unplanned(other ?? ''))],
    items: [{ subject: `${file}: ${door}`, steps, rows: [rowOf(closed, now, steps, ms)] }],
    afterwards: turn.afterwards,
  }
}

async function engineAndImage({ host }: Views) {
  const engine = await readComposeEngine(host)
  return { engine, other: await readOtherImage(host, engine) }
}

/**
 * Keys that the recreate takes up besides the door; refused where they are wrong, unless forced, and where compose
 * takes the door itself from elsewhere.
 */
async function driftBeside(
  engine: ComposeEngine,
  { text }: Settings,
  { force, to, file }: SignupChange & { readonly file: string },
  { host }: Views,
): Promise<readonly string[]> {
  const env = await readServiceEnv(host, engine, text.reveal())
  refuseOverridden(env, new Map([[door, String(to === 'closed')]]), file)
  if (!engine.pds) return []
  const drift = keysOf(await driftFrom(host, engine, engine.pds, env))
  const others = drift.filter((key) => key !== door)
  if (!force) refuseBadEdit(text.reveal(), others)
  return others
}

/** Closing cannot wait for an update: the compose file names the running image again. Opening can wait. */
async function backToImage(
  engine: ComposeEngine,
  other: string,
  { to }: SignupChange,
  { host }: Views,
): Promise<readonly HostStep[]> {
  const made = engine.pds?.image ?? ''
  const running = parseImage(made)
  if (to === 'open' || running === undefined) throw imageMismatch(made, other)
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
const rowOf = (closed: boolean, setting: string, { length }: readonly Step[], ms: () => number) => ({
  open: !closed,
  inviteCodeRequired: closed,
  setting,
  version: length > 0 ? later('host.version') : null,
  outageMs: length > 0 ? later('host.outageMs') : null,
  get ms() {
    return ms()
  },
})

function writeDoor(path: string, { text: was }: Settings, closed: boolean): HostStep {
  const now = closedOrOpen({ text: was }, closed)
  return write(`${closed ? 'Require' : 'Stop requiring'} invite codes in ${path}`, {
    path,
    content: new Secret(now),
    was,
    changes: diffSettings(was.reveal(), now),
    holds: 'settings',
  })
}

const closedOrOpen = ({ text }: Pick<Settings, 'text'>, closed: boolean): string =>
  editEnv(text.reveal(), new Map([[door, String(closed)]])).text

interface SignupSite {
  readonly engine: ComposeEngine
  readonly service: string
  readonly port: number
  readonly drift: readonly string[]
  readonly written: EnvFile
}

/** Seconds count: one healthy answer is enough, and what the PDS then says is the proof. */
const signupSteps = (it: SignupSite, writing: readonly HostStep[], closed: boolean): readonly Step[] => [
  ...applying({ ...it, gate: { healthy: 1, settle: 0, deadline: 60 } }, writing),
  check(closed ? 'Read back that an invite code is required' : 'Read back that no invite code is required', {
    kind: 'query',
    nsid: describe,
    params: {},
    expect: { inviteCodeRequired: closed },
  }),
]
