import { failed } from '../../base/failure.ts'
import { Secret } from '../../base/secret.ts'
import type { Settings } from '../../host/access/host.ts'
import { dueAt, isDue, refuseCutOff, rotateEvery } from '../../host/admin-password/age.ts'
import {
  brokenRecord,
  type PasswordRecord,
  readRecord,
  recordPath,
  recordStep,
  type StandingRecord,
} from '../../host/admin-password/record.ts'
import { planSettings, type SettingsChange } from '../../host/apply/settings-change.ts'
import { readComposeEngine } from '../../host/docker/engine.ts'
import { editEnv } from '../../host/env/edit.ts'
import { parseEnvFile } from '../../host/env/parse.ts'
import type { HostPlan } from '../../plan/plan.ts'
import { check } from '../../plan/steps/check.ts'
import { later } from '../../plan/steps/placeholders.ts'
import type { Proof } from '../../plan/steps/proof.ts'
import { storeStep } from '../../plan/steps/store.ts'
import { column, type RowOf } from '../../runner/command/columns.ts'
import { procedure } from '../../runner/command/command.ts'
import { took } from '../../runner/command/measures.ts'
import { applyBadEdits, flag, option } from '../../runner/command/parameters.ts'
import {
  duration,
  integer,
  moment,
  optional,
  password,
  reason,
  text,
  yesNo,
} from '../../runner/command/types.ts'
import type { Views } from '../../runner/command/views.ts'
import { storeLabel } from '../../store/label.ts'
import { refuseDisagreement } from './agreement.ts'
import { chooseStore, storeName } from './shared.ts'

const output = {
  rotated: column(yesNo, 'whether it was rotated'),
  rotatedAt: column(optional(moment), 'when it was rotated last', { label: 'last rotated' }),
  dueAt: column(optional(moment), 'when it is to be rotated next', { label: 'next due' }),
  store: column(text, 'where the copy is kept'),
  password: column(optional(password), 'the new one, shown this once, with --store stdout alone'),
  outageMs: column(optional(took), 'how long the PDS did not answer, in milliseconds'),
}

type Row = RowOf<typeof output>

/** The key of pds.env. */
const key = 'PDS_ADMIN_PASSWORD'

/** Rotating never leaves the only copy of a working password in memory: each is in pds.env or in the store before it counts. */
export default procedure({
  name: 'admin-password rotate',
  summary: 'Give the PDS a new admin password, and prove it',
  about:
    'The new password goes into the store first, as pending; then into pds.env, and the container is recreated. It counts when the PDS takes the new one and refuses the old one; only then the store has it as the current one. Whatever fails before that is undone, and the old one is proven to work. With --if-due nothing is done before its time, so that a timer may run it every day. What is cut off is finished or undone by kimbia-ops recover.',
  examples: [
    'kimbia-ops admin-password rotate',
    'kimbia-ops admin-password rotate --if-due --yes --no-input',
    'kimbia-ops admin-password rotate --store file:~/secrets/kimbia --dry-run',
  ],
  risk: 'disruptive',
  on: 'host',
  input: {
    ifDue: flag('do nothing unless it is due'),
    store: option(
      storeName,
      'where the copy is kept, instead of what the config says; stdout prints it once',
    ),
    every: option(duration, 'how long a password may stand (default: what the config says, else 90d)'),
    length: option(integer(32, 128), 'hexadecimal digits of the new one (default: 32, which are 128 bits)'),
    force: applyBadEdits,
    reason: option(reason, 'kept in the trail'),
  },
  output,
  async plan(
    { ifDue, store: wanted, every: given, length = 32, force, reason: why },
    views,
  ): Promise<HostPlan<Row>> {
    const config = await views.host.config()
    const store = chooseStore(wanted, config, (await views.config()).file)
    const every = given ?? rotateEvery(config)
    if (ifDue) await refuseCutOff(views)
    const standing = await readRecord(views.host)
    const { record } = standing
    if (ifDue) refuseBroken(standing)
    const subject = `the admin password of ${config.name}`
    const frame = {
      on: 'host',
      title: `rotate ${subject}`,
      subject,
      confirm: config.name,
      reason: why,
    } as const
    if (ifDue && record && !isDue(record, every, views.clock())) {
      const row = { rotated: false, rotatedAt: record.rotatedAt, dueAt: dueAt(record, every) }
      const rest = { store: storeLabel(store), password: null, outageMs: null }
      return { ...frame, steps: [], rows: [{ ...row, ...rest }] }
    }
    await (await views.store(storeLabel(store))).check()
    const settings = await views.host.settings()
    const next = newPassword(length)
    const made: PasswordRecord = {
      rotatedAt: views.clock().toISOString(),
      ...authorOf(views),
      command: 'admin-password rotate',
      store: storeLabel(store),
      id: crypto.randomUUID(),
    }
    const { found, ...change } = await changeOf(
      { next, settings, store, made, standing, ifDue, force },
      views,
    )
    const row = {
      rotated: true,
      rotatedAt: made.rotatedAt,
      dueAt: dueAt(made, every),
      store: storeLabel(store),
      password: store === 'stdout' ? next : null,
      outageMs: later('host.outageMs'),
    }
    return { ...frame, ...change, found: [...found, since(standing)], rows: [row] }
  },
})

const authorOf = ({ author }: Views) => {
  const { user, machine, version } = author()
  return { by: `${user}@${machine}`, version }
}

const since = (standing: StandingRecord): string => {
  const { record } = standing
  return record
    ? `rotated last at ${record.rotatedAt} by ${record.by}`
    : `nobody knows when it was rotated last: ${brokenRecord(standing) ?? 'there is no record of it'}`
}

/** Nobody knows whether it is due: a timer would rotate it at every run. */
function refuseBroken(standing: StandingRecord): void {
  const broken = brokenRecord(standing)
  if (broken === undefined) return
  throw failed(
    'record-unreadable',
    `whether the admin password is due is not known: ${broken}; nothing was changed`,
    `see what it holds, on the host: sudo cat ${standing.path}; to rotate now, which writes it anew: kimbia-ops admin-password rotate`,
  )
}

/** Hexadecimal digits alone mean the same to all that read pds.env. */
function newPassword(digits: number): Secret {
  const bytes = crypto.getRandomValues(new Uint8Array(Math.ceil(digits / 2)))
  return new Secret(Buffer.from(bytes).toString('hex').slice(0, digits))
}

interface Rotation {
  readonly next: Secret
  readonly settings: Settings
  readonly store: string
  readonly made: PasswordRecord
  readonly standing: StandingRecord
  /** Nobody looks at what is warned of. */
  readonly ifDue: boolean
  readonly force: boolean
}

/** What is proven after a rotation, and after it was undone. */
const accepted: Proof = { kind: 'admin password', accepted: 'of pds.env' }
const proof: Proof = { ...accepted, refused: 'of the former pds.env' }

/** The old password is read from pds.env when the new one is proven, and when it is put back. */
function refuseElsewhere(text: string): void {
  const entry = parseEnvFile(text).entries.findLast((it) => it.key === key)
  if (entry && !entry.interpolated) return
  throw failed(
    'admin-password-elsewhere',
    `pds.env ${entry ? `makes ${key} from variables (line ${entry.line})` : `does not set ${key}: another env file does`}; nothing was changed`,
    `first write it into pds.env: kimbia-ops env set ${key} --stdin`,
  )
}

/** First the store, then the host, then the proof; none of what follows the host holds a secret. */
async function changeOf(
  { next, settings, store, made, standing, ifDue, force }: Rotation,
  { host, pds }: Views,
): Promise<
  Pick<HostPlan<Row>, 'before' | 'steps' | 'after' | 'warnings'> & { readonly found: readonly string[] }
> {
  const { dir } = await host.config()
  const engine = await readComposeEngine(host)
  const was = settings.text.reveal()
  refuseElsewhere(was)
  await refuseDisagreement(pds, settings, engine.pds, await host.where())
  const changes = new Map([[key, next.reveal()]])
  const edit = editEnv(was, changes)
  const change: SettingsChange = {
    changes,
    text: edit.text,
    why: `Write the new password into ${dir}/pds.env`,
    gate: { healthy: 2, settle: 3, deadline: 60 },
    proof: 'answer',
    force,
    unattended: ifDue,
  }
  const applied = await planSettings(change, host, { engine, text: settings.text })
  const label = storeLabel(store)
  const undo = storeStep('discard', label, 'of pds.env', { proof: accepted })
  return {
    before: [storeStep('write pending', label, next, { undo })],
    steps: [...applied.steps, recordStep(await recordPath(host), made, standing)],
    after: [
      check('See that the PDS takes the new password, and refuses the old one', proof),
      storeStep('mark current', label, 'of pds.env'),
    ],
    warnings: [...warningsOf(store, edit.collapsed.length), ...applied.warnings],
    found: applied.found,
  }
}

function warningsOf(store: string, collapsed: number): readonly string[] {
  return [
    ...(store === 'stdout'
      ? ['no store keeps the new password: it is printed once, and stands in pds.env']
      : []),
    ...(collapsed > 0 ? [`${key} stood several times in pds.env: it is left once`] : []),
  ]
}
