import { attempt } from '../../base/attempt.ts'
import { inParallel } from '../../base/concurrency.ts'
import { Failure } from '../../base/failure.ts'
import type { PdsView } from '../xrpc/client.ts'
import { WIDTH } from './accounts.ts'

/** What a short look at a repository tells: `many` is more than was read; undefined where it cannot be read. */
export type Glance = { readonly records: number | 'many'; readonly words: string | null } | undefined

/** Bytes of a repository that are read for it: some hundred posts. A repository of spam is mostly smaller. */
const enough = 128 * 1024

/** A short look at the repositories of these accounts, side by side: how many records, and the last words in them. */
export async function glanceAtRepos(
  pds: PdsView,
  dids: readonly string[],
  { signal, seen }: { readonly signal?: AbortSignal; readonly seen?: (count: number) => void } = {},
): Promise<ReadonlyMap<string, Glance>> {
  let count = 0
  const look = async (did: string) => {
    const glance = await glanceAt(pds, did, signal)
    seen?.(++count)
    return [did, glance] as const
  }
  return new Map(await inParallel(dids, WIDTH, look))
}

async function glanceAt(pds: PdsView, did: string, signal: AbortSignal | undefined): Promise<Glance> {
  const nsid = 'com.atproto.sync.getRepo'
  const car = await attempt(() =>
    pds.get(nsid, { did }, { as: 'admin', limit: enough, repeatable: 'no', signal }),
  )
  if (car instanceof Failure)
    return car.code === 'answer-too-large' ? { records: 'many', words: null } : undefined
  const { readRepo } = await import('./repo.ts')
  try {
    const { records, latest } = readRepo(car.body, did)
    return { records, words: latest.find(({ text }) => text)?.text ?? null }
  } catch {
    // A damaged export tells nothing.
    return undefined
  }
}
