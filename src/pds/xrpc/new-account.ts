import type { XrpcFailure } from './failures.ts'

/** A DID that is not proven to be anybody's: the PDS looks at all else first, and then makes no account for it. */
export const foreign = `did:plc:${'a'.repeat(24)}`

/** Whether a refusal is about the account that is wanted, not about the code or the DID it was asked with. */
export const isAgainst = ({ error, status, message }: XrpcFailure): boolean =>
  status === 400 &&
  (['InvalidHandle', 'HandleNotAvailable', 'UnsupportedDomain'].includes(error) ||
    /already taken|email address is not supported/i.test(message))
