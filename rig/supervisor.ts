/**
 * Holds everything a rig puts on the machine and takes it away again when its stdin closes, however that came about.
 * The first request carries the RigOptions and brings the rig up; "start" and "stop" are for the PDS.
 */
import { chownSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { forgetChanges } from './changes.ts'
import { type DockerHost, type DockerOptions, openSocket, startDockerHost } from './docker/docker-host.ts'
import type { RigFacts, RigOptions } from './host.ts'
import { type Layout, makeLayout, writeClient, writePdsEnv } from './layout.ts'
import { serve, Talker } from './process/child-lines.ts'
import { endProcesses } from './process/processes.ts'
import { addOperator, type Operator } from './ssh/operator.ts'
import { findSshd, knownHosts, makeKeys, type Sshd, startSshd, startStandIn } from './ssh/sshd.ts'

const undo: (() => void | Promise<void>)[] = []
let pds: { start(): Promise<unknown>; stop(): Promise<unknown> } | undefined

/** Settings of the developer that a rig must not see. */
const NOTHING_ELSE = {
  SSH_AUTH_SOCK: '',
  XDG_CONFIG_HOME: '',
  XDG_STATE_HOME: '',
  XDG_CACHE_HOME: '',
  XDG_DATA_HOME: '',
}

async function up(options: RigOptions): Promise<RigFacts> {
  const layout = makeLayout()
  undo.push(() => rmSync(layout.dir, { recursive: true, force: true, maxRetries: 5 }))
  undo.push(() => forgetChanges(layout.dir))
  const settings = await writePdsEnv(layout, options)
  const pdsPort = Number(settings.PDS_PORT)
  const pdsUrl = `http://127.0.0.1:${pdsPort}`
  const [container, { operator, sshd }] = await allDone(
    options.docker
      ? startContainer(layout, options.docker, settings.PDS_DID_PLC_URL ?? '', pdsUrl)
      : startPds(layout),
    startLogin(layout, options),
  )
  if (container && options.docker?.socketFor === 'operator')
    undo.push(await openSocket(layout, container.facts.socket, operator))
  const user = operator.name
  const client = writeClient(layout, {
    user,
    sshPort: sshd.port,
    pdsPort,
    knownHosts: knownHosts(layout.sshd, sshd.port),
  })
  const { sudoPassword } = operator
  return {
    dir: layout.dir,
    pdsDir: layout.pdsDir,
    pdsLog: layout.pdsLog,
    pdsPort,
    pdsUrl,
    plcUrl: settings.PDS_DID_PLC_URL ?? '',
    adminPassword: settings.PDS_ADMIN_PASSWORD ?? '',
    ssh: {
      host: '127.0.0.1',
      port: sshd.port,
      user,
      identity: layout.identity,
      knownHosts: client.knownHosts,
      ...(sudoPassword ? { sudoPassword } : {}),
    },
    sshConfig: client.sshConfig,
    configFile: client.configFile,
    ...(container ? { docker: container.facts } : {}),
    env: {
      KIMBIA_OPS_CONFIG: client.configFile,
      HOME: join(layout.client, 'home'),
      ...NOTHING_ELSE,
    },
  }
}

async function startPds(layout: Layout): Promise<undefined> {
  const started = new Talker(new URL('./pds/pds-process.ts', import.meta.url), [
    layout.envFile,
    layout.pdsLog,
  ])
  undo.push(() => started.kill())
  await started.ask('start')
  pds = { start: () => started.ask('start'), stop: () => started.ask('stop') }
}

async function startContainer(
  layout: Layout,
  options: DockerOptions,
  plcUrl: string,
  pdsUrl: string,
): Promise<DockerHost> {
  const plc = new Talker(new URL('./pds/plc-process.ts', import.meta.url), [plcUrl])
  undo.push(() => plc.kill())
  const [started] = await allDone(startDockerHost(layout, options, pdsUrl), plc.ask('up?'))
  undo.push(() => started.end())
  pds = started
  return started
}

async function startLogin(layout: Layout, options: RigOptions): Promise<{ operator: Operator; sshd: Sshd }> {
  const [operator] = await allDone(
    addOperator(layout.name, layout.home, layout.bin, options.sudo ?? 'nopasswd').then((added) => {
      undo.push(() => added.remove())
      return added
    }),
    makeKeys(layout.sshd, layout.identity),
  )
  const isRoot = process.getuid?.() === 0
  if (isRoot) chownSync(layout.home, operator.uid, operator.gid)
  const sshd =
    findSshd() === undefined
      ? await startStandIn(layout.sshd, operator, layout.home, layout.bin)
      : await startSshd(layout.sshd, operator.name, layout.bin)
  undo.push(async () => {
    await sshd.close?.()
    await endProcesses({ root: sshd.child?.pid, uid: isRoot ? operator.uid : undefined })
  })
  return { operator, sshd }
}

/** Like Promise.all, but fails only when all have settled, so that nothing appears after the clean-up. */
async function allDone<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b])
  return [await a, await b]
}

async function down(): Promise<void> {
  for (const step of undo.splice(0).reverse()) {
    try {
      await step()
    } catch (error) {
      process.exitCode = 1
      console.error(error instanceof Error ? error.message : error)
    }
  }
}

// Only a closed stdin ends the supervisor in order; a signal closes stdin.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => process.stdin.destroy())
process.stdout.on('error', () => {})
process.on('uncaughtException', (error) => {
  console.error(error)
  process.exitCode = 1
  process.stdin.destroy()
})

await serve((request: RigOptions | 'start' | 'stop') =>
  typeof request === 'string' ? (pds?.[request]() ?? Promise.resolve()) : up(request),
)
await down()
process.exit()
