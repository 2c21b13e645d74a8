import { Failure } from '../base/failure.ts'
import { Secret } from '../base/secret.ts'
import type { HostConfig } from '../config/host-config.ts'
import type { Answer, Note, Session } from '../ssh/session.ts'
import { askSpeculatively, findRoot } from './access/find-root.ts'
import type { Host, HostView } from './access/host.ts'
import { assertText, needsRunningEnv, pdsEnvOf, type RunningEnv, readPdsEnv } from './access/settings.ts'
import { spareShells } from './access/shell-pool.ts'
import { elevate, withCLocale } from './access/sudo.ts'
import { readEngine } from './docker/engine.ts'

interface Opening {
  /** Asks the operator for the sudo password; absent when nobody is there. */
  readonly askSudoPassword?: (() => Promise<Secret>) | undefined
  readonly note?: Note | undefined
  /** Ends the search for the way to root. */
  readonly signal?: AbortSignal | undefined
}

/** A host that connects on first need, once, and finds its way to root before its first line. */
export function openHost(
  connect: () => Promise<Session>,
  config: HostConfig,
  { askSudoPassword, note, signal }: Opening = {},
): Host {
  let connecting: Promise<Session> | undefined
  const session = (): Promise<Session> => (connecting ??= connect())

  const enter = async () => {
    const open = await session()
    const { elevation, text, clockOffset } = await findRoot(open, config, {
      askPassword: askSudoPassword,
      signal,
    })
    note?.(`root of ${open.where}: ${elevation.kind}`)
    const root = elevate(open, elevation)
    return { where: open.where, text, elevation: elevation.kind, clockOffset, root }
  }
  let entering: ReturnType<typeof enter> | undefined
  let inside = false
  const entrance = Promise.withResolvers<void>()
  const entered = () =>
    (entering ??= enter().then((it) => {
      inside = true
      entrance.resolve()
      return it
    }))

  const spares = spareShells(async (shell) => (await entered()).root.converse(shell))

  /** The answer to a question for which the host has no session left, once the spare shells have made room. */
  const withRoom = async (question: () => Promise<Answer>): Promise<Answer> => {
    try {
      return await question()
    } catch (cause) {
      if (!(cause instanceof Failure) || cause.code !== 'max-sessions') throw cause
      if ((await spares.giveBack()) === 0) throw cause
      return await question()
    }
  }

  /** What is asked before the way to root is known finds it by itself; a password is only there once it was asked for. */
  const askOnce: Host['ask'] = async (shell, options) => {
    if (inside) return (await entered()).root.ask(shell, options)
    const entering = entered()
    const early = session().then((open) => open.ask(askSpeculatively(withCLocale(shell), config), options))
    early.catch(() => {})
    const { root, elevation } = await entering
    return elevation === 'sudo with a password' ? root.ask(shell, options) : early
  }

  let reading: ReturnType<typeof readRunningEnv> | undefined
  const runningEnv = () => (reading ??= readRunningEnv(host))
  const host: Host = {
    config: async () => config,
    where: async () => (await session()).where,
    clockOffset: async () => (await entered()).clockOffset,
    async pdsEnv() {
      const { where, text } = await entered()
      assertText(text, pdsEnvOf(where, config))
      return new Secret(text)
    },
    async settings() {
      const { where, text, elevation } = await entered()
      const needed = needsRunningEnv(text, pdsEnvOf(where, config))
      const running = needed ? await runningEnv() : undefined
      return { ...readPdsEnv(text, config, where, running), elevation }
    },
    ask: (shell, options) => withRoom(() => askOnce(shell, options)),
    async *lines(shell, options) {
      yield* (await entered()).root.lines(shell, options)
    },
    act: async (shell, options) => (await entered()).root.act(shell, options),
    converse: (shell) => spares.converse(shell),
    prepare: (conversations) => entrance.promise.then(() => spares.start(conversations)),
    attach: async (shell, attached) => (await entered()).root.attach(shell, attached),
    tunnel: async (port) => (await session()).tunnel(port),
    async dispose() {
      const open = await connecting?.catch(() => undefined)
      await open?.dispose()
    },
  }
  return host
}

/** What the container of the PDS runs with; undefined where docker does not tell. */
async function readRunningEnv(host: HostView): Promise<RunningEnv | undefined> {
  try {
    return (await readEngine(host)).pds?.env
  } catch (cause) {
    if (cause instanceof Failure && cause.outcome === 'unreachable') return undefined
    throw cause
  }
}
