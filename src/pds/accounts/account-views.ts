import { type Failure, failed } from '../../base/failure.ts'
import type { AccountView, PdsView } from '../xrpc/client.ts'
import { XrpcFailure } from '../xrpc/failures.ts'

/**
 * getAccountInfos is a GET: this many DIDs (15 kB) stay below the 16 kB that a Node server takes. All of 100,000
 * accounts are 390 requests so, of the 3,000 that a PDS allows in five minutes.
 */
export const BATCH = 350

/** Accounts that the PDS fails at, by DID, such as one with a handle that its own lexicon refuses. */
export type Unreadable = Map<string, Failure>

/** So many of them are borne; where there are more, it is the PDS that is broken. */
const most = 20

/**
 * The accountViews of at most BATCH accounts (com.atproto.admin.getAccountInfos), without those the PDS does not have.
 * One that the PDS fails at costs the whole batch: where such are borne, it is halved until that one stands alone.
 */
export async function readBatch(
  pds: PdsView,
  dids: readonly string[],
  signal: AbortSignal | undefined,
  unreadable: Unreadable | undefined,
): Promise<AccountView[]> {
  try {
    return (await pds.query('com.atproto.admin.getAccountInfos', { dids: [...dids] }, { signal })).infos
  } catch (cause) {
    const borne = cause instanceof XrpcFailure && cause.status === 500 && unreadable && unreadable.size < most
    if (!borne) throw cause
    const [first, ...others] = dids
    if (first !== undefined && others.length === 0) {
      unreadable.set(first, cause)
      return []
    }
    const middle = Math.ceil(dids.length / 2)
    const before = await readBatch(pds, dids.slice(0, middle), signal, unreadable)
    return [...before, ...(await readBatch(pds, dids.slice(middle), signal, unreadable))]
  }
}

/** What mends an account whose handle is none. */
export const anotherHandle = (did: string): string =>
  `mostly its handle is none; to give it another: kimbia-ops xrpc post com.atproto.admin.updateAccountHandle --body '{"did":"${did}","handle":"HANDLE"}'`

/** The failure that names an account which the PDS fails at. */
export const notReadable = (did: string, { message }: Failure): Failure =>
  failed('account-unreadable', `${did}: ${message}`, anotherHandle(did))
