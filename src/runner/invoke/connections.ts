import { interrupted } from '../../base/deadline.ts'
import { usage } from '../../base/failure.ts'
import { configHome, homeOf } from '../../base/user-dirs.ts'
import type { Config, HostConfig } from '../../config/host-config.ts'
import type { Host, HostView } from '../../host/access/host.ts'
import type { Pds, PdsView } from '../../pds/xrpc/client.ts'
import type { Reader, Views } from '../command/views.ts'
import { passwordSources } from '../execute/password-sources.ts'
import type { Terminal } from '../terminal/terminal.ts'
import type { Opening, World } from './world.ts'

/** What one invocation has open: config, host and PDS on first need, each at most once, all closed by `dispose`. */
export interface Connections {
  readonly views: Views
  readonly config: () => Promise<Config>
  readonly host: () => Promise<Host>
  readonly pds: () => Promise<Pds>
  /** The PDS, opened when it is first used: a change to the host may need none. */
  readonly lazyPds: Pds
  dispose(): Promise<void>
}

interface Options {
  readonly host: string | undefined
  readonly config: string | undefined
  readonly terminal: Terminal
  readonly signal: AbortSignal
  readonly quiet: boolean
  readonly verbose: boolean
  readonly dryRun: boolean
}

const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}

/** Opens nothing yet; what a command looks at is opened when it looks. */
export function openConnections(world: World, wishes: Options): Connections {
  const { terminal, signal } = wishes
  const put = (line: string): void => void terminal.stderr.write(`${line}\n`)
  const say = (text: string): void => (wishes.quiet ? undefined : put(text))
  const note = (text: string, ms?: number): void =>
    wishes.verbose ? put(`${text}${ms === undefined ? '' : ` (${Math.round(ms)} ms)`}`) : undefined
  const opening: Opening = {
    note,
    signal,
    terminal,
    waiting(text, left) {
      if (terminal.stderr.tty) terminal.progress(left === undefined ? text : `${text}, in ${left} s`)
      else if (left === undefined) say(text)
    },
    waitFor: (text) => terminal.progress(text),
  }
  const disposals: (() => Promise<void>)[] = []
  const pair = (chosen: () => Promise<HostConfig>) => {
    const host = once(async () => {
      const config = await chosen()
      terminal.progress(`connecting to ${config.name}`)
      const opened = world.openHost(config, opening)
      disposals.push(() => opened.dispose())
      return opened
    })
    const pds = once(async () => {
      const opened = await world.openPds(await host(), opening)
      disposals.push(async () => opened.dispose())
      return opened
    })
    return { host, pds }
  }
  const config = once(() => world.loadConfig(wishes.config))
  const chosen = once(async () => world.chooseHost(await config(), wishes.host))
  const { host, pds } = pair(chosen)
  const views: Views = {
    pds: pdsView(pds, signal),
    host: hostView(chosen, host, signal),
    reader: reader(world, terminal),
    config,
    look(other) {
      const it = pair(async () => other)
      return { pds: pdsView(it.pds, signal), host: hostView(async () => other, it.host, signal) }
    },
    askFor: (question, flag) => askFor(terminal, question, flag),
    fetchPublic: (url) => world.fetchPublic(url, signal),
    pending: once(() => world.readPending(hostView(chosen, host, signal))),
    pendingNow: () => world.readPending(hostView(chosen, host, signal)),
    sleep: (ms) =>
      world.sleep(ms, signal).catch(() => {
        throw interrupted(signal, 'waiting')
      }),
    dryRun: wishes.dryRun ? 'yes' : 'no',
    store: (name) => passwordSources(world, { host: hostView(chosen, host, signal), config }).store(name),
    author: () => ({ ...world.operator(), version: world.version }),
    self: () => selfOf(world),
    lookUp: (file, words) => world.runProgram({ file, words, deadline: 10_000, group: 'own' }),
    result: terminal.stdout.tty ? 'screen' : 'elsewhere',
    clock: world.clock,
    answering: () => terminal.answering(),
    signal,
    say,
    progress: (text) => terminal.progress(text),
  }
  const dispose = async (): Promise<void> => {
    for (const close of disposals.reverse()) await close().catch(() => {})
  }
  return { views, config, host, pds, lazyPds: lazily(pds), dispose }
}

/** An empty variable counts as unset. */
const selfOf = ({ env, operator, self }: World): ReturnType<Views['self']> => ({
  words: self,
  user: operator().user,
  home: homeOf(env),
  configHome: configHome(env),
  path: env.PATH || '/usr/local/bin:/usr/bin:/bin',
})

/** The whole PDS, opened on first use; it is disposed of by whoever opened it. */
const lazily = (pds: () => Promise<Pds>): Pds => ({
  query: async (nsid, params, options) => (await pds()).query(nsid, params, options),
  get: async (nsid, params, options) => (await pds()).get(nsid, params, options),
  accepts: async (identifier, password) => (await pds()).accepts(identifier, password),
  acceptsAdmin: async (password) => (await pds()).acceptsAdmin(password),
  refusesAccount: async (account) => (await pds()).refusesAccount(account),
  call: async (nsid, input, options) => (await pds()).call(nsid, input, options),
  post: async (nsid, body, type, options) => (await pds()).post(nsid, body, type, options),
  dispose: () => {},
})

/** Only the reading half, opened on first need; every query ends with the signal. */
const pdsView = (pds: () => Promise<Pds>, signal: AbortSignal): PdsView => ({
  query: async (nsid, params, options) =>
    (await pds()).query(nsid, params, { ...options, signal: options?.signal ?? signal }),
  get: async (nsid, params, options) =>
    (await pds()).get(nsid, params, { ...options, signal: options?.signal ?? signal }),
  accepts: async (identifier, password) => (await pds()).accepts(identifier, password),
  acceptsAdmin: async (password) => (await pds()).acceptsAdmin(password),
  refusesAccount: async (account) => (await pds()).refusesAccount(account),
})

/** Only the reading half; every question ends with the signal. */
const hostView = (
  config: () => Promise<HostConfig>,
  host: () => Promise<Host>,
  signal: AbortSignal,
): HostView => ({
  config,
  where: async () => (await host()).where(),
  clockOffset: async () => (await host()).clockOffset(),
  pdsEnv: async () => (await host()).pdsEnv(),
  settings: async () => (await host()).settings(),
  ask: async (shell, options) => (await host()).ask(shell, { ...options, signal: options?.signal ?? signal }),
  async *lines(shell, options) {
    yield* (await host()).lines(shell, { ...options, signal: options?.signal ?? signal })
  },
  tunnel: async (port) => (await host()).tunnel(port),
})

const reader = (world: World, terminal: Terminal): Reader => ({
  async text(path) {
    if (path === '-') return terminal.readAll()
    try {
      return await world.readFile(path)
    } catch (cause) {
      throw usage(`cannot read ${path}: ${(cause as Error).message}`)
    }
  },
  modifiedAt: async (path) => (path === '-' ? undefined : world.modifiedAt(path)),
  line: () => terminal.readLine(),
})

async function askFor(
  terminal: Terminal,
  question: Parameters<Views['askFor']>[0],
  flag: string,
): Promise<string> {
  if (!terminal.interactive)
    throw usage(`${flag} is missing`, 'nobody is here to ask: give it on the command line')
  return (await terminal.ask(typeof question === 'string' ? question : await question())).trim()
}
