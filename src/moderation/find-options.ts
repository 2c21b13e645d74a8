import { attempt } from '../base/attempt.ts'
import { Failure } from '../base/failure.ts'
import type { HostView } from '../host/access/host.ts'
import { readAccountIndex, readDidsByEmail } from '../host/account-index.ts'
import type { CursorSource } from '../pds/accounts/accounts.ts'
import type { FindOptions } from '../pds/accounts/find-account.ts'

/** What a search needs to know of the invocation. */
interface Searching {
  readonly host: HostView
  readonly signal: AbortSignal
  readonly progress: (text: string) => void
}

/** How a command looks for accounts: it ends with the run, and a person sees that the list of all is being read. */
export const finding = ({ host, signal, progress }: Searching): FindOptions => ({
  signal,
  foreseen: cursorsOf({ host }),
  // A host that cannot be asked beside all else leaves the list of all to be read.
  byEmail: async (emails) => {
    const dids = await attempt(() => readDidsByEmail(host, emails))
    return dids instanceof Failure ? [] : dids
  },
  searching: (seen) => progress(`looking through all accounts: ${seen.toLocaleString('en-US')}`),
})

/** The cursors of all accounts by the host's own database, where it tells them. */
export const cursorsOf =
  ({ host }: Pick<Searching, 'host'>): CursorSource =>
  async () =>
    (await readAccountIndex(host))?.cursors ?? []
