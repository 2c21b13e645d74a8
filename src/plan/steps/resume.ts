/** Takes up a change to the host that was cut off: `recover`. */
export interface ResumeStep {
  readonly kind: 'resume'
  readonly why: string
  /** The change as it was seen, so that nothing newer is taken; empty where only a lock was left. */
  readonly id: string
  readonly way: 'finish' | 'undo' | 'close' | 'accept' | 'break lock'
  /** `user@machine` of the lock to break. */
  readonly holder?: string | undefined
  /** What is still to be done or undone, a line each. */
  readonly remaining: readonly string[]
  /** The steps of the operator's machine that were begun, and those that are done, by their index in the change. */
  readonly begun: readonly number[]
  readonly done: readonly number[]
  /** The store of the admin password, as the operator named it. */
  readonly store?: string | undefined
  /** What was seen was not verified; the operator has agreed to take it over all the same. */
  readonly program?: 'unverified' | undefined
  /** Why the change had failed, where it is over and had; for its outcome in the trail. */
  readonly ended?: { readonly code: string; readonly message: string } | undefined
}
