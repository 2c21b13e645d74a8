import type { Secret } from '../../base/secret.ts'
import type { AccountStatus, Params, Queries } from '../../pds/xrpc/client.ts'
import type { Deferred, Later } from './placeholders.ts'

/** What reading back must show before a step counts as done. `status` proofs of many items are read together. */
export type Proof =
  | {
      readonly kind: 'status'
      readonly did: string | Later
      readonly status: AccountStatus
      /** Other statuses that prove it as well: an account that its holder deactivated is restored to that. */
      readonly or?: readonly AccountStatus[]
    }
  | {
      readonly kind: 'query'
      readonly nsid: keyof Queries
      readonly params: Deferred<Params>
      readonly expect: unknown
      /** The name under which later() finds what met `expect`, the elements of its arrays in that order. */
      readonly keep?: string | undefined
    }
  | { readonly kind: 'invites disabled'; readonly codes: readonly (string | Later)[] }
  | { readonly kind: 'login'; readonly identifier: string | Later; readonly password: Secret }
  | {
      readonly kind: 'admin password'
      readonly accepted: Secret | 'of pds.env'
      readonly refused?: Secret | 'of the former pds.env' | undefined
    }
