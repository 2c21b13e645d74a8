import { failed } from '../../base/failure.ts'
import type { Output, OutputStream } from './terminal.ts'

/** What decides about colour: the environment, and `--no-color`. */
export interface ColorRules {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly color: boolean
}

/** Whether a stream takes colour: FORCE_COLOR and NO_COLOR (no-color.org: set and not empty) come before what it is. */
function takesColor(tty: boolean, { env, color }: ColorRules): boolean {
  if (!color || env.NO_COLOR) return false
  const force = env.FORCE_COLOR
  if (force) return force !== '0' && force !== 'false'
  return tty && env.TERM !== 'dumb'
}

/** What a stream says once its reader has gone. */
const gone: ReadonlySet<string | undefined> = new Set([
  'EPIPE',
  'ERR_STREAM_DESTROYED',
  'ECONNRESET',
  'ERR_STREAM_WRITE_AFTER_END',
])

/**
 * An output stream that survives its reader: `before` runs ahead of every write that has something to say.
 * A result that cannot be written is a Failure; notes are lost without one.
 */
export function openOutput(
  stream: OutputStream,
  rules: ColorRules,
  holds: 'result' | 'notes',
  before: () => unknown = () => {},
): Output {
  const tty = stream.isTTY === true
  let open = true
  // An error is answered where it was caused, by write(); without a listener it would end the process.
  stream.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (gone.has(code)) open = false
  })
  return {
    tty,
    color: takesColor(tty, rules),
    get columns() {
      return tty ? stream.columns || 80 : Number.POSITIVE_INFINITY
    },
    write(text) {
      if (!open || text === '') return Promise.resolve(open)
      before()
      return new Promise((resolve, reject) => {
        stream.write(text, (error?: NodeJS.ErrnoException | null) => {
          if (!error) return resolve(true)
          open = false
          if (holds === 'notes' || gone.has(error.code)) return resolve(false)
          reject(failed('output', `cannot write to standard output: ${error.message}`, undefined, error))
        })
      })
    },
  }
}
