import type { Duplex } from 'node:stream'
import type { Secret } from '../base/secret.ts'
import type { Shell } from './shell.ts'

/** What a finished remote command said. Only `code === 0` is success; a lost line or a signal never gets here. */
export interface Answer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface ConverseOptions {
  /** Milliseconds for its start, each answer and its end, each (default 30,000). No signal: what is said is heard out. */
  readonly deadline?: number
}

export interface RunOptions {
  /** Written to the command's standard input, which is then closed. Absent: closed at once. */
  readonly stdin?: string | Secret | Uint8Array
  /** Milliseconds until the command is given up as unreachable (default 30,000). */
  readonly deadline?: number
  readonly signal?: AbortSignal | undefined
}

export interface LinesOptions {
  /** A first line for its standard input, which then stays open for as long as somebody reads. */
  readonly first?: Secret | undefined
  /** Ends it, as does whoever takes no more lines. */
  readonly signal?: AbortSignal | undefined
}

/** A running remote command that is talked to line by line, such as the writer of the trail. */
export interface Conversation {
  /**
   * Sends one line and waits for the one line that answers it; pipelined calls keep their order.
   * A missed deadline ends the conversation, since nobody could tell any more which line an answer is for.
   */
  say(line: string): Promise<string>
  /** Closes its standard input and waits for its end, as long as for an answer. */
  end(): Promise<Answer>
}

/** A remote command wired to this process's own terminal. */
export interface Attached {
  readonly stdin: NodeJS.ReadableStream
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
  /** Rows and columns when a pseudo-terminal is wanted. */
  readonly tty?: { rows: number; columns: number; term: string } | undefined
  /** A first line for the command's standard input, before `stdin` follows (for `sudo -S`). */
  readonly first?: Secret
  readonly signal?: AbortSignal | undefined
}

/** The reading half of a session: it cannot change the host. */
export interface SessionView {
  /** `user@host:port` of the far end, or `local`. */
  readonly where: string
  ask(shell: Shell<'ask'>, options?: RunOptions): Promise<Answer>
  /**
   * The lines of its standard output as they come, without a deadline, for as long as they are taken.
   * A lost line is a Failure, and so is an exit code other than 0, with the end of its standard error.
   */
  lines(shell: Shell<'ask'>, options?: LinesOptions): AsyncIterable<string>
  /** A byte stream to a port on the host's own loopback (RFC 4254, section 7.2). */
  tunnel(port: number): Promise<Duplex>
}

/**
 * One open connection to a host. No working directory and no environment: every command line is whole.
 * A dropped link, a signal or a missed deadline is a `Failure` with outcome `unreachable`.
 */
export interface Session extends SessionView {
  act(shell: Shell<'act'>, options?: RunOptions): Promise<Answer>
  converse(shell: Shell, options?: ConverseOptions): Promise<Conversation>
  /** Runs with the operator's own streams; resolves to the remote exit code. */
  attach(shell: Shell, attached: Attached): Promise<number>
  dispose(): Promise<void>
}

/** A line for `--verbose`: what was run or called, and how long it took. Never holds a secret. */
export type Note = (text: string, ms?: number) => void
