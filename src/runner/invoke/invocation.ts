import type { Command } from '../command/command.ts'
import type { Run } from '../parse/parse.ts'
import type { Terminal } from '../terminal/terminal.ts'
import type { Connections } from './connections.ts'
import type { World } from './world.ts'

/** One invocation: what was asked for, on which terminal, in which world. */
export interface Invocation {
  readonly run: Run
  readonly world: World
  readonly terminal: Terminal
  readonly commands: readonly Command[]
  readonly opened: Connections
  /** The id of this run, in each line that it writes to the trail. */
  readonly operation: string
  /** Ctrl-C or `--timeout`. */
  readonly signal: AbortSignal
}
