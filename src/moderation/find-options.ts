import type { HostView } from '../host/access/host.ts'
import { readRoll } from '../host/roll.ts'
import type { Foresight } from '../pds/accounts/accounts.ts'
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
  foreseen: foreseenBy({ host }),
  searching: (seen) => progress(`looking through all accounts: ${seen.toLocaleString('en-US')}`),
})

/** The cursors of all accounts by the host's own database, where it tells them. */
export const foreseenBy =
  ({ host }: Pick<Searching, 'host'>): Foresight =>
  async () =>
    (await readRoll(host))?.cursors ?? []
