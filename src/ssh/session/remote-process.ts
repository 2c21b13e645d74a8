import type { Readable, Writable } from 'node:stream'
import { type Failure, failed, unreachable } from '../../base/failure.ts'
import { Secret } from '../../base/secret.ts'
import type { Answer, Attached, RunOptions } from '../session.ts'

/** How a command ended: by itself, by a signal, or nobody knows, because the line to it is gone. */
export type Exit =
  | { readonly kind: 'code'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'lost'; readonly failure: Failure }

/** A command that runs, here or there. */
export interface RemoteProcess {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Resolves once it has ended and all of its output is read. */
  readonly ended: Promise<Exit>
  /** Gives it up: no more is heard of it. */
  stop(): void
  /** Tells it the new size of its terminal. */
  resize(rows: number, columns: number): void
}

/** A POSIX sh command line to be started. */
export interface ProcessSpec {
  readonly line: string
  /** Between the halves of which its output is to stand; absent where it is to come as it is. */
  readonly mark?: string | undefined
  /** What a Failure calls it: a line that may hold a secret is not quoted. */
  readonly what: string
  /** Whether it may last: one that is talked to, or read from, ends when this side is done with it. */
  readonly lasts?: 'yes' | undefined
  /** Whether nobody wants it any more, as when it had to wait for its start. */
  readonly isGivenUp?: (() => boolean) | undefined
  /** The terminal to start it in, if one is asked for. */
  readonly tty?: Attached['tty']
}

/** Starts a command. */
export type Start = (command: ProcessSpec) => Promise<RemoteProcess>

/** All the output a command may have; more is a mistake of ours, not an answer. */
export const outputLimit = 64 * 1024 * 1024

/** Writes the whole standard input, reads the whole output, and tells how it ended. */
export async function collect(
  running: RemoteProcess,
  stdin: RunOptions['stdin'],
  what: string,
  limit: number = outputLimit,
): Promise<Answer> {
  const overflow = Promise.withResolvers<never>()
  let size = 0
  const listen = (stream: Readable) => {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= limit) chunks.push(chunk)
      else overflow.reject(tooMuch(what, limit))
    })
    return chunks
  }
  const stdout = listen(running.stdout)
  const stderr = listen(running.stderr)
  feed(running.stdin, stdin)
  try {
    const ending = await Promise.race([running.ended, overflow.promise])
    // Decoded once and whole: a character may be split between two chunks.
    return toAnswer(
      ending,
      Buffer.concat(stdout).toString('utf8'),
      Buffer.concat(stderr).toString('utf8'),
      what,
    )
  } catch (error) {
    running.stop()
    throw error
  }
}

/** The answer of a command that ended by itself; any other ending is a Failure. */
export function toAnswer(ending: Exit, stdout: string, stderr: string, what: string): Answer {
  switch (ending.kind) {
    case 'code':
      return { code: ending.code, stdout, stderr }
    case 'signal':
      throw unreachable('killed', `ended by ${ending.signal}: ${what}${quoted(stderr)}`)
    case 'lost':
      throw ending.failure
  }
}

/** The end of what a command said on standard error, for a message. */
export const quoted = (stderr: string): string => {
  const text = stderr.trim()
  return text === '' ? '' : `: ${text.slice(-500)}`
}

/** A command line in one short line, for a message or `--verbose`. */
export function brief(line: string, length = 200): string {
  const flat = line.trim().replaceAll(/\s*\n\s*/g, ' ⏎ ')
  return flat.length > length ? `${flat.slice(0, length)}…` : flat
}

function feed(stream: Writable, stdin: RunOptions['stdin']): void {
  // A command need not read what it is given.
  stream.on('error', () => {})
  if (stdin === undefined) stream.end()
  else stream.end(stdin instanceof Secret ? stdin.reveal() : stdin)
}

const tooMuch = (what: string, limit: number) =>
  failed('output-limit', `it printed more than ${limit / 1024 / 1024} MB, and was given up: ${what}`)
