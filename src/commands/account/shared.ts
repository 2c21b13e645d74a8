import { statuses } from '../../pds/accounts/accounts.ts'
import type { AccountStatus } from '../../pds/xrpc/client.ts'
import { column, detail } from '../../runner/command/columns.ts'
import { choice, did, handle, moment, optional, type Type, text } from '../../runner/command/types.ts'

/** One of them; only reading shows the rarer ones that a PDS may report. */
export const status: Type<AccountStatus> = choice('status', statuses)

/** The fields of an account that every list of accounts has. */
export const accountColumns = {
  handle: column(handle, 'current handle'),
  did: column(did, 'permanent identifier'),
  email: column(optional(text), 'address, as the account holder gave it', { spare: true }),
  status: column(status, 'active, takendown, deactivated, suspended or deleted'),
  createdAt: column(moment, 'when the account was made, UTC', { spare: true }),
  emailConfirmedAt: detail(optional(moment), 'when the address was confirmed, if it was'),
  invitedBy: detail(optional(text), 'DID of the account whose invite code was used, or admin'),
}
