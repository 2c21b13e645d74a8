import { unreachable } from '../../base/failure.ts'
import { ask } from '../../ssh/shell.ts'
import type { HostView } from '../access/host.ts'
import { readServiceEnv, type ServiceEnv } from '../compose/service-env.ts'
import type { Container } from '../docker/containers.ts'
import { type Engine, environmentOf } from '../docker/engine.ts'
import { isOfThePds } from '../env/known-settings.ts'

/** A setting that the running container has otherwise than it would if it were made now, or that only one of them has. */
export interface Drifted {
  readonly key: string
  /** What the container runs with; it may be a secret. */
  readonly was: string | undefined
  /** What compose makes of pds.env; it may be a secret. */
  readonly now: string | undefined
}

/**
 * What was edited in pds.env, or in what compose lays over it, and never applied, in the order of the file: the next
 * recreate takes it up. What only the container has counts where the PDS reads it or it is
 * `named`, unless its image brings it along.
 */
export async function readDrift(
  host: Pick<HostView, 'ask' | 'config'>,
  engine: Engine,
  container: Pick<Container, 'env' | 'imageId'>,
  text: string,
  named: readonly string[] = [],
): Promise<readonly Drifted[]> {
  return await driftFrom(host, engine, container, await readServiceEnv(host, engine, text), named)
}

/** The same where it is known what a container would have. */
export async function driftFrom(
  host: Pick<HostView, 'ask'>,
  engine: Pick<Engine, 'docker' | 'image'>,
  { env, imageId }: Pick<Container, 'env' | 'imageId'>,
  wanted: Pick<ServiceEnv, 'get' | 'keys'>,
  named: readonly string[] = [],
): Promise<readonly Drifted[]> {
  const set = new Set(wanted.keys)
  const found = [...set, ...[...env.keys()].filter((key) => !set.has(key))]
    .map((key): Drifted => ({ key, was: env.get(key)?.reveal(), now: wanted.get(key) }))
    .filter(({ was, now }) => was !== now)
    .filter(({ key, now }) => now !== undefined || isOfThePds(key) || named.includes(key))
  if (found.every(({ now }) => now !== undefined)) return found
  const brought = await broughtByImage(host, engine, { imageId })
  return found.filter(({ key, was, now }) => now !== undefined || !brought.includes(`${key}=${was}`))
}

/** The settings that an image brings along, which no env file has set. */
async function broughtByImage(
  host: Pick<HostView, 'ask'>,
  { docker, image }: Pick<Engine, 'docker' | 'image'>,
  { imageId }: Pick<Container, 'imageId'>,
): Promise<readonly string[]> {
  if (image?.id === imageId) return image.env
  const { code, stdout, stderr } = await host.ask(
    ask`${docker} image inspect --format ${'{{json .Config.Env}}'} ${imageId}`,
  )
  if (code === 0) return environmentOf(stdout)
  throw unreachable(
    'image-not-readable',
    `docker does not tell what the image ${imageId.slice(0, 19)} of the PDS brings along: ${stderr.trim().slice(-300) || `exit code ${code}`}`,
    'kimbia-ops ps; on the host: sudo docker image ls',
  )
}

/** The names alone, sorted. */
export const keysOf = (drift: readonly Drifted[]): readonly string[] => drift.map(({ key }) => key).sort()
