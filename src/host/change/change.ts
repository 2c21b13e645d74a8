import type { HostStep } from './step.ts'

/** Who changes the host, and why: what the lock says to others. */
export interface Holder {
  /** Local user and machine, and the user on the host. */
  readonly operator: { readonly user: string; readonly machine: string; readonly ssh: string }
  readonly command: string
  readonly reason?: string | undefined
  /** ISO 8601 UTC. */
  readonly time: string
}

/** A step of a change as it is written down on the host, beside the lock, before the first one. Never holds a secret. */
export interface WrittenStep {
  readonly kind: string
  readonly why: string
  /** One line that says exactly what it does. */
  readonly does: string
  /** Where it is carried out: by the host itself, or by the operator's machine. */
  readonly by: 'host' | 'operator'
  /** It interrupts the PDS, and no step of the change brings that back. */
  readonly back?: 'none'
}

/** The plan of a change to the host, as it is written down there: what `recover` reads. */
export interface ChangePlan extends Holder {
  /** Ties it to its intent in the trail. */
  readonly id: string
  readonly title: string
  readonly subject: string
  /** Version of kimbia-ops. */
  readonly version: string
  readonly steps: readonly WrittenStep[]
  /** The steps of the operator's machine that follow those of the host, as plain JSON for the runner to take up again. */
  readonly after: readonly unknown[]
  /** What undoes the steps of the operator's machine that came before those of the host. */
  readonly before: readonly unknown[]
}

/** What happens while the host carries out a change; `index` counts all steps of the plan from 0. */
export type ChangeEvent =
  | { readonly kind: 'begin' | 'done' | 'undo' | 'undone'; readonly index: number }
  | { readonly kind: 'failed' | 'undo failed'; readonly index: number; readonly why: Fault }
  /** The newest line of output of the step that is under way. */
  | { readonly kind: 'said'; readonly index: number; readonly text: string }

/** Why a step of the host failed. */
export interface Fault {
  /**
   * `exit-code`, `deadline`, `stopped`; of a write `changed-meanwhile`, `not-written`; of a wait `not-healthy`,
   * `restarted`, `replaced`, `wrong-version`, `other-project`, `other-data`, `other-server`, `accounts-gone`.
   */
  readonly code: string
  /** In a sentence, with the end of what the step printed. */
  readonly message: string
}

/** How the host's part of a change ended. */
export type ChangeEnd =
  /** `facts` are what the steps found out, by name: `version`, `outageMs`, `image`. */
  | { readonly kind: 'done'; readonly facts: Readonly<Record<string, string | number>> }
  /** All that was done is undone; `lost` is what could not be kept on the way back, in a sentence (the fact of that name). */
  | { readonly kind: 'undone'; readonly index: number; readonly why: Fault; readonly lost?: string }
  /** Something could not be undone. */
  | {
      readonly kind: 'stuck'
      readonly lost?: string
      readonly index: number
      readonly why: Fault
      readonly notUndone: readonly { readonly index: number; readonly why: Fault }[]
    }

/** A change that holds the lock of the host. */
export interface Change {
  readonly plan: ChangePlan
  /** What stood there when the lock was taken: of `begin` an ended change that it put away, of `adopt` what it took over. */
  readonly before?: Pending | undefined
  /** Has the host carry out its steps from the first one that is not done; resolves when they have ended. */
  run(on: (event: ChangeEvent) => void, stop: AbortSignal): Promise<ChangeEnd>
  /** Has the host undo all of its steps that were begun, last first. */
  undo(on: (event: ChangeEvent) => void): Promise<ChangeEnd>
  /** Writes down that a step of the operator's machine was begun or is done. */
  mark(event: 'begin' | 'done', index: number): Promise<void>
  /** The change is over: removes it and its lock; its last state is kept as `last`. */
  close(): Promise<void>
  /** Hangs up without closing: the host goes on, and the next one finds the change as it stands. */
  leave(): Promise<void>
}

/** What takes the lock of a host. */
export interface Changes {
  /**
   * Takes the lock and writes the plan down, in one round trip. A Failure with outcome `busy`: `locked` when
   * somebody holds it, `cut-off` when a change stands there unfinished that nobody works on any more. An ended change
   * that stands there is not put away before this one is `noted`: whoever puts it away tells its outcome.
   */
  begin(plan: ChangePlan, steps: readonly HostStep[], noted?: Promise<void>): Promise<Change>
  /**
   * Takes over what is there; `busy` while somebody works on it. `id` names what was seen, so that nothing newer is
   * taken. One whose program is not verified is taken over only where that was agreed to.
   */
  adopt(id: string, holder: Holder, unverified?: 'allowed'): Promise<Change>
  /** Removes a lock that has no plan beside it, or whose holder says nothing more; `holder` is `user@machine`, as shown. */
  breakLock(holder: string): Promise<void>
}

/** How far a change has come, seen from outside. */
export interface Pending {
  /** `working`: the host carries it out. `held`: its operator is connected. `over`, `cut off`: nobody is there any more. */
  readonly state: 'working' | 'held' | 'cut off' | 'over'
  readonly holder: Holder
  /** Absent where only a lock was left. */
  readonly plan: ChangePlan | undefined
  /** The change lies where the container of the PDS may write, so that nothing vouches for the program that carries it out. */
  readonly program?: 'unverified' | undefined
  /** What was written down so far, in order. */
  readonly events: readonly ChangeEvent[]
  /** How the host's part ended, if it has. */
  readonly end: ChangeEnd | undefined
}
