import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { docker, dockerLines } from '../../rig/docker/docker.ts'
import type { RigFacts } from '../../rig/host.ts'

/** How a PDS in a container stands, seen past the tool: what its files say, what runs, and what that answers. */
export interface DockerState {
  /** The image that compose.yaml names. */
  readonly reference: string
  /** The value of PDS_SERVICE_NAME in pds.env and in the container. */
  readonly name: string
  /** The version that the PDS answers. */
  readonly version: string
  readonly running: boolean
}

/** The container of the PDS, whatever it is named, by a format of docker. */
export async function containerOf(rig: RigFacts, format: string): Promise<string> {
  const labels = [`project=${rig.docker?.project}`, 'service=pds']
  const filters = labels.flatMap((label) => ['--filter', `label=com.docker.compose.${label}`])
  const [id = '', ...more] = await dockerLines('ps', '--all', '--quiet', ...filters)
  if (id === '' || more.length > 0) throw new Error(`${more.length + 1} containers of the PDS: ${id} ${more}`)
  return await docker('inspect', '--type', 'container', '--format', format, id)
}

/** Reads the state; throws where the file and the container do not agree, or nothing answers. */
export async function dockerState(rig: RigFacts): Promise<DockerState> {
  const reference = /image: (\S+)/.exec(readFileSync(rig.docker?.composeFile ?? '', 'utf8'))?.[1] ?? ''
  const name = settingIn(readFileSync(join(rig.pdsDir, 'pds.env'), 'utf8').split('\n'))
  const seen = await containerOf(rig, '{{.Image}} {{.State.Running}} {{json .Config.Env}}')
  const [image = '', running = '', ...env] = seen.split(' ')
  const named = await docker('image', 'inspect', '--format', '{{.Id}}', reference)
  if (named !== image) throw new Error(`compose.yaml names ${reference} (${named}), and ${image} runs`)
  const inside = settingIn(JSON.parse(env.join(' ')) as string[])
  if (inside !== name) throw new Error(`pds.env says ${name}, and the container has ${inside}`)
  const answer = await fetch(`${rig.pdsUrl}/xrpc/_health`)
  const { version } = (await answer.json()) as { version: string }
  return { reference, name, version, running: running === 'true' }
}

const settingIn = (lines: readonly string[]): string =>
  lines.find((line) => line.startsWith('PDS_SERVICE_NAME='))?.slice('PDS_SERVICE_NAME='.length) ?? ''

/** A program that the tool has a host run. */
export type HostProgram = 'docker' | 'sqlite3' | 'sync'

/**
 * Puts lines of sh before a program of the host, which see its words as `$*`; what they do not end goes on to the
 * program. Returns how to take them away again.
 */
export function before(rig: RigFacts, program: HostProgram, script: string): () => void {
  const path = join(rig.dir, 'bin', program)
  const own = existsSync(path)
  const plain = own ? readFileSync(path, 'utf8') : `#!/bin/sh\nexec /usr/bin/${program} "$@"\n`
  const put = (text: string): void => {
    writeFileSync(`${path}.new`, text, { mode: 0o755 })
    renameSync(`${path}.new`, path)
  }
  put(plain.replace('#!/bin/sh\n', `#!/bin/sh\n${script}\n`))
  return () => (own ? put(plain) : rmSync(path))
}
