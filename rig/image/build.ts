import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { repositories } from '../docker/daemons.ts'
import { docker, dockerHost, findProgram, givenHost, kept, project } from '../docker/docker.ts'
import { bundlePds } from '../pds/bundle.ts'
import { rigNode } from '../process/child-lines.ts'
import { layOut } from './files.ts'

const run = promisify(execFile)

/** What each tag of the rigs' PDS image is for. */
export interface Tags {
  /** Package 0.5.34. */
  good: string
  /** Package 0.5.35. */
  next: string
  /** The tag of the official compose file: the good one, until it is pointed elsewhere. */
  moving: string
  neverStarts: string
  diesAfter5s: string
  answers503: string
  /** Healthy, but its `_health` says 0.5.35. */
  wrongVersion: string
  /** Leaves databases that an older version refuses, and answers 503. */
  migratesThenFails: string
}

/** The tags of the images that are built here. */
export const TAGS: Tags = {
  good: '0.4.5034',
  next: '0.4.5035',
  moving: '0.4',
  neverStarts: '0.4.5901',
  diesAfter5s: '0.4.5902',
  answers503: '0.4.5903',
  wrongVersion: '0.4.5904',
  migratesThenFails: '0.4.5905',
}

/** The repository that those of all rigs are copies of. */
export const BASE = 'kimbia/pds'

/** The same for the second service of the compose file. */
export const BASE_WATCHTOWER = 'kimbia/watchtower'

const FAULTS = ['neverStarts', 'diesAfter5s', 'answers503', 'wrongVersion', 'migratesThenFails'] as const
const remembered = join(kept, 'images')
const fromOutside = (): Record<string, string> =>
  Object.fromEntries(
    (process.env.KIMBIA_RIG_IMAGES ?? '').split(',').flatMap((one) => {
      const [name, image] = one.trim().split('=')
      return name && image ? [[name, image]] : []
    }),
  )

/** Makes the images, unless the registry has them already, and pushes them to it. */
export async function ensureImages(registry: string): Promise<void> {
  const wanted = contentHash()
  const pushed = read(join(repositories, BASE, '_manifests/tags', TAGS.moving, 'current/link')) !== ''
  if (pushed && read(remembered) === wanted) return
  rmSync(remembered, { force: true })
  rmSync(join(kept, 'registry', 'docker'), { recursive: true, force: true })
  if (!givenHost()) await docker('system', 'prune', '-af')
  const good = fromOutside().good ?? (await build())
  const repository = `${registry}/${BASE}`
  const next = fromOutside().next
  for (const kind of ['good', 'next', ...FAULTS] as const) {
    if (kind === 'next' && next) await retag(next, `${repository}:${TAGS.next}`)
    else await derive(good, repository, kind)
  }
  await retag(`${repository}:${TAGS.good}`, `${repository}:${TAGS.moving}`)
  await watchtower(`${registry}/${BASE_WATCHTOWER}:1`)
  await docker('push', '-q', '--all-tags', repository)
  await docker('push', '-q', `${registry}/${BASE_WATCHTOWER}:1`)
  writeFileSync(remembered, wanted)
}

/** Imports the files as an image and lets V8 compile them once, so that a container starts fast. */
async function build(): Promise<string> {
  const stage = join(kept, 'stage')
  rmSync(stage, { recursive: true, force: true })
  mkdirSync(stage, { recursive: true, mode: 0o755 })
  layOut(stage, await bundlePds())
  const raw = await importDirectory(stage, [
    'ENV PATH=/usr/local/bin:/usr/bin:/bin',
    'ENV NODE_ENV=production',
    'ENV UV_USE_IO_URING=0',
    'ENV PDS_PORT=3000',
    'EXPOSE 3000',
    'WORKDIR /app',
    'ENTRYPOINT ["dumb-init", "--"]',
    'CMD ["node", "index.js"]',
  ])
  rmSync(stage, { recursive: true })
  const container = await docker('create', '--network=none', raw, 'node', '/app/warm.mjs')
  await docker('cp', join(project, 'rig/image/warm.mjs'), `${container}:/app/warm.mjs`)
  await docker('start', '-a', container)
  const warm = await docker('commit', '--change', 'CMD ["node", "index.js"]', container)
  await docker('rm', '-f', '-v', container)
  return warm
}

async function watchtower(name: string): Promise<void> {
  const stage = join(kept, 'stage')
  rmSync(stage, { recursive: true, force: true })
  mkdirSync(join(stage, 'bin'), { recursive: true })
  await run('cp', [findProgram('busybox') ?? 'busybox', join(stage, 'bin/sh')])
  const image = await importDirectory(stage, ['CMD ["/bin/sh", "-c", "exec sleep infinity"]'])
  rmSync(stage, { recursive: true })
  await retag(image, name)
}

async function importDirectory(dir: string, changes: string[]): Promise<string> {
  const tar = spawn('tar', ['-C', dir, '--owner=0', '--group=0', '-c', '.'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const env = { ...process.env, DOCKER_HOST: dockerHost() }
  const args = ['import', ...changes.flatMap((change) => ['--change', change]), '-']
  const client = spawn('docker', args, { stdio: [tar.stdout, 'pipe', 'pipe'], env })
  let said = ''
  let complaint = ''
  client.stdout.on('data', (chunk) => {
    said += chunk
  })
  client.stderr.on('data', (chunk) => {
    complaint += chunk
  })
  const [code] = (await once(client, 'close')) as [number | null]
  if (code !== 0) throw new Error(`rig: docker import failed: ${complaint.trim()}`)
  return said.trim()
}

/** The same image with the version of its tag, or with what is wrong with it. */
async function derive(from: string, repository: string, kind: Exclude<keyof Tags, 'moving'>): Promise<void> {
  const container = await docker('create', '--network=none', from)
  const own = version(TAGS[kind])
  const says = kind === 'wrongVersion' ? version(TAGS.next) : own
  const changes = [`ENV PDS_VERSION=${says}`, `LABEL org.opencontainers.image.version=${own}`]
  if (kind !== 'good' && kind !== 'next' && kind !== 'wrongVersion') {
    await docker('cp', join(project, 'rig/image/fault.mjs'), `${container}:/app/fault.mjs`)
    changes.push(`ENV RIG_FAULT=${kind}`, 'ENV NODE_OPTIONS=--import=/app/fault.mjs')
  }
  const name = `${repository}:${TAGS[kind]}`
  await docker('commit', ...changes.flatMap((change) => ['--change', change]), container, name)
  await docker('rm', '-f', '-v', container)
}

async function retag(from: string, name: string): Promise<void> {
  await docker('image', 'inspect', from).catch(() => docker('pull', '-q', from))
  await docker('tag', from, name)
}

/** The package version that an image tag of the official scheme stands for. */
const version = (tag: string): string => `0.5.${Number(tag.slice(-3))}`

function contentHash(): string {
  const files = [
    'package-lock.json',
    'rig/image/index.js',
    'rig/image/load.js',
    'rig/image/fault.mjs',
    'rig/image/warm.mjs',
    'rig/image/build.ts',
    'rig/image/files.ts',
    'rig/pds/bundle.ts',
  ]
  const hash = createHash('sha256').update(
    `${process.env.KIMBIA_RIG_IMAGES ?? rigNode().slice(project.length)}`,
  )
  for (const file of files) hash.update(readFileSync(join(project, file)))
  return hash.digest('hex')
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
