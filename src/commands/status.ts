import { attentionOf, showPending } from '../health/attention.ts'
import { type Census, countAccounts, countSince, part, seenIn, statuses } from '../health/parts.ts'
import { publicName } from '../health/public-name.ts'
import type { HostView } from '../host/access/host.ts'
import { readPasswordAge } from '../host/admin-password/age.ts'
import { keysOf, readDrift } from '../host/apply/env-drift.ts'
import { readOtherImage } from '../host/apply/image-drift.ts'
import { readDisk } from '../host/disk.ts'
import type { Container } from '../host/docker/containers.ts'
import { type Engine, readEngine } from '../host/docker/engine.ts'
import { isPinned, parseImage } from '../host/images/image-reference.ts'
import { ownContainers, serviceName } from '../host/logs/read-log.ts'
import { versionOf } from '../pds/xrpc/health-answer.ts'
import { type Column, column, table } from '../runner/command/columns.ts'
import { query } from '../runner/command/command.ts'
import { bytes, percent } from '../runner/command/measures.ts'
import { choice, count, moment, optional, type Type, text, yesNo } from '../runner/command/types.ts'
import type { Views } from '../runner/command/views.ts'
import { days } from './admin-password/words.ts'

/** What parses a kind of value that nobody types. */
export const outputOnly = (): never => {
  throw new TypeError('this is only an output')
}

/** Accounts by status: a person sees those that there are. */
export const census: Type<Census> = {
  name: 'counts',
  schema: {
    type: 'object',
    properties: Object.fromEntries(['total', ...statuses, 'other'].map((key) => [key, count.schema])),
    required: ['total', ...statuses, 'other'],
  },
  show({ total, ...parts }) {
    const named = Object.entries(parts).filter(([, accounts]) => accounts > 0)
    return named.length === 0 ? `${total}` : `${total} (${named.map(([key, n]) => `${n} ${key}`).join(', ')})`
  },
  json: (value) => ({ ...value }),
  parse: outputOnly,
}

const names: Type<readonly string[]> = {
  name: 'names',
  schema: { type: 'array', items: { type: 'string' } },
  show: (value) => (value.length === 0 ? 'none' : value.join(', ')),
  json: (value) => value,
  parse: outputOnly,
}

/** Rows that may not be known. */
const orNone = <T>(rows: Column<T>): Column<T | null> => ({ ...rows, type: optional(rows.type as Type<T>) })

/** One screen: what cannot be found out is left open, and says why under `attention`. */
export default query({
  name: 'status',
  summary: 'Show how the host and the PDS are, on one screen',
  about:
    'Everything is looked at side by side; what cannot be found out is left out (null in JSON), with the reason under “needs attention”, the most urgent first. It is a look and not a check: exit code 0 whatever it sees, if only the host can be reached; for an exit code that tells, take health.',
  examples: ['kimbia-ops status', 'kimbia-ops status --json | jq .attention'],
  input: {},
  output: {
    host: column(text, 'name of the host in the config'),
    hostname: column(optional(text), 'public name'),
    version: column(optional(text), 'version of the PDS'),
    image: column(optional(text), 'image of its container, as it was asked for'),
    pinned: column(optional(yesNo), 'whether that names one image for good'),
    signups: column(optional(choice('signups', ['open', 'closed'])), 'whether an account needs no invite'),
    accounts: column(optional(census), 'accounts by status'),
    newAccounts24h: column(optional(count), 'accounts made in the last 24 hours', { label: 'new in 24 h' }),
    passwordAge: column(optional(days), 'since the admin password was rotated, in milliseconds'),
    databases: column(optional(bytes), 'size of the databases but those of the repos, in bytes'),
    change: column(optional(text), 'change to the host that is under way or was cut off'),
    drift: column(optional(names), 'settings of pds.env that the running container does not have'),
    containers: orNone(
      table(
        {
          service: column(text, 'compose service, or name'),
          state: column(text, 'running, exited, restarting, …'),
          restarts: column(count, 'how often docker has started it again by itself'),
          startedAt: column(optional(moment), 'when it was started last'),
        },
        'containers of the project; null where docker does not tell',
      ),
    ),
    disks: table(
      {
        mount: column(text, 'file system of the PDS or of docker'),
        size: column(bytes, 'in bytes'),
        free: column(bytes, 'in bytes'),
        usedPercent: column(percent, 'as df counts it', { label: 'used' }),
      },
      'disks',
    ),
    attention: table(
      {
        problem: column(text, 'what needs it, the most urgent first'),
        next: column(optional(text), 'what to type'),
      },
      'what needs attention',
      { label: 'needs attention', none: 'nothing' },
    ),
  },
  result: 'one',
  async read(_input, views) {
    const { host } = views
    const looking = lookAround(views)
    looking.catch(() => {})
    // All the rest goes through this: without it there is nothing to show.
    await host.settings()
    const { name } = await host.config()
    const seen = await looking
    const engine = seenIn(seen.engine)
    const image = engine?.pds?.image
    const reference = image === undefined ? undefined : parseImage(image)
    const standing = seenIn(seen.pending)
    return {
      host: name,
      hostname: seenIn(seen.hostname) ?? null,
      version: seenIn(seen.version) ?? null,
      image: image ?? null,
      pinned: reference ? isPinned(reference) : null,
      signups: seenIn(seen.signups) ?? null,
      accounts: seenIn(seen.accounts) ?? null,
      newAccounts24h: seenIn(seen.fresh) ?? null,
      passwordAge: seenIn(seen.password)?.age ?? null,
      databases: seenIn(seen.disk)?.databases ?? null,
      change: (standing && showPending(standing)) ?? null,
      drift: seenIn(seen.drift) ?? null,
      containers: engine ? ownContainers(engine).map(rowOf) : null,
      disks: seenIn(seen.disk)?.disks ?? [],
      attention: attentionOf(seen, views.clock()),
    }
  },
})

/** Everything at once; the slowest part is how long it takes. */
async function lookAround(views: Views) {
  const { host, pds, pending, clock, signal } = views
  const engine = part('containers', () => readEngine(host))
  const [version, hostname, signups, accounts, fresh, disk, standing, password, image, drift] =
    await Promise.all([
      part('PDS', async () => versionOf(await pds.get('_health', {}, { as: 'nobody' }))),
      part('public name', () => publicName(views)),
      part('signups', async () => {
        const said = await pds.query('com.atproto.server.describeServer', {}, { as: 'nobody' })
        return said.inviteCodeRequired === true ? ('closed' as const) : ('open' as const)
      }),
      part('accounts', () => countAccounts(views)),
      part('new accounts', () => countSince(pds, new Date(clock().getTime() - 24 * 3_600_000), signal)),
      part('disks', () => readDisk(host)),
      part('changes', pending),
      part('admin password', () => readPasswordAge(views)),
      engine.then((it) => part('compose file', () => otherImageOf(host, seenIn(it)))),
      engine.then((it) => part('pds.env', () => driftOf(host, seenIn(it)))),
    ])
  const seen = { version, hostname, signups, accounts, fresh, disk, password, image, drift }
  return { ...seen, engine: await engine, pending: standing }
}

const rowOf = (container: Container) => ({
  service: serviceName(container),
  state: container.state,
  restarts: container.restarts,
  startedAt: container.startedAt.startsWith('0001') ? null : container.startedAt,
})

const driftOf = async (host: HostView, engine: Engine | undefined) =>
  engine?.pds && keysOf(await readDrift(host, engine, engine.pds, (await host.settings()).text.reveal()))

const otherImageOf = async (host: HostView, engine: Engine | undefined) =>
  engine && (await readOtherImage(host, engine))
