/**
 * Holds the engine that all rigs share: brings it up for the first rig, removes the containers of each rig that hangs
 * up, and takes the engine down when none has been there for KIMBIA_RIG_IDLE_MS.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { ensureImages } from '../image/build.ts'
import { addRepositories, removeRepositories } from '../image/images.ts'
import { startDockerd, startRegistry, stopDaemons } from './daemons.ts'
import { docker, dockerHost, dockerLines, givenHost, kept, runDir } from './docker.ts'
import { type Engine, holderSocket } from './engine.ts'

const idle = Number(process.env.KIMBIA_RIG_IDLE_MS ?? 20_000)
const rigs = new Map<string, Socket>()
const lines = new Set<Socket>()
let engine: Promise<Engine> | undefined
let ending: NodeJS.Timeout | undefined

async function bringUp(): Promise<Engine> {
  await startDockerd()
  const registry = await startRegistry()
  await ensureImages(registry)
  return { host: dockerHost(), registry }
}

function attend(line: Socket): void {
  clearTimeout(ending)
  lines.add(line)
  let rig: string | undefined
  line.on('error', () => {})
  createInterface({ input: line }).once('line', (text) => {
    rig = (JSON.parse(text) as { rig: string }).rig
    void welcome(rig, line)
  })
  line.on('end', () => void leave(rig).finally(() => line.end()))
  line.on('close', () => {
    lines.delete(line)
    if (lines.size === 0) ending = setTimeout(() => void end(), idle)
  })
}

async function welcome(rig: string, line: Socket): Promise<void> {
  try {
    engine ??= bringUp()
    const up = await engine
    if (line.readableEnded) return
    addRepositories(rig)
    rigs.set(rig, line)
    line.write(`${JSON.stringify(up)}\n`)
  } catch (error) {
    engine = undefined
    line.write(`${JSON.stringify({ error: error instanceof Error ? error.message : String(error) })}\n`)
  }
}

async function leave(rig: string | undefined): Promise<void> {
  if (rig === undefined || !rigs.delete(rig)) return
  await clear(rig).catch(() => {})
  removeRepositories(rig)
}

/** Removes what a rig has in the engine: its compose project, and whatever else carries its name or its images. */
async function clear(rig: string): Promise<void> {
  const found = async (...filters: string[]) =>
    dockerLines('ps', '-aq', ...filters.flatMap((one) => ['--filter', one]))
  const [ofProject, named] = await Promise.all([
    found(`label=com.docker.compose.project=${rig}`),
    found(`name=${rig}`),
  ])
  const containers = [...new Set([...ofProject, ...named])]
  if (containers.length > 0) await docker('rm', '-f', '-v', ...containers)
  const networks = await dockerLines('network', 'ls', '--quiet', '--filter', `name=${rig}`)
  if (networks.length > 0) await docker('network', 'rm', ...networks)
  const { registry } = (await engine) ?? { registry: '' }
  const format = ['--digests', '--format', '{{.Repository}}:{{.Tag}}\n{{.Repository}}@{{.Digest}}']
  const names = await dockerLines('image', 'ls', ...format, '--filter', `reference=${registry}/${rig}/*`)
  const images = new Set(names.filter((name) => !name.endsWith('<none>')))
  if (images.size > 0) await docker('rmi', ...images).catch(() => {})
}

async function end(): Promise<void> {
  server.close()
  rmSync(holderSocket, { force: true })
  await engine?.catch(() => {})
  if (!givenHost() && engine) {
    const containers = await dockerLines('ps', '-aq').catch(() => [])
    if (containers.length > 0) await docker('rm', '-f', '-v', ...containers).catch(() => {})
  }
  await stopDaemons()
  rmSync(runDir, { recursive: true, force: true })
  process.exit()
}

/** A name in the abstract namespace is free again when its owner is gone, however that came about. */
function lock(): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer((line) => line.destroy())
    server.once('error', () => resolve(undefined))
    server.listen(`\0${holderSocket}`, () => resolve(server))
  })
}

if (!(await lock())) process.exit()
mkdirSync(kept, { recursive: true })
mkdirSync(runDir, { recursive: true, mode: 0o711 })
rmSync(holderSocket, { force: true })
process.umask(0o077)
const server = createServer({ allowHalfOpen: true }, attend)
server.listen(holderSocket)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end())
ending = setTimeout(() => void end(), idle)
