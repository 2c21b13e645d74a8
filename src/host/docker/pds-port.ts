import type { Duplex } from 'node:stream'
import { type Failure, unreachable } from '../../base/failure.ts'
import type { HostConfig } from '../../config/host-config.ts'
import { spareStreams } from '../../ssh/spare-streams.ts'
import type { HostView } from '../access/host.ts'
import type { Container } from './containers.ts'
import { containersIfAny } from './engine.ts'
import { noContainer } from './own-container.ts'

/** The port of the host's loopback on which a container answers: none that is published, or one that docker does not tell. */
export type LoopbackPort = number | 'not published' | 'unknown'

const defaultPort = 3000

/** Reads the port that leads to the PDS of a container from its network and published ports. */
export function loopbackPort(
  container: Container,
  containers: readonly Container[],
  wanted: string | undefined = container.env.get('PDS_PORT')?.reveal(),
): LoopbackPort {
  const inside = wanted ? Number(wanted) : defaultPort
  if (!Number.isInteger(inside)) return 'unknown'
  if (container.network === 'host') return inside
  const [, other] = /^container:(.+)$/.exec(container.network) ?? []
  const net = other === undefined ? container : containers.find((it) => it.id === other || it.name === other)
  if (!net) return 'unknown'
  if (net !== container && net.network === 'host') return inside
  const found = net.published.find((it) => it.container === inside && isLoopback(it.address))
  return found?.host ?? 'not published'
}

const isLoopback = (address: string): boolean =>
  ['', '0.0.0.0', '::', '::1'].includes(address) || address.startsWith('127.')

/**
 * The port to ask the PDS at: that of its container, where there is one. A Failure where the config names another one,
 * or where nobody knows one: what listens there might be the PDS of somebody else.
 */
export function portOf(
  own: Container | undefined,
  containers: readonly Container[],
  { port, dir }: Pick<HostConfig, 'port' | 'dir'>,
  portInFile: number,
  wanted?: string,
): number {
  if (!own) return port ?? portInFile
  const found = loopbackPort(own, containers, wanted)
  switch (found) {
    case 'unknown':
      return port ?? portInFile
    case 'not published':
      if (port !== undefined) return port
      throw unreachable(
        'port-not-published',
        `the container ${own.name} of ${dir} publishes no port of its PDS on the host's loopback`,
        'let the compose file publish it, such as “127.0.0.1:3000:3000”; or set “port:” in the config, if something else leads to it',
      )
    default:
      if (port === undefined || port === found) return found
      throw unreachable(
        'port-of-another',
        `the config says port ${port}, and the container ${own.name} of ${dir} answers on ${found}: what listens on ${port} is not that PDS`,
        `set “port: ${found}” in the config, or leave it out`,
      )
  }
}

/** The way to the PDS of a host: its port, and what opens a stream to it. */
export interface PdsChannel {
  readonly port: number
  connect(): Promise<Duplex>
  /** Opens streams ahead for as many requests as will soon be made at once. */
  prepare(requests: number): void
}

/**
 * Streams that are opened to where the PDS most likely is, while the host is still asked where that is: so the first
 * requests of a command need not wait a round trip for theirs, nor do those that follow side by side a second one. On a
 * link of 300 ms that is 1 round trip of each reading command, 3 of `account info`.
 */
const foreseen = 6

/**
 * Finds the port of the PDS that belongs to this host's directory. Nothing is sent over a stream while its container
 * does not run: what answers there then is another one, which must not be given the admin password.
 */
export async function openPdsChannel(host: HostView): Promise<PdsChannel> {
  const { port: configured, ssh } = await host.config()
  const likely = configured ?? defaultPort
  let spares = spareStreams(() => host.tunnel(likely))
  if (ssh !== 'local') spares.prepare(foreseen)
  const { port, stopped } = await findPdsPort(host).catch((cause: unknown) => {
    spares.drop()
    throw cause
  })
  if (port !== likely || stopped) {
    spares.drop()
    spares = spareStreams(() => host.tunnel(port))
  }
  let why = stopped
  return {
    port,
    prepare(requests) {
      if (!why && ssh !== 'local') spares.prepare(requests)
    },
    async connect() {
      if (!why) return (await spares.take()) ?? (await host.tunnel(port))
      // It may have been started since, as by a change that is under way.
      spares.prepare(1)
      why = (await findPdsPort(host)).stopped
      if (!why) return (await spares.take()) ?? (await host.tunnel(port))
      spares.drop()
      throw why
    },
  }
}

/** Where the PDS of a host's directory answers. */
export interface PdsPort {
  readonly port: number
  /** Why nothing of ours can answer there. */
  readonly stopped: Failure | undefined
}

/** Finds the port by the container, where there is one, else by the config and pds.env. */
export async function findPdsPort(host: HostView): Promise<PdsPort> {
  const [settings, config, found] = await Promise.all([host.settings(), host.config(), containersIfAny(host)])
  if (!found) return { port: settings.port, stopped: undefined }
  const { pds, containers, elsewhere } = found
  const where = await host.where()
  const port = portOf(pds, containers, config, settings.port)
  if (pds) return { port, stopped: lasts(pds) ? undefined : notRunning(pds, where, port) }
  const taken = elsewhere.some((it) => it.state === 'running' && loopbackPort(it, containers) === port)
  return { port, stopped: taken ? noContainer(config, where, elsewhere) : undefined }
}

/** One that docker starts again and again does answer now and then. */
const lasts = ({ state }: Container): boolean => ['running', 'paused', 'restarting'].includes(state)

const notRunning = ({ name, state, exitCode }: Container, where: string, port: number): Failure =>
  unreachable(
    'pds-not-running',
    `the container ${name} on ${where} is ${state}${state === 'exited' ? ` (exit code ${exitCode})` : ''}; what answers on port ${port} is not its PDS`,
    'see why: kimbia-ops logs --tail 50; to start it: kimbia-ops restart',
  )
