import type { Secret } from '../../base/secret.ts'
import type { Pds } from '../../pds/xrpc/client.ts'
import type { Store } from '../../store/store.ts'
import type { RunProgram } from './local-program.ts'

/** What steps about the admin password reach beside the PDS: its store, and pds.env as it is at that moment. */
export interface PasswordSources {
  /** The store of that label. */
  store(label: string): Promise<Store>
  /**
   * A Failure unless the config, or the operator, names the store: a host must not choose what is run or written on this
   * machine.
   */
  assertConfiguredStore(label: string): Promise<void>
  currentPassword(): Promise<Secret>
  /** The one of the pds.env that the change under way has replaced. */
  formerPassword(): Promise<Secret>
}

/** What the steps of one item work with: the PDS, and what it has answered so far. */
export interface StepTools {
  readonly pds: Pds
  readonly kept: Map<string, unknown>
  /** For steps about the admin password. */
  readonly vault?: PasswordSources | undefined
  /** For programs of this machine. */
  readonly runProgram?: RunProgram | undefined
  /** How many steps of the item were carried out elsewhere before these. */
  readonly before?: number
  /** Told of each step before it is begun and once it is done, by its index among these; a Failure of it ends all. */
  readonly mark?: (event: 'begin' | 'done', index: number) => Promise<void>
  /** Status proofs are read at once; otherwise the last one is handed back, to be read with those of other items. */
  readonly prompt?: 'yes'
}
