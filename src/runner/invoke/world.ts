import type { Config, HostConfig } from '../../config/host-config.ts'
import type { Host, HostView } from '../../host/access/host.ts'
import type { Changes, Pending } from '../../host/change/change.ts'
import type { Trail } from '../../host/trail/append.ts'
import type { Pds } from '../../pds/xrpc/client.ts'
import type { RunProgram } from '../../plan/steps/local-program.ts'
import type { Attached, Note } from '../../ssh/session.ts'
import type { Store, StoreOptions } from '../../store/store.ts'
import type { Terminal } from '../terminal/terminal.ts'

/** What an opened connection reports to and obeys. */
export interface Opening {
  readonly note: Note
  /** Ctrl-C or `--timeout`: nothing is waited for after it. */
  readonly signal: AbortSignal
  readonly terminal: Terminal
  /** What is waited for, in the status line. */
  readonly waitFor: (text: string) => void
  /** What a person should know during a wait, and how many seconds of it are left. */
  readonly waiting: (text: string, left?: number) => void
}

/** Everything outside the process that a run touches, handed in; `cli.ts` wires the real one. */
export interface World {
  readonly env: NodeJS.ProcessEnv
  readonly version: string
  /** What it was built from; undefined where that is not known. */
  readonly commit?: string | undefined
  /** The signal ends what waits for a person or for standard input. */
  readonly terminal: (wishes: {
    noInput: boolean
    color: boolean
    quiet: boolean
    pager?: boolean
    signal: AbortSignal
  }) => Terminal
  readonly clock: () => Date
  /** A new id for a run that changes something. */
  readonly newOperationId: () => string
  /** Local user and machine, for the trail. */
  readonly operator: () => { user: string; machine: string }
  readonly loadConfig: (file: string | undefined) => Promise<Config>
  /** The host to operate, of the config, `--host`, and what is on this machine. */
  readonly chooseHost: (config: Config, wanted: string | undefined) => Promise<HostConfig>
  /** Connects on first need. */
  readonly openHost: (config: HostConfig, opening: Opening) => Host
  /** Connects on first need, through the host's tunnel. */
  readonly openPds: (host: Host, opening: Opening) => Promise<Pds>
  /** What takes the lock of the host. */
  readonly openChanges: (host: Host) => Promise<Changes>
  /** The change that stands on the host, or its lock. */
  readonly readPending: (host: HostView) => Promise<Pending | undefined>
  readonly openTrail: (host: Host) => Promise<Trail>
  /** A store of the admin password, by its name; a `usage` Failure for a name that is none. */
  readonly openStore: (name: string, options: StoreOptions) => Promise<Store>
  readonly readFile: (path: string) => Promise<string>
  /** When a regular file was last written; undefined for anything else. */
  readonly modifiedAt: (path: string) => Promise<Date | undefined>
  readonly runProgram: RunProgram
  /** How this very program is started again: Node and the path of the program, absolute. */
  readonly self: readonly string[]
  readonly fetchPublic: (url: string, signal: AbortSignal) => Promise<{ status: number; text: string }>
  /** This process's own streams, for a program of the host; `tty` when stdin and stdout are a terminal. */
  readonly streams: () => Omit<Attached, 'first' | 'signal'>
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly stop: AbortSignal
  /** What is said when the second one ends the process at once. */
  readonly lastWords: (say: () => string) => void
  /** Resolves after these milliseconds; rejects once the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}
