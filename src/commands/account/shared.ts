import { usage } from '../../failure.ts'
import { type AccountRef, parseAccountRef } from '../../pds/account-ref.ts'
import type { Account } from '../../pds/accounts.ts'
import type { AccountStatus } from '../../pds/client.ts'
import { findAccounts, notFound } from '../../pds/find-account.ts'
import { column, detail, type RowOf, type Views } from '../../runner/command.ts'
import { type Item, later, type Plan, xrpc } from '../../runner/plan.ts'
import { choice, did, handle, moment, optional, type Type, text } from '../../runner/type.ts'
import { finding } from '../finding.ts'

/** Any way to name an account; resolved against the PDS before anything is done. */
export const account: Type<AccountRef> = {
  name: 'account',
  schema: { type: 'string', description: 'handle, DID, at:// URI, profile or post URL, or email' },
  parse: parseAccountRef,
  show: (ref) => ref.text,
  json: (ref) => ref.text,
}

/** A handle to give: whole, or its first label, which then gets the domain of the server. */
export const newHandle: Type<string> = {
  name: 'handle',
  schema: { type: 'string' },
  parse(word) {
    const ref = parseAccountRef(word)
    if (ref.kind === 'handle') return ref.handle
    if (ref.kind === 'name') return ref.name
    throw usage(`“${word}” is not a handle`, 'letters, digits and hyphens: alice, or alice.kimbia.social')
  },
  show: (value) => value,
  json: (value) => value,
}

/** The whole handle; the server's first domain is added to a bare one. */
export const fullHandle = (word: string, domains: readonly string[]): string =>
  word.includes('.') ? word : `${word}${domains[0] ?? ''}`

/** The statuses an account of this PDS can have (com.atproto.sync.listRepos). */
export const statuses = ['active', 'takendown', 'suspended', 'deactivated', 'deleted'] as const

/** One of them; only reading shows the rarer ones that a PDS may report. */
export const status: Type<AccountStatus> = choice('status', statuses)

/** The fields of an account that every list of accounts has. */
export const accountColumns = {
  handle: column(handle, 'current handle'),
  did: column(did, 'permanent identifier'),
  email: column(optional(text), 'address, as the account holder gave it'),
  status: column(status, 'active, takendown, deactivated, suspended or deleted'),
  createdAt: column(moment, 'when the account was made, UTC'),
  emailConfirmedAt: detail(optional(moment), 'when the address was confirmed, if it was'),
  invitedBy: detail(optional(text), 'DID of the account whose invite code was used, or admin'),
}

/** What a change of an account's status reports. */
export const statusColumns = {
  handle: column(handle, 'current handle'),
  did: column(did, 'permanent identifier'),
  status: column(status, 'after the change'),
}

/** Handle and DID in a line: how an account is named to people and in the trail. */
export const named = ({ handle, did }: Pick<Account, 'handle' | 'did'>): string => `${handle} (${did})`

/** The accounts named in a file: one a line, the first tab-separated field, or JSON objects with a `did`. */
export async function readTargets(path: string, { reader }: Pick<Views, 'reader'>): Promise<AccountRef[]> {
  const lines = (await reader.text(path)).replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)
  const refs = lines.flatMap((line, index) => {
    const word = line.trim()
    if (word === '' || word.startsWith('#')) return []
    try {
      return [parseAccountRef(word.startsWith('{') ? didOf(word) : (word.split('\t')[0] as string).trim())]
    } catch (cause) {
      throw usage(`${path === '-' ? 'standard input' : path}, line ${index + 1}: ${(cause as Error).message}`)
    }
  })
  if (refs.length === 0)
    throw usage(
      `${path === '-' ? 'standard input' : path} names no account`,
      'one handle, DID or email a line',
    )
  return refs
}

function didOf(object: string): string {
  const { did } = JSON.parse(object)
  if (typeof did !== 'string') throw usage('the JSON object has no “did”')
  return did
}

export interface StatusChange {
  readonly verb: string
  readonly to: 'takendown' | 'active'
  /** Statuses that the change leaves as they are. */
  readonly already: (status: AccountStatus) => boolean
  /** The command that undoes it. */
  readonly way?: string
}

interface Targets {
  readonly accounts: readonly AccountRef[]
  readonly from: string | undefined
  readonly reason: string | undefined
}

/** Plans takedown or restore: one item an account, found and proven to exist, without steps where nothing is to do. */
export async function planStatus(
  targets: Targets,
  views: Views,
  change: StatusChange,
): Promise<Plan<RowOf<typeof statusColumns>>> {
  const refs = [
    ...targets.accounts,
    ...(targets.from === undefined ? [] : await readTargets(targets.from, views)),
  ]
  if (refs.length === 0)
    throw usage('no account was named', 'give <account>…, or --from FILE (- for standard input)')
  const { accounts: found, missing } = await findAccounts(views.pds, refs, finding(views))
  const refused = missing.map((it) => ({ ref: it.ref, failure: notFound(it) }))
  if (refs.length === 1 && refused[0]) throw refused[0].failure
  const items = found.map((it) => statusItem(it, targets.reason, change))
  const changing = items.filter(({ steps }) => steps.length > 0).length || items.length
  return {
    title:
      items.length === 1
        ? `${change.verb} ${named(found[0] as Account)}`
        : `${change.verb} ${changing} accounts`,
    confirm: items.length === 1 ? (found[0] as Account).handle : String(items.length),
    reason: targets.reason,
    items,
    afterwards:
      items.length > 1 && change.way !== undefined
        ? [
            `to undo it: ${change.way} ${targets.from === undefined || targets.from === '-' ? 'with the same accounts' : `--from ${targets.from}`}`,
          ]
        : [],
    refused: refused.map(({ ref, failure }) => ({
      subject: ref.text,
      code: failure.code,
      message: failure.message,
    })),
  }
}

function statusItem(
  found: Account,
  reason: string | undefined,
  { verb, to, already }: StatusChange,
): Item<RowOf<typeof statusColumns>> {
  const { did, handle } = found
  const done = already(found.status)
  const takedown = {
    applied: to === 'takendown',
    ...(to === 'takendown' && reason !== undefined && { ref: reason }),
  }
  const step = xrpc(
    `${verb} ${handle}`,
    'com.atproto.admin.updateSubjectStatus',
    { subject: { $type: 'com.atproto.admin.defs#repoRef', did }, takedown },
    {
      repeatable: 'yes',
      proof: {
        kind: 'status',
        did,
        status: to,
        ...(to === 'active' && { or: ['deactivated', 'suspended'] }),
      },
    },
  )
  return {
    subject: named(found),
    did,
    steps: done ? [] : [step],
    rows: [{ handle, did, status: done ? found.status : later('now.status') }],
  }
}
