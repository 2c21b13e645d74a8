import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { RigFacts } from '../../rig/host.ts'

type Rig = Pick<RigFacts, 'pdsDir'>

/** A look into a database of the PDS, past the PDS and the tool. */
export const sql = (rig: Rig, query: string, database = 'account.sqlite'): string =>
  execFileSync('sqlite3', ['-readonly', '-cmd', '.timeout 5000', join(rig.pdsDir, database), query], {
    encoding: 'utf8',
  }).trim()

/** A line of the trail. */
export interface TrailLine {
  readonly id: string
  readonly operation: string
  readonly event: 'intent' | 'outcome'
  readonly command: string
  readonly subject: string
  readonly did?: string
  readonly outcome?: string
  readonly message?: string
}

/** The lines of the trail, read from its file; one that a full disk cut off in the middle is passed over. */
export function trailOf(rig: Rig): TrailLine[] {
  const file = join(rig.pdsDir, 'kimbia-ops/trail.jsonl')
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as TrailLine)
}

/** The DIDs of the accounts that are taken down, in order. */
export const takenDown = (rig: Rig): string[] =>
  sql(rig, 'select did from actor where takedownRef is not null order by did')
    .split('\n')
    .filter((did) => did !== '')

/** All that a command can change on a rig; two that are equal mean that nothing was done in between. */
export const stateOf = (rig: Rig) => ({
  accounts: sql(rig, 'select did, handle, takedownRef from actor order by did'),
  emails: sql(rig, 'select did, email, passwordScrypt from account order by did'),
  invites: sql(rig, 'select code, disabled, availableUses from invite_code order by code'),
  events: sql(rig, 'select count(*) from repo_seq', 'sequencer.sqlite'),
  trail: trailOf(rig).length,
})
