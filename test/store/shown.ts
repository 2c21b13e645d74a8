import type { Kept } from '../../src/store/store.ts'

/** Both passwords of a store, open. */
export const shown = ({ current, pending }: Kept) => [current?.reveal(), pending?.reveal()]
