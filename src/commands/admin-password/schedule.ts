import { join, resolve } from 'node:path'
import { failed, usage } from '../../base/failure.ts'
import type { Ended } from '../../base/local-program.ts'
import type { MachinePlan } from '../../plan/plan.ts'
import { program, type RunStep } from '../../plan/steps/local-program.ts'
import type { SaveStep } from '../../plan/steps/save.ts'
import type { MachineStep } from '../../plan/steps/step.ts'
import { column, type RowOf, table } from '../../runner/command/columns.ts'
import { procedure } from '../../runner/command/command.ts'
import { flag, optionOr } from '../../runner/command/parameters.ts'
import { choice, type Type, text } from '../../runner/command/types.ts'
import type { Views } from '../../runner/command/views.ts'
import { chooseStore } from './shared.ts'
import { cronLine, type Job, lineOf, serviceUnit, timerUnit, unitName, withoutLine } from './units.ts'

const clockTime: Type<string> = {
  ...text,
  name: 'HH:MM',
  parse(word) {
    if (/^([01]\d|2[0-3]):[0-5]\d$/.test(word)) return word
    throw usage(`“${word}” is not a time of day`, 'write it as 03:40')
  },
}

const output = {
  as: column(choice('way', ['systemd', 'cron']), 'by what it is run'),
  state: column(choice('state', ['installed', 'not installed', 'installed otherwise']), 'on this machine'),
  runs: column(text, 'what is run'),
  lines: table(
    { file: column(text, 'file, or crontab'), line: column(text, 'a line of it') },
    'what it is made of, line by line',
  ),
}

type Row = RowOf<typeof output>

/** Everything is of the operator's own user: nothing here needs root, or touches the host. */
export default procedure({
  name: 'admin-password schedule',
  summary: 'Show, install or remove what rotates the password when it is due',
  about:
    'A systemd timer of your own user, or a line of your crontab, that runs admin-password rotate --if-due every day on this machine. Without --install or --remove it is shown, and nothing is changed. It runs without you: the login on the host must work without a passphrase, and the store without being unlocked. A run that fails ends with its exit code and says why in the journal (journalctl --user) or in the log that the cron line names: look there. admin-password status tells of a rotation that had begun and failed; of a run that could not begin, such as with the store locked or the host away, it tells no more than that the password is due.',
  examples: [
    'kimbia-ops admin-password schedule',
    'kimbia-ops admin-password schedule --install --at 04:10',
    'kimbia-ops admin-password schedule --remove --as cron --yes',
  ],
  risk: 'disruptive',
  on: 'machine',
  input: {
    install: flag('install it, or bring it up to date'),
    remove: flag('remove it'),
    as: optionOr(choice('way', ['systemd', 'cron']), 'systemd', 'by what it is run (default: systemd)'),
    at: optionOr(clockTime, '03:40', 'at which time of this machine (default: 03:40)'),
  },
  output,
  async plan({ install, remove, as, at }, views): Promise<MachinePlan<Row>> {
    if (install && remove) throw usage('--install and --remove exclude each other')
    const config = await views.host.config()
    const job = await jobOf(at, views)
    const standing = as === 'systemd' ? await readUnits(job, views) : await readCrontab(job, views)
    if (install) refuseUnattended(chooseStore(undefined, config, (await views.config()).file))
    const wish = install ? 'installed' : remove ? 'not installed' : undefined
    const steps = wish === undefined || wish === standing.state ? [] : standing.steps[wish]
    const state = wish ?? standing.state
    const row = { as, state, runs: job.words.join(' '), lines: standing.lines }
    return {
      title: `${install ? 'install' : 'remove'} the schedule of the rotation for ${config.name}`,
      confirm: config.name,
      on: 'machine',
      items: [{ subject: standing.place, steps, rows: [row] }],
      afterwards: install && as === 'systemd' ? [lingerNote] : [],
    }
  },
})

const lingerNote =
  'a timer of a user runs while that user is logged in; to have it run always: loginctl enable-linger'

function refuseUnattended(store: string): void {
  if (store === 'stdout')
    throw usage('nobody would see what a scheduled run prints', 'set another store', 'no-store')
}

async function jobOf(at: string, { host, config, self }: Views): Promise<Job> {
  const { name } = await host.config()
  const { file } = await config()
  const { words, home, path } = self()
  const options = ['--host', name, '--config', resolve(file), '--quiet', '--no-input', '--yes']
  const [hour = 0, minute = 0] = at.split(':').map(Number)
  return {
    host: name,
    words: [...words, 'admin-password', 'rotate', '--if-due', ...options],
    hour,
    minute,
    path,
    log: join(home, '.local/state', `${unitName(name)}.log`),
  }
}

/** What stands on this machine, and what brings it elsewhere. */
interface Installed {
  readonly place: string
  readonly state: Row['state']
  readonly lines: Row['lines']
  readonly steps: Readonly<Record<'installed' | 'not installed', readonly MachineStep[]>>
}

const linesOf = (file: string, content: string): Row['lines'] =>
  content
    .trimEnd()
    .split('\n')
    .map((line) => ({ file, line }))

async function readUnits(job: Job, { lookUp, reader, self }: Views): Promise<Installed> {
  const dir = join(self().configHome, 'systemd/user')
  const name = unitName(job.host)
  const timer = `${name}.timer`
  const files = [
    { path: join(dir, `${name}.service`), content: serviceUnit(job) },
    { path: join(dir, timer), content: timerUnit(job) },
  ]
  const there = await Promise.all(files.map(({ path }) => reader.text(path).catch(() => undefined)))
  const enabled = await lookUp('systemctl', ['--user', 'is-enabled', timer])
  const isOn = enabled.kind === 'code' && enabled.code === 0
  const same = files.every(({ content }, index) => there[index] === content)
  const none = there.every((it) => it === undefined) && !isOn
  return {
    place: join(dir, timer),
    state: none ? 'not installed' : same && isOn ? 'installed' : 'installed otherwise',
    lines: files.flatMap(({ path, content }) => linesOf(path, content)),
    steps: {
      installed: [
        ...files.map(({ path, content }, index) => saveUnit(path, content, there[index])),
        systemctl('Have systemd read its units again', 'daemon-reload'),
        systemctl('Start the timer, now and at every login', 'enable', timer),
        systemctl('Take up the time of the timer', 'restart', timer),
      ],
      'not installed': [
        ...(isOn ? [systemctl('Stop the timer', 'disable', '--now', timer)] : []),
        program('Remove its units', ['rm', '-f', '--', ...files.map(({ path }) => path)]),
        systemctl('Have systemd read its units again', 'daemon-reload'),
      ],
    },
  }
}

/** Taken away again where a later step fails and there was none before. */
const saveUnit = (path: string, content: string, before: string | undefined): SaveStep => ({
  kind: 'save',
  why: `Write ${path}`,
  path,
  content,
  mode: 0o644,
  ...(before === undefined && { undo: program(`Remove ${path}`, ['rm', '-f', '--', path]) }),
})

const systemctl = (why: string, ...words: readonly string[]): RunStep =>
  program(why, ['systemctl', '--user', ...words])

async function readCrontab(job: Job, { lookUp, self }: Views): Promise<Installed> {
  const said = await lookUp('crontab', ['-l'])
  if (said.kind === 'not-started')
    throw failed('no-cron', `this machine has no crontab: ${said.reason}`, 'take --as systemd')
  const before = crontabOf(said)
  const line = cronLine(job)
  const [present, rest] = [lineOf(before, job.host), withoutLine(before, job.host)]
  const crontab = `the crontab of ${self().user}`
  const own = rest === '' || rest.endsWith('\n') ? rest : `${rest}\n`
  return {
    place: crontab,
    state: present === undefined ? 'not installed' : present === line ? 'installed' : 'installed otherwise',
    lines: [{ file: crontab, line }],
    steps: {
      installed: [
        program('Make the folder of its log', ['mkdir', '-p', '--', join(job.log, '..')]),
        unchanged(crontab, before),
        program(`Add its line to ${crontab}`, ['crontab', '-'], `${own}${line}\n`),
      ],
      'not installed': [
        unchanged(crontab, before),
        program(`Take its line out of ${crontab}`, ['crontab', '-'], own),
      ],
    },
  }
}

/** All that follows writes the whole of it: only one who is told to have none has none. */
function crontabOf(said: Exclude<Ended, { kind: 'not-started' }>): string {
  if (said.kind === 'code' && said.code === 0) return said.stdout
  if (said.kind === 'code' && said.code === 1 && /no crontab/i.test(said.stderr)) return ''
  const end = said.kind === 'code' ? `exit code ${said.code}: ${said.stderr.trim().slice(-300)}` : said.kind
  throw failed(
    'crontab-unread',
    `your crontab cannot be read, and is left as it is: crontab -l: ${end}`,
    'see what it says: crontab -l; or take --as systemd',
  )
}

const compare =
  'was=$(cat; echo .); now=$(crontab -l 2>/dev/null; echo .); [ "$was" = "$now" ] || { echo "it was changed meanwhile, and is left so: run the same command again" >&2; exit 1; }'

/** A person may have edited it since it was read. */
const unchanged = (crontab: string, before: string): RunStep =>
  program(`See that ${crontab} is as it was read`, ['sh', '-c', compare], before)
