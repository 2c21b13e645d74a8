import type { Duplex } from 'node:stream'
import type { Secret } from '../../base/secret.ts'
import type { HostConfig } from '../../config/host-config.ts'
import type { Answer, Attached, Conversation, LinesOptions, RunOptions } from '../../ssh/session.ts'
import type { Shell } from '../../ssh/shell.ts'
import type { PdsEnv } from './settings.ts'
import type { Elevation } from './sudo.ts'

/** What pds.env says of the PDS, and how it was reached. */
export interface Settings extends PdsEnv {
  /** How the host's root is reached: directly (we are root or may write there), by sudo, by sudo with a password. */
  readonly elevation: Elevation['kind']
}

/** The reading half of a host: lines run with the rights that pds.env needs (root, mostly). */
export interface HostView {
  /** The host's entry in the config; a `usage` Failure when none is chosen. */
  config(): Promise<HostConfig>
  /** `user@host:port` or `local`. */
  where(): Promise<string>
  /** By how many milliseconds the clock of the host is ahead of this machine's. */
  clockOffset(): Promise<number>
  /** The text of pds.env, whatever it says. One remote script, once per invocation, for this and for `settings`. */
  pdsEnv(): Promise<Secret>
  /** What every command that talks with the PDS needs of it; a Failure where that is not in it. */
  settings(): Promise<Settings>
  ask(shell: Shell<'ask'>, options?: RunOptions): Promise<Answer>
  /** The lines of its output as they come, for as long as they are taken; see `SessionView`. */
  lines(shell: Shell<'ask'>, options?: Pick<LinesOptions, 'signal'>): AsyncIterable<string>
  tunnel(port: number): Promise<Duplex>
}

/** A host with its changing half: what the runner alone holds. */
export interface Host extends HostView {
  act(shell: Shell<'act'>, options?: RunOptions): Promise<Answer>
  converse(shell: Shell): Promise<Conversation>
  /**
   * Starts shells ahead for so many conversations, and resolves, once somebody has got in: not before, since a host
   * with one session at a time needs it to find the way to root. It connects to nothing by itself.
   */
  prepare(conversations: number): Promise<void>
  attach(shell: Shell, attached: Attached): Promise<number>
  dispose(): Promise<void>
}
