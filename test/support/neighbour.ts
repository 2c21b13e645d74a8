import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dockerHost } from '../../rig/docker/docker.ts'
import type { RigFacts } from '../../rig/host.ts'

/** Runs docker on the engine of the rigs, and gives what it printed. */
export const docker = (...args: string[]): string =>
  execFileSync('docker', args, {
    env: { ...process.env, DOCKER_HOST: dockerHost() },
    stdio: 'pipe',
    encoding: 'utf8',
  }).trim()

/** The compose project of the rig itself, by hand. */
export const compose = (rig: RigFacts, ...args: string[]): string =>
  docker('compose', '--project-directory', rig.pdsDir, '--file', rig.docker?.composeFile ?? '', ...args)

/** Another PDS on the host of a rig, of a compose project of its own. */
export interface Neighbour {
  readonly dir: string
  readonly container: string
  readonly project: string
  readonly port: number
  readonly adminPassword: string
}

/** How it differs from the PDS of the rig, which it is a copy of otherwise. */
export interface Differences {
  /** On the host's loopback. */
  readonly port: number
  /** Lines of compose below the service, in place of the host's network. */
  readonly network?: string
  readonly settings?: Readonly<Record<string, string>>
}

/** Lays a project out in a directory beside that of the rig's PDS; `up` starts it. */
export function layNeighbour(rig: RigFacts, name: string, differences: Differences): Neighbour {
  const { port, network = '    network_mode: host\n', settings = {} } = differences
  const dir = join(rig.dir, name)
  mkdirSync(join(dir, 'blocks'), { recursive: true, mode: 0o700 })
  const project = `${rig.docker?.project}-${name}`
  const adminPassword = randomBytes(16).toString('hex')
  const own: Record<string, string> = {
    PDS_HOSTNAME: `${name}.test`,
    PDS_ADMIN_PASSWORD: adminPassword,
    PDS_PORT: String(port),
    ...settings,
  }
  const lines = readFileSync(join(rig.pdsDir, 'pds.env'), 'utf8').split('\n')
  const text = lines.map((line) => {
    const [key = ''] = line.split('=')
    return key in own ? `${key}=${own[key]}` : line
  })
  writeFileSync(join(dir, 'pds.env'), text.join('\n'), { mode: 0o600 })
  const container = `pds-${project}`
  writeFileSync(
    join(dir, 'compose.yaml'),
    `name: ${project}
services:
  pds:
    container_name: ${container}
    image: ${rig.docker?.image}:${rig.docker?.tags.good}
${network}    stop_grace_period: 1s
    volumes:
      - ${dir}:/pds
    env_file:
      - ${join(dir, 'pds.env')}
`,
  )
  return { dir, container, project, port, adminPassword }
}

/** Starts a neighbour and waits until it answers. */
export async function up({ dir, port }: Neighbour): Promise<void> {
  docker('compose', '--project-directory', dir, 'up', '--detach')
  await answers(port)
}

/** Waits until a PDS answers on a port of the loopback. */
export async function answers(port: number): Promise<void> {
  for (const deadline = Date.now() + 60_000; ; await new Promise((done) => setTimeout(done, 50))) {
    const healthy = await fetch(`http://127.0.0.1:${port}/xrpc/_health`).catch(() => undefined)
    if (healthy?.ok) return
    if (Date.now() > deadline) throw new Error(`nothing healthy on port ${port} after a minute`)
  }
}

/** Removes what a neighbour has in the engine. */
export const down = ({ dir }: Neighbour): void =>
  void docker('compose', '--project-directory', dir, 'down', '--timeout', '1')

/** What must stay as it is of a container that is nobody's business: itself, since when it runs, and its settings. */
export const stateOfContainer = (name: string): string =>
  docker('inspect', '--format', '{{.Id}} {{.State.StartedAt}} {{json .Config.Env}}', name)
