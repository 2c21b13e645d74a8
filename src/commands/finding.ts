import type { FindOptions } from '../pds/accounts/find-account.ts'
import type { Views } from '../runner/command/command.ts'

/** How a command looks for accounts: it ends with the run, and a person sees that the list of all is being read. */
export const finding = ({ signal, progress }: Pick<Views, 'signal' | 'progress'>): FindOptions => ({
  signal,
  searching: (seen) => progress(`looking through all accounts: ${seen.toLocaleString('en-US')}`),
})
