import { readRoll } from '../host/roll.ts'
import type { Foresight } from '../pds/accounts.ts'
import type { FindOptions } from '../pds/find-account.ts'
import type { Views } from '../runner/command.ts'

/** How a command looks for accounts: it ends with the run, and a person sees that the list of all is being read. */
export const finding = ({
  host,
  signal,
  progress,
}: Pick<Views, 'host' | 'signal' | 'progress'>): FindOptions => ({
  signal,
  foreseen: foreseenBy({ host }),
  searching: (seen) => progress(`looking through all accounts: ${seen.toLocaleString('en-US')}`),
})

/** The cursors of all accounts by the host's own database, where it tells them. */
export const foreseenBy =
  ({ host }: Pick<Views, 'host'>): Foresight =>
  async () =>
    (await readRoll(host))?.cursors ?? []
