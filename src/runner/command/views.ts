import type { Ended } from '../../base/local-program.ts'
import type { Config, HostConfig } from '../../config/host-config.ts'
import type { HostView } from '../../host/access/host.ts'
import type { Pending } from '../../host/change/change.ts'
import type { PdsView } from '../../pds/xrpc/client.ts'
import type { Store } from '../../store/store.ts'

/** What is read from standard input or a file of this machine, before anything is contacted. */
export interface Reader {
  /** The text of a file, or of standard input for `-`; a `usage` Failure when it cannot be read. */
  text(path: string): Promise<string>
  /** When a file was last written; undefined for standard input, a pipe and the like. */
  modifiedAt(path: string): Promise<Date | undefined>
  /** The first line of standard input, for `--password-stdin`. */
  line(): Promise<string>
}

/** What a command may look at. Nothing in it can change the host or the PDS; each part is opened on first need. */
export interface Views {
  readonly pds: PdsView
  readonly host: HostView
  readonly reader: Reader
  readonly config: () => Promise<Config>
  /** Another host than the chosen one, such as one that `init` is about to save. */
  readonly look: (host: HostConfig) => { readonly pds: PdsView; readonly host: HostView }
  /** Asks the operator for a value, on a terminal; otherwise a `usage` Failure that names `flag`. */
  readonly askFor: (question: string | (() => Promise<string>), flag: string) => Promise<string>
  /** A `GET` from this very machine, past the tunnel: what the public sees. */
  readonly fetchPublic: (url: string) => Promise<{ status: number; text: string }>
  /** The change that stands unfinished on the chosen host, or its lock; undefined where there is none. Read once. */
  readonly pending: () => Promise<Pending | undefined>
  /** The same, read anew at each call. */
  readonly pendingNow: () => Promise<Pending | undefined>
  /** Resolves after these milliseconds; a Failure once the command is stopped. */
  readonly sleep: (ms: number) => Promise<void>
  /** Whether only a plan is wanted, which nothing is waited for. */
  readonly dryRun: 'yes' | 'no'
  /** The reading half of a store of the admin password. */
  readonly store: (name: string) => Promise<Pick<Store, 'name' | 'readable' | 'check' | 'read'>>
  /** Who is at work, on which machine, with which version of kimbia-ops. */
  readonly author: () => { readonly user: string; readonly machine: string; readonly version: string }
  /** How this very program is started again by the same user: its words and paths, absolute. */
  readonly self: () => {
    readonly words: readonly string[]
    readonly user: string
    readonly home: string
    readonly configHome: string
    readonly path: string
  }
  /** Asks a program of this machine for something, changing nothing. */
  readonly lookUp: (file: string, words: readonly string[]) => Promise<Ended>
  /** Where the result goes: only on a screen does a person see it, and nobody else. */
  readonly result: 'screen' | 'elsewhere'
  readonly clock: () => Date
  /** How many milliseconds a person has taken so far to answer, which are no part of how long a change takes. */
  readonly answering: () => number
  readonly signal: AbortSignal
  /** A note for the person, on standard error. */
  readonly say: (text: string) => void
  readonly progress: (text: string) => void
}
