import { execFile } from 'node:child_process'
import { chmodSync, chownSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { TAGS, type Tags } from '../image/build.ts'
import type { Layout } from '../layout.ts'
import type { Operator } from '../ssh/operator.ts'
import { findProgram } from './docker.ts'
import { type Engine, holdEngine } from './engine.ts'

const run = promisify(execFile)

/** How the PDS of a rig runs in a container. */
export interface DockerOptions {
  /** The tag of the PDS image in compose.yaml. Default '0.4', the moving one. */
  tag?: string
  /** Whether compose.yaml has a second service, `watchtower`, that only sleeps. Default false. */
  watchtower?: boolean
  /** Who may speak to the engine. Default 'root', so that the operator needs sudo for docker. */
  socketFor?: 'root' | 'operator'
}

/** What one needs to know of a PDS in a container. */
export interface DockerFacts {
  /** The socket of the engine; all rigs share it. */
  socket: string
  /** `127.0.0.1:PORT`. */
  registry: string
  /** The repository of the rig's own PDS images, `127.0.0.1:PORT/NAME/pds`. */
  image: string
  containerName: string
  composeFile: string
  /** The name of the compose project. */
  project: string
  tags: Tags
}

/** A PDS in a container. */
export interface DockerHost {
  facts: DockerFacts
  start(): Promise<void>
  stop(): Promise<void>
  /** Removes the containers and lets go of the engine. */
  end(): Promise<void>
}

/** Writes compose.yaml into the directory of the PDS and brings it up; the PLC directory must be up. */
export async function startDockerHost(
  layout: Layout,
  options: DockerOptions,
  pdsUrl: string,
): Promise<DockerHost> {
  const hold = await holdEngine(layout.name)
  const facts = factsOf(layout, hold)
  writeFileSync(facts.composeFile, composeFile(facts, layout, options), { mode: 0o644 })
  writeWrappers(layout.bin, hold.host)
  const compose = (...args: string[]) =>
    run('docker', ['compose', '--project-directory', layout.pdsDir, '--file', facts.composeFile, ...args], {
      env: { ...process.env, DOCKER_HOST: hold.host },
    })
  const up = async (...args: string[]) => {
    await compose('up', '--detach', '--quiet-pull', ...args)
    await healthy(pdsUrl)
  }
  try {
    await up()
  } catch (error) {
    await hold.letGo()
    throw error
  }
  return {
    facts,
    start: () => up('--force-recreate', '--no-deps', 'pds'),
    stop: async () => void (await compose('stop', 'pds')),
    end: hold.letGo,
  }
}

function factsOf({ name, pdsDir }: Layout, { host, registry }: Engine): DockerFacts {
  return {
    socket: host.replace(/^unix:\/\//, ''),
    registry,
    image: `${registry}/${name}/pds`,
    containerName: `pds-${name}`,
    composeFile: join(pdsDir, 'compose.yaml'),
    project: name,
    tags: TAGS,
  }
}

/** Lets the operator use the engine by a socket of their own; returns how to take it away. */
export async function openSocket(layout: Layout, socket: string, operator: Operator): Promise<() => void> {
  const path = join(layout.dir, 'docker.sock')
  const relay = createServer({ allowHalfOpen: true }, (line) => {
    const engine = connect({ path: socket, allowHalfOpen: true })
    for (const [one, other] of [
      [line, engine],
      [engine, line],
    ] as const) {
      one.pipe(other)
      one.on('error', () => other.destroy())
    }
  })
  await new Promise<void>((resolve) => relay.listen(path, resolve))
  chmodSync(path, 0o600)
  chownSync(path, operator.uid, operator.gid)
  writeWrappers(layout.bin, `unix://${path}`)
  return () => {
    relay.close()
    rmSync(path, { force: true })
  }
}

/** The official compose file, with a rig's own names, and what people add to it. */
function composeFile(
  { image, containerName, registry }: DockerFacts,
  layout: Layout,
  options: DockerOptions,
) {
  const pds = `name: ${layout.name}

# Small logs, for both services.
x-logging: &logging
  driver: json-file
  options:
    max-size: 10m

services:
  pds:
    container_name: ${containerName}
    image: ${image}:${options.tag ?? TAGS.moving} # the tag moves with each release
    network_mode: host
    restart: unless-stopped
    volumes:
      - type: bind
        source: ${layout.pdsDir}
        target: /pds
    env_file:
      - ${layout.envFile}
    logging: *logging
`
  if (!options.watchtower) return pds
  return `${pds}  # Keeps nothing up to date here.
  watchtower:
    container_name: watchtower-${layout.name}
    image: ${registry}/${layout.name}/watchtower:1
    network_mode: host
    restart: unless-stopped
    stop_grace_period: 0s
    logging: *logging
`
}

/** On the rig, plain `docker` speaks to the engine of the rigs, also under sudo. */
function writeWrappers(bin: string, host: string): void {
  for (const name of ['docker', 'docker-compose']) {
    const program = findProgram(name)
    if (!program) continue
    const text = `#!/bin/sh\nDOCKER_HOST=${host} exec ${program} "$@"\n`
    writeFileSync(join(bin, name), text, { mode: 0o755 })
  }
}

async function healthy(pdsUrl: string): Promise<void> {
  for (const deadline = Date.now() + 60_000; ; await sleep(30)) {
    const answer = await fetch(`${pdsUrl}/xrpc/_health`).catch(() => undefined)
    if (answer?.ok) return
    if (Date.now() > deadline) throw new Error('rig: the PDS in the container is not healthy after a minute')
  }
}
