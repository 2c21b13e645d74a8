import { usage } from '../../base/failure.ts'
import { type AccountRef, parseAccountRef } from '../../pds/accounts/account-ref.ts'
import type { Account } from '../../pds/accounts/accounts.ts'
import type { AccountStatus } from '../../pds/xrpc/client.ts'
import { column, detail } from '../../runner/command/command.ts'
import { choice, did, handle, moment, optional, type Type, text } from '../../runner/command/types.ts'

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

/** Handle and DID in a line: how an account is named to people and in the trail. */
export const named = ({ handle, did }: Pick<Account, 'handle' | 'did'>): string => `${handle} (${did})`
