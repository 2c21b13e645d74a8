import { type Failure, failed } from '../../base/failure.ts'
import { finding } from '../../moderation/find-options.ts'
import { type Account, named } from '../../pds/accounts/accounts.ts'
import { findQuickly } from '../../pds/accounts/find-account.ts'
import { isUsable, toInvite } from '../../pds/invites.ts'
import { XrpcFailure } from '../../pds/xrpc/failures.ts'
import type { Views } from '../../runner/command/views.ts'

interface Wanted {
  readonly handle: string
  readonly email: string
}

/** Throws the Failure that making the account would end with, as far as it can be known before anything is made. */
export async function assertFree({ handle, email }: Wanted, views: Views): Promise<void> {
  const { pds } = views
  const options = finding(views)
  const address = email.toLowerCase()
  const [byHandle, byEmail, refusal] = await Promise.all([
    findQuickly(pds, { kind: 'handle', handle, text: handle }, options),
    findQuickly(pds, { kind: 'email', email: address, text: email }, options),
    usableCode(views).then((inviteCode) => pds.refusesAccount({ handle, email, inviteCode })),
  ])
  if (byHandle) throw taken('handle', handle, byHandle)
  if (byEmail) throw taken('email', email, byEmail)
  if (refusal) throw withHint(refusal, handle)
}

const taken = (what: 'handle' | 'email', value: string, by: Account): Failure =>
  failed(
    `${what}-taken`,
    what === 'email'
      ? `${value} is the address of ${named(by)}`
      : `${value} is taken: by ${named(by)}, ${by.status}`,
  )

/** A code that is good, so that the PDS goes on to look whether handle and address are taken; it is not used up. */
async function usableCode({ pds, signal }: Views): Promise<string | undefined> {
  const { codes } = await pds.query(
    'com.atproto.admin.getInviteCodes',
    { sort: 'recent', limit: 500 },
    { signal },
  )
  return codes.map(toInvite).find(isUsable)?.code
}

function withHint(refusal: Failure, handle: string): Failure {
  const reserved = refusal instanceof XrpcFailure && refusal.error === 'HandleNotAvailable'
  if (!reserved) return refusal
  return failed(
    refusal.code,
    `${handle} is reserved: the PDS gives it to nobody who signs up`,
    `make the account by another name, then: kimbia-ops account update ACCOUNT --handle ${handle}`,
    refusal,
  )
}
