import type { Secret } from '../base/secret.ts'

/** What a store holds: the password that works, and one that is about to. */
export interface Kept {
  readonly current: Secret | undefined
  readonly pending: Secret | undefined
}

/** Where a copy of a password is kept, on or from the operator's own machine; what goes wrong is a Failure. */
export interface Store {
  /** As the config names it; holds no secret. */
  readonly name: string
  /** Whether what was written can be read back. */
  readonly readable: 'yes' | 'no'
  /** Looks whether it could be used right now (tool there, signed in, folder writable), changing nothing. */
  check(): Promise<void>
  read(): Promise<Kept>
  /** Keeps a password that does not work yet, beside the current one where the store has room for two. Verified by reading back. */
  writePending(next: Secret): Promise<void>
  /** The pending one has become the current one. Verified. Safe to repeat. */
  markCurrent(now: Secret): Promise<void>
  /** The pending one is given up; the current one is as it was (written again where the store has only one place). Safe to repeat. */
  discard(current: Secret): Promise<void>
}

/** What a store must know beside its name. */
export interface StoreOptions {
  /** Where relative paths start: the folder of the config file. */
  readonly base: string
  readonly hostName: string
  /** A line for sh that prints the password, for a store that is only written to. */
  readonly readCommand?: string | undefined
}
