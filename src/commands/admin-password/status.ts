import { ageProblems, readPasswordAge } from '../../host/admin-password/age.ts'
import { column, type RowOf } from '../../runner/command/columns.ts'
import { query } from '../../runner/command/command.ts'
import { choice, moment, optional, text, yesNo } from '../../runner/command/types.ts'
import { storeLabel } from '../../store/label.ts'
import { type Compared, compareRunning, compareStore } from './copies.ts'
import { days, texts } from './words.ts'

const agreement = choice('agreement', ['yes', 'no', 'unknown'])

const output = {
  rotatedAt: column(optional(moment), 'when it was rotated last; null where there is no record of it'),
  by: column(optional(text), 'user and machine that rotated it'),
  how: column(optional(text), 'by which command, of which version'),
  age: column(optional(days), 'since then, in milliseconds'),
  rotateEvery: column(days, 'how long a password may stand, in milliseconds'),
  dueAt: column(optional(moment), 'when it is to be rotated next', { label: 'next due' }),
  due: column(yesNo, 'whether that time has come, or nobody knows'),
  runningAgrees: column(agreement, 'whether the running PDS takes the password of pds.env', {
    label: 'running PDS agrees',
  }),
  store: column(optional(text), 'where the config says that a copy is kept'),
  storeAgrees: column(agreement, 'whether it holds the password of pds.env'),
  pending: column(optional(yesNo), 'whether it holds one of a rotation that did not end'),
  lastFailureAt: column(optional(moment), 'when a rotation failed, after which none has come about', {
    label: 'last failed',
  }),
  lastFailure: column(optional(text), 'what it failed with'),
  inDoubt: column(yesNo, 'whether something does not fit, beside its age'),
  problems: column(texts, 'what is wrong, the most urgent first'),
}

/** Compares without showing: no password is in the result. */
export default query({
  name: 'admin-password status',
  summary: 'Show how old the admin password is, and whether its copies agree',
  about:
    'Exit code 3 when it is due, when the PDS, pds.env and the store do not hold the same one, when the PDS or the store cannot be asked, or when the last rotation failed or was cut off. Without a record its age is not known, which counts as due. That no store is set is named as a problem, and is not one for the exit code; neither is a store that can only be written to.',
  examples: [
    'kimbia-ops admin-password status',
    'kimbia-ops admin-password status --json | jq -e ".due | not"',
  ],
  input: {},
  output,
  result: 'one',
  async read(_input, views) {
    const { host } = views
    const { adminPassword } = await host.config()
    const name = adminPassword?.store
    const { adminPassword: password } = await host.settings()
    const [age, running, kept] = await Promise.all([
      readPasswordAge(views),
      compareRunning(views, password),
      name === undefined ? undefined : compareStore(views, name, password),
    ])
    const cutOff = age.cutOff && 'a rotation was cut off: kimbia-ops recover'
    const doubts = [running.problem, kept?.problem, cutOff].filter((it) => it !== undefined)
    return {
      ...ageOf(age),
      runningAgrees: running.agrees,
      store: name === undefined ? null : storeLabel(name),
      storeAgrees: kept?.agrees ?? 'unknown',
      pending: kept?.pending ?? null,
      inDoubt: doubts.length > 0 || age.failed !== undefined || age.broken !== undefined,
      problems: [...doubts, ...ageProblems(age), ...noStore(kept)],
    }
  },
  outcome: ({ due, inDoubt }) => (due || inDoubt ? 'findings' : 'ok'),
})

type Row = RowOf<typeof output>
type Aged = Pick<
  Row,
  'rotatedAt' | 'by' | 'how' | 'age' | 'rotateEvery' | 'dueAt' | 'due' | 'lastFailureAt' | 'lastFailure'
>

const ageOf = ({
  record,
  age,
  rotateEvery,
  dueAt,
  due,
  failed,
}: Awaited<ReturnType<typeof readPasswordAge>>): Aged => ({
  rotatedAt: record?.rotatedAt ?? null,
  by: record?.by ?? null,
  how: record ? `${record.command} of kimbia-ops ${record.version}` : null,
  age,
  rotateEvery,
  dueAt,
  due,
  lastFailureAt: failed?.time ?? null,
  lastFailure: failed?.message ?? null,
})

const noStore = (kept: Compared | undefined): readonly string[] =>
  kept ? [] : ['no store is set for it in the config, so that pds.env holds the only copy']
