import { type Failure, failed } from '../../base/failure.ts'
import { type AccountRef, nameOf } from './account-ref.ts'
import type { Account } from './accounts.ts'

/** An account that is not on the PDS `on` (its public hostname). */
export interface Missing {
  readonly ref: AccountRef
  readonly on: string
  /** The DID that the handle belongs to, on another PDS. */
  readonly elsewhere?: string
  /** It is here, and the PDS fails at it. */
  readonly unreadable?: Failure
}

/** The failure that says what was looked for, where, and how to go on. */
export function notFound({ ref, on, elsewhere, unreadable }: Missing): Failure {
  if (unreadable) return unreadable
  const name = nameOf(ref)
  const pattern =
    ref.kind === 'did' ? name.slice(0, 'did:plc:abcdef'.length) : (/[\w-]+/.exec(name)?.[0] ?? name)
  const list = `kimbia-ops account list --match ${pattern}`
  const hint =
    ref.kind === 'did'
      ? list
      : `${list}; an account without a repo, as when it moves in, is found by its DID only`
  const message =
    elsewhere === undefined
      ? `no account ${name} on the PDS ${on}`
      : `${name} is ${elsewhere}, an account of another PDS than ${on}`
  return failed('account-not-found', message, elsewhere === undefined ? hint : undefined)
}

/** The failure of a bare name that several accounts have. */
export const ambiguous = (ref: AccountRef, accounts: readonly Account[]): Failure =>
  failed(
    'account-ambiguous',
    `${nameOf(ref)} may be any of ${accounts.map(({ handle }) => handle).join(', ')}`,
    'give the whole handle, or the DID',
  )
