import { interrupted } from '../../base/deadline.ts'
import { Failure, failed, unreachable } from '../../base/failure.ts'
import { whileRead } from '../../ssh/session/stream-lines.ts'
import type { HostView } from '../access/host.ts'
import { tryServiceEnv } from '../compose/service-env.ts'
import type { Container } from '../docker/containers.ts'
import { type Engine, readEngine } from '../docker/engine.ts'
import { composeLabel, noContainer } from '../docker/own-container.ts'
import { isSecret } from '../env/mask.ts'
import { parseEnvFile } from '../env/parse.ts'
import { stampOf } from './log-line.ts'

/** Which part of a log to read; all of it by default. */
export interface LogWindow {
  readonly since?: Date | undefined
  readonly until?: Date | undefined
  /** How many of the newest lines. */
  readonly tail?: number | undefined
}

/** How a log is followed: until when, and who is told what happens meanwhile. */
export interface Following {
  readonly signal: AbortSignal
  /** What a person should know: the container was replaced, or has stopped. */
  readonly say: (text: string) => void
}

/** The lines of a container's log as `docker logs --timestamps` prints them, both its outputs. */
export async function* readLog(
  host: HostView,
  { docker }: Engine,
  container: Container,
  window: LogWindow,
  { follow, signal }: { readonly follow?: 'yes'; readonly signal: AbortSignal },
): AsyncGenerator<string> {
  const { since, until, tail } = window
  const words = [
    'logs',
    '--timestamps',
    ...(follow ? ['--follow'] : []),
    ...(since ? ['--since', since.toISOString()] : []),
    ...(until ? ['--until', until.toISOString()] : []),
    ...(tail === undefined ? [] : ['--tail', tail]),
    container.id,
  ]
  // Docker's own words have no time before them, and are an error where they are the last.
  let said = ''
  try {
    // Root's docker is ended by a shell of root.
    const as = docker.slice(0, -1)
    for await (const line of host.lines(whileRead([...docker.slice(-1), ...words], as), { signal })) {
      if (said !== '') yield said
      said = stampOf(line) === undefined ? line : ''
      if (said === '') yield line
    }
    if (said !== '') yield said
  } catch (cause) {
    if (!(cause instanceof Failure) || cause.code !== 'command-failed') throw cause
    const where = await host.where()
    throw unreachable(
      'no-log',
      `docker on ${where} gives no log of ${container.name}: ${said || cause.message}`,
      /logging driver does not support reading/.test(said)
        ? 'set another “logging:” driver for the service in the compose file, such as json-file or local, then: kimbia-ops restart --recreate'
        : undefined,
    )
  }
}

/** How long to wait before looking again for a container that has stopped, in milliseconds. */
const pause = 500

/**
 * The same, on and on: when the container has restarted, or another has taken its place, the log goes on with that.
 * Ends with the signal only.
 */
export async function* followLog(
  host: HostView,
  engine: Engine,
  service: string | undefined,
  window: LogWindow,
  { signal, say }: Following,
): AsyncGenerator<string> {
  let [current, now, from] = [await containerOf(host, engine, service), engine, window]
  let last = ''
  for (;;) {
    let none: Failure | undefined
    try {
      for await (const line of readLog(host, now, current, from, { follow: 'yes', signal })) {
        const at = stampOf(line)
        // Those of the same instant, that were there before.
        if (at !== undefined && at <= last) continue
        last = at ?? last
        yield line
      }
    } catch (cause) {
      // A container may be removed before its log was asked for.
      if (!(cause instanceof Failure) || cause.code !== 'no-log') throw cause
      none = cause
    }
    const before = current
    ;[now, current] = await nextRunning(host, service, before, { signal, say })
    if (none && current.id === before.id && current.startedAt === before.startedAt) throw none
    from = { since: last === '' ? undefined : new Date(last) }
    say(
      current.id === before.id
        ? `${current.name} has started again; its log goes on`
        : `${before.name} was replaced by another container; the log of that one follows`,
    )
  }
}

/** Waits until the service runs again, started after the one that was followed has stopped. */
async function nextRunning(
  host: HostView,
  service: string | undefined,
  before: Container,
  { signal, say }: Following,
): Promise<[Engine, Container]> {
  const { service: configured } = await host.config()
  let told = ''
  for (;;) {
    await passed(pause, signal)
    const engine = await readEngine(host)
    const found = findContainer(engine, service ?? configured, configured)
    if (found?.state === 'running') return [engine, found]
    const state = found ? `is ${found.state}` : 'is gone'
    if (told !== state) say(`${before.name} ${state}; waiting for it to start`)
    told = state
  }
}

/** Resolves after these milliseconds; a Failure once the signal is aborted. */
const passed = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(interrupted(signal, 'following the log'))
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })

/** The container of a service, or of that name; of the configured service when none is named. */
export async function containerOf(
  host: HostView,
  engine: Engine,
  service: string | undefined,
): Promise<Container> {
  const { service: configured } = await host.config()
  const found = findContainer(engine, service ?? configured, configured)
  if (found) return found
  if (service === undefined) throw noContainer(await host.config(), await host.where(), engine.elsewhere)
  const known = servicesOf(engine)
  const names = known.length === 0 ? 'it has none' : `it has: ${known.join(', ')}`
  throw failed('no-container', `${await host.where()} has no container of a service “${service}”`, names)
}

/** What a container is called: its compose service, else its name. */
export const serviceName = (container: Container): string =>
  composeLabel(container, 'service') || container.name

function findContainer(engine: Engine, service: string, configured: string): Container | undefined {
  if (service === configured || (engine.pds && serviceName(engine.pds) === service)) return engine.pds
  const near = ownContainers(engine)
  return (
    near.find((it) => serviceName(it) === service) ?? engine.containers.find(({ name }) => name === service)
  )
}

/** The containers of the project of the PDS, and that of the PDS itself, whoever has made it. */
export function ownContainers({ containers, pds, project }: Engine): readonly Container[] {
  const name = (pds && composeLabel(pds, 'project')) || project?.name
  const dir = project?.dir
  const own = containers.filter(
    (it) =>
      composeLabel(it, 'oneoff') !== 'True' &&
      (name
        ? composeLabel(it, 'project') === name
        : dir !== undefined && composeLabel(it, 'project.working_dir') === dir),
  )
  return pds === undefined || own.includes(pds) ? own : [...own, pds]
}

const servicesOf = (engine: Engine): readonly string[] =>
  [...new Set(ownContainers(engine).map(serviceName))].sort()

/** The secrets of pds.env that are long enough to be told from other text, those within an address too. */
export async function knownSecrets(host: HostView): Promise<readonly string[]> {
  const text = (await host.pdsEnv().catch(() => undefined))?.reveal() ?? ''
  const { entries } = parseEnvFile(text)
  const made = entries.some(({ interpolated }) => interpolated) ? await tryServiceEnv(host, text) : undefined
  return entries
    .map(({ key, value, interpolated }) => {
      const resolved = interpolated && made && !(made instanceof Failure) ? made.get(key) : undefined
      return [key, resolved ?? value] as const
    })
    .flatMap(([key, value]) => (isSecret(key, value) ? [value] : inAddress(value)))
    .filter((secret) => secret.length >= 8)
}

/** The password of an address such as that of the mail server: as it is written, and as it is meant. */
function inAddress(value: string): readonly string[] {
  const [, password] = /:\/\/[^:@/]*:(.+)@/s.exec(value) ?? []
  return password === undefined ? [] : [...new Set([password, decoded(password)])]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
