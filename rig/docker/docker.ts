import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The root of the project. */
export const project = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

/** The engine that the caller chose instead of one of the rig's own. */
export const givenHost = (): string | undefined => process.env.KIMBIA_RIG_DOCKER_HOST || undefined

/** What is kept between runs: the data of the engine and of the registry, and which images there are. */
export const kept = join(project, '.rig', givenHost() ? 'docker-given' : 'docker')

const ofThisEngine = createHash('sha256').update(`${kept} ${givenHost()}`).digest('hex').slice(0, 8)

/** Sockets and pid files of the engine, at a path short enough for a socket. */
export const runDir = `/run/kimbia-docker-${ofThisEngine}`

/** What DOCKER_HOST must be to reach the engine of the rigs. */
export const dockerHost = (): string => givenHost() ?? `unix://${join(runDir, 'docker.sock')}`

/** Where a program is that may be outside the PATH of a normal user. */
export const findProgram = (name: string): string | undefined =>
  ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']
    .map((dir) => join(dir, name))
    .find((path) => existsSync(path))

/** Whether a rig with Docker can be put up on this machine, and why not if it cannot. */
export function canDocker(): { can: boolean; why: string } {
  const no = (why: string) => ({ can: false, why })
  if (process.platform !== 'linux') return no('containers share the network of the host on Linux only')
  if (process.getuid?.() !== 0) return no('only root can run a Docker Engine of its own')
  const engine = givenHost() ? [] : ['dockerd', 'containerd', 'runc']
  const builder = process.env.KIMBIA_RIG_IMAGES ? [] : ['ldd', 'docker-init']
  const wanted = ['docker', 'docker-registry', 'busybox', 'tar', ...engine, ...builder]
  const missing = wanted.filter((name) => !findProgram(name))
  if (missing.length > 0) return no(`missing: ${missing.join(', ')}`)
  if (spawnSync('docker', ['compose', 'version']).status !== 0) return no('missing: docker compose')
  return { can: true, why: '' }
}

/** Runs the docker client on the engine of the rigs and returns what it printed. */
export async function docker(...args: string[]): Promise<string> {
  const env = { ...process.env, DOCKER_HOST: dockerHost(), DOCKER_CONTEXT: '' }
  try {
    const { stdout } = await run('docker', args, { env, maxBuffer: 64 << 20 })
    return stdout.trim()
  } catch (error) {
    const { code, stderr } = error as { code?: number | string; stderr?: string }
    throw new Error(`rig: docker ${args.join(' ')} failed (${code}): ${(stderr ?? '').trim()}`)
  }
}

/** The lines of what docker printed. */
export const dockerLines = async (...args: string[]): Promise<string[]> =>
  (await docker(...args)).split('\n').filter(Boolean)
