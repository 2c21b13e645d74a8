import { fromUint8Array, type RepoEntry } from '@atcute/repo'

/** A record as a person wants to see it; `text` is its words, where it has any, and `createdAt` what its author says. */
export interface RecordSummary {
  uri: string
  collection: string
  createdAt: string | null
  text: string | null
}

/** What is in a repository: how many records of each collection, and the latest ones, newest first. */
export interface RepoContents {
  records: number
  collections: Record<string, number>
  latest: RecordSummary[]
}

/**
 * Reads a repository export (a CAR file, atproto.com/specs/repository) of the account `did`. Latest is what has the
 * highest record keys, which are times (atproto.com/specs/tid). Throws on a damaged export.
 */
export function readRepo(car: Uint8Array, did: string, latest = 5): RepoContents {
  const collections: Record<string, number> = {}
  let records = 0
  let newest: RepoEntry[] = []
  for (const entry of fromUint8Array(car)) {
    records++
    collections[entry.collection] = (collections[entry.collection] ?? 0) + 1
    if (newest.length === latest && age(entry) <= age(newest[latest - 1])) continue
    newest = [...newest, entry].sort((a, b) => (age(b) > age(a) ? 1 : -1)).slice(0, latest)
  }
  return { records, collections, latest: newest.map((entry) => summary(entry, did)) }
}

const tid = /^[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}$/

/** What orders records by age: their key where it is a time; `self` and its like come last. */
const age = (entry: RepoEntry | undefined): string => (entry && tid.test(entry.rkey) ? entry.rkey : '')

function summary(entry: RepoEntry, did: string): RecordSummary {
  const { collection, rkey } = entry
  const record = entry.record as Record<string, unknown> | null
  const word = (name: string) => (typeof record?.[name] === 'string' ? record[name] : null)
  return {
    uri: `at://${did}/${collection}/${rkey}`,
    collection,
    createdAt: word('createdAt') ?? (tid.test(rkey) ? timeOf(rkey) : null),
    text: word('text') ?? word('title') ?? word('displayName') ?? word('description'),
  }
}

const digits = '234567abcdefghijklmnopqrstuvwxyz'

/** A TID is base32-sortable: microseconds since the epoch, then ten bits of clock. */
function timeOf(rkey: string): string {
  const bits = [...rkey].reduce((all, digit) => (all << 5n) | BigInt(digits.indexOf(digit)), 0n)
  return new Date(Number((bits >> 10n) / 1000n)).toISOString()
}
