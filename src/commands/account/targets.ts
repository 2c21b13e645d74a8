import { failed, usage } from '../../base/failure.ts'
import { finding } from '../../moderation/find-options.ts'
import { type AccountRef, parseAccountRef } from '../../pds/accounts/account-ref.ts'
import type { Account } from '../../pds/accounts/accounts.ts'
import { findAccounts } from '../../pds/accounts/find-account.ts'
import { type Missing, notFound } from '../../pds/accounts/missing.ts'
import type { Views } from '../../runner/command/views.ts'

/** Which accounts a command was given. */
export interface Targets {
  readonly accounts: readonly AccountRef[]
  readonly from: string | undefined
  /** A file of accounts that stay as they are. */
  readonly except: string | undefined
}

/** The accounts to change, as the PDS knows them, and those that it does not have. */
export interface FoundTargets {
  readonly accounts: readonly Account[]
  readonly missing: readonly Missing[]
  /** How many `--except` has left out. */
  readonly excepted: number
  /** When the file that lists them was last written, where it is one. */
  readonly listedAt: Date | undefined
}

/** Finds the accounts that were named, as words and in a file, each once; `listed` is told of their file before. */
export async function findTargets(
  { accounts: words, from, except }: Targets,
  views: Views,
  listed: (at: Date | undefined) => void = () => {},
): Promise<FoundTargets> {
  const refs = [...words, ...(from === undefined ? [] : await readTargets(from, views))]
  if (refs.length === 0)
    throw usage('no account was named', 'give <account>…, or --from FILE (- for standard input)')
  if (from === '-' && except === '-') throw usage('--from and --except cannot both be standard input')
  const kept = except === undefined ? [] : await readTargets(except, views)
  const listedAt = from === undefined ? undefined : await views.reader.modifiedAt(from)
  listed(listedAt)
  const options = finding(views)
  const { accounts, missing } = await findAccounts(views.pds, refs, options)
  const spared = await findExcepted(kept, except ?? '', views)
  const left = accounts.filter(({ did }) => !spared.has(did))
  return {
    accounts: left,
    missing: missing.filter(({ ref }) => ref.kind !== 'did' || !spared.has(ref.did)),
    excepted: accounts.length - left.length,
    listedAt,
  }
}

/**
 * The DIDs to leave out. A name that is not here may be misspelt, and its account would not be spared: nothing is done
 * then. A DID cannot be misspelt into another one, and an account that is gone needs no sparing.
 */
async function findExcepted(
  refs: readonly AccountRef[],
  file: string,
  views: Views,
): Promise<ReadonlySet<string>> {
  if (refs.length === 0) return new Set()
  const { accounts, missing } = await findAccounts(views.pds, refs, finding(views))
  const unknown = missing.filter(({ ref, elsewhere }) => ref.kind !== 'did' && elsewhere === undefined)
  if (unknown[0])
    throw failed(
      'account-not-found',
      [
        `nothing was done: ${nameOfFile(file)} of --except names accounts that are not here`,
        ...unknown.map((it) => notFound(it).message),
      ].join('\n'),
      'correct these lines, or remove them',
    )
  return new Set(
    [...accounts, ...refs.flatMap((ref) => (ref.kind === 'did' ? [ref] : []))].map(({ did }) => did),
  )
}

const nameOfFile = (path: string): string => (path === '-' ? 'standard input' : path)

/** The accounts named in a file: one a line, the first tab-separated field, or JSON objects with a `did`. */
export async function readTargets(path: string, { reader }: Pick<Views, 'reader'>): Promise<AccountRef[]> {
  const lines = (await reader.text(path)).replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)
  const refs = lines.flatMap((line, index) => {
    const word = line.trim()
    if (word === '' || word.startsWith('#')) return []
    try {
      return [parseAccountRef(word.startsWith('{') ? didOf(word) : (word.split('\t')[0] as string).trim())]
    } catch (cause) {
      throw usage(`${nameOfFile(path)}, line ${index + 1}: ${(cause as Error).message}`)
    }
  })
  if (refs.length === 0)
    throw usage(`${nameOfFile(path)} names no account`, 'one handle, DID or email a line')
  return refs
}

function didOf(object: string): string {
  const { did } = JSON.parse(object)
  if (typeof did !== 'string') throw usage('the JSON object has no “did”')
  return did
}
