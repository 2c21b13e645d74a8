import { openSync } from 'node:fs'
import { ReadStream } from 'node:tty'

/** The terminal that this process belongs to, whatever its standard input is; undefined where it has none. */
export function openTty(): ReadStream | undefined {
  try {
    return new ReadStream(openSync('/dev/tty', 'r'))
  } catch {
    return undefined
  }
}
