import { spawn } from 'node:child_process'
import { mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, isFree } from '../process/ports.ts'
import { endProcesses } from '../process/processes.ts'
import { docker, dockerLines, findProgram, givenHost, kept, runDir } from './docker.ts'
import { unmount } from './mounts.ts'

const pidFiles = { dockerd: join(runDir, 'docker.pid'), registry: join(runDir, 'registry.pid') }

/** Where the registry keeps the manifests of each repository. */
export const repositories = join(kept, 'registry', 'docker', 'registry', 'v2', 'repositories')

/**
 * Starts the rigs' own dockerd, or takes over one that still runs. It leaves the rules of the machine's network alone: a
 * port that a container publishes is led there by docker-proxy.
 */
export async function startDockerd(): Promise<void> {
  if (givenHost()) return void (await docker('version'))
  if (alive('dockerd') && (await patiently(engineAnswers, 3000))) return
  // A dockerd that was killed leaves its containerd, and that its shims with their containers.
  await stopDaemons()
  mkdirSync(join(kept, 'data'), { recursive: true, mode: 0o711 })
  const config = join(runDir, 'daemon.json')
  writeFileSync(config, '{}\n')
  rmSync(pidFiles.dockerd, { force: true })
  const pid = background('dockerd', [
    ...['--config-file', config, '--data-root', join(kept, 'data'), '--exec-root', join(runDir, 'exec')],
    ...['--pidfile', pidFiles.dockerd, '-H', `unix://${join(runDir, 'docker.sock')}`, '--group', 'root'],
    ...['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-masq=false', '--ip-forward=false'],
    ...['--storage-driver=overlay2', '--shutdown-timeout=2'],
  ])
  if (!(await patiently(engineAnswers, 30_000, () => isOurs(pid))))
    throw new Error(`rig: dockerd did not start: ${logOf('dockerd')}`)
  // Those of rigs that are no more, if the machine went down under them.
  const stale = await dockerLines('ps', '-aq')
  if (stale.length > 0) await docker('rm', '-f', '-v', ...stale)
  await docker('network', 'prune', '--force')
}

/** Starts the registry and returns its name, a loopback address that is the same each time where it can be. */
export async function startRegistry(): Promise<string> {
  const portFile = join(kept, 'registry-port')
  let port = Number(read(portFile)) || (await freePort())
  if (alive('registry')) return `127.0.0.1:${port}`
  if (!(await isFree(port))) port = await freePort()
  writeFileSync(portFile, `${port}\n`)
  const config = join(runDir, 'registry.json')
  const settings = {
    version: '0.1',
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(kept, 'registry') } },
    http: { addr: `127.0.0.1:${port}`, net: 'tcp' },
  }
  writeFileSync(config, JSON.stringify(settings))
  const pid = background('docker-registry', ['serve', config])
  writeFileSync(pidFiles.registry, `${pid}\n`)
  const answers = () => fetch(`http://127.0.0.1:${port}/v2/`).then(({ ok }) => ok)
  if (await patiently(answers, 10_000, () => isOurs(pid))) return `127.0.0.1:${port}`
  throw new Error(`rig: docker-registry did not start: ${logOf('docker-registry')}`)
}

/** Ends dockerd with all that it started, and the registry, and returns when nothing of them is left. */
export async function stopDaemons(): Promise<void> {
  const dockerd = alive('dockerd')
  if (dockerd) await end(dockerd, 10_000)
  const registry = alive('registry')
  if (registry) await end(registry, 0)
  for (const pid of ours()) await endProcesses({ root: pid })
  unmount([join(kept, 'data'), runDir])
  for (const file of readdirSync(runDir)) {
    if (file !== 'holder.sock') rmSync(join(runDir, file), { recursive: true, force: true })
  }
}

/** The pid in a pid file, when that process is one of ours. */
function alive(name: keyof typeof pidFiles): number | undefined {
  const pid = Number(read(pidFiles[name]))
  return pid && isOurs(pid) ? pid : undefined
}

/** Our daemons, containerd and its shims have the run directory in their command line. */
function isOurs(pid: number): boolean {
  const [program = '', ...args] = read(`/proc/${pid}/cmdline`).split('\0')
  return /(^|\/)(dockerd|docker-registry|containerd[^/]*)$/.test(program) && args.join(' ').includes(runDir)
}

const ours = (): number[] => readdirSync('/proc').map(Number).filter(isOurs)

async function end(pid: number, patience: number): Promise<void> {
  const signal = (name: NodeJS.Signals) => {
    if (isOurs(pid)) process.kill(pid, name)
  }
  signal(patience > 0 ? 'SIGTERM' : 'SIGKILL')
  if (await patiently(async () => !isOurs(pid), patience)) return
  signal('SIGKILL')
  await patiently(async () => !isOurs(pid), 5000)
}

/** Starts a daemon that outlives this process. */
function background(name: string, args: string[]): number {
  const log = openSync(join(kept, `${name}.log`), 'w', 0o600)
  const child = spawn(findProgram(name) ?? name, args, { stdio: ['ignore', log, log], detached: true })
  child.on('error', () => {})
  child.unref()
  return child.pid ?? 0
}

const logOf = (name: string): string =>
  read(join(kept, `${name}.log`))
    .slice(-2000)
    .trim()

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function engineAnswers(): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const ping = request(
      { socketPath: join(runDir, 'docker.sock'), path: '/_ping', timeout: 2000 },
      (answer) => resolve(answer.resume().statusCode === 200),
    )
    ping.on('timeout', () => ping.destroy(new Error('rig: the engine is silent')))
    ping.on('error', reject).end()
  })
}

/** Asks until the answer is yes; no when that takes too long or there is no more hope. */
async function patiently(
  question: () => Promise<boolean>,
  patience: number,
  hope = () => true,
): Promise<boolean> {
  const deadline = Date.now() + patience
  for (;;) {
    if (await question().catch(() => false)) return true
    if (Date.now() >= deadline || !hope()) return false
    await sleep(30)
  }
}
