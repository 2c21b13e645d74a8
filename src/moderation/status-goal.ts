import type { AccountStatus } from '../pds/xrpc/client.ts'

/** A status to bring accounts to. */
export interface StatusGoal {
  readonly verb: string
  readonly done: string
  readonly to: 'takendown' | 'active'
}

/** The two statuses that an operator brings accounts to. */
export const takeDown: StatusGoal = { verb: 'take down', done: 'taken down', to: 'takendown' }

export const restore: StatusGoal = { verb: 'restore', done: 'restored', to: 'active' }

/** Whether an account has the status already, or one that the change leaves as it is. */
export const isAlready = (status: AccountStatus, { to }: StatusGoal): boolean =>
  (status === 'takendown') === (to === 'takendown')
