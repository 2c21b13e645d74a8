import type { EnvFinding } from '../env/lint/lint.ts'
import type { EnvFile } from '../env/parse.ts'
import type { Container } from './containers.ts'
import { dataPlaces, settingsAfter, unkept } from './data-places.ts'

const remedy = 'let it name a place below a directory that the container has from the host, mostly /pds'

/**
 * Finds data that lie within the container, and go with it. Without a container to look at, there is only what pds.env
 * says: places that are not named lie where the process starts.
 */
export function lintData(env: EnvFile, container: Container | undefined): readonly EnvFinding[] {
  const setting = (key: string): string | undefined => env.get(key) || undefined
  const lost = container
    ? unkept(container)
    : dataPlaces('', setting).filter(({ key }) => setting(key) === undefined)
  const value = container ? settingsAfter(container) : setting
  return [...new Map(lost.map((it) => [it.key, it])).values()].map(({ key, inside }) => ({
    line: env.entries.findLast((entry) => entry.key === key)?.line ?? null,
    key,
    severity: 'error',
    problem: `${value(key) === undefined ? 'it is not set' : `${inside} is mounted from nowhere`}: the data lie within the container, and are gone with the next one`,
    remedy,
  }))
}
