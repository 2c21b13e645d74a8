import { realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** Where the tool keeps what it changes as root: for no container to reach. */
const ofRoot = '/var/lib/kimbia-ops'

/** Where the tool keeps the changes of a directory that stands for /pds. */
export const changesPlace = (pdsDir: string): string =>
  process.getuid?.() === 0 ? join(ofRoot, realpathSync(pdsDir)) : join(pdsDir, 'kimbia-ops')

/** Removes what the tool has kept elsewhere of all directories below one. */
export function forgetChanges(dir: string): void {
  if (process.getuid?.() === 0) rmSync(join(ofRoot, dir), { recursive: true, force: true })
}
