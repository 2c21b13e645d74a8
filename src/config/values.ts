import { dirname, posix } from 'node:path'
import { parseAge } from '../base/duration.ts'
import type { Failure } from '../base/failure.ts'
import { nearest } from '../base/suggest.ts'
import { fullPath } from './host-config.ts'

/** One value of the config file, and how to complain about it. */
export interface Spot {
  /** Its keys from the top, such as `hosts.kimbia.port`. */
  readonly path: string
  /** A text, a number, a boolean, null, or an object for anything larger. */
  readonly value: unknown
  /** A `usage` Failure that names the line. */
  wrong(message: string, hint?: string): Failure
}

/** How a value becomes what the program holds; throws when it is not one. */
export type Read<T> = (spot: Spot) => T

/** A text that is not empty. */
export const string: Read<string> = (spot) => {
  const { value } = spot
  if (typeof value === 'string' && value !== '' && !/[\0-\x1f\x7f]/.test(value)) return value
  if (typeof value === 'string' && value !== '')
    throw spot.wrong(`“${spot.path}” must not hold control characters`)
  if (value === null || value === '') throw spot.wrong(`“${spot.path}” has no value`)
  const is = typeof value === 'object' ? 'is not' : `is a ${typeof value}, not`
  throw spot.wrong(
    `“${spot.path}” ${is} a text`,
    typeof value === 'object' ? undefined : `put quotes around it: "${value}"`,
  )
}

/** A text of a certain form. */
export const matching =
  (pattern: RegExp, what: string): Read<string> =>
  (spot) => {
    const value = string(spot)
    if (pattern.test(value)) return value
    throw spot.wrong(`“${spot.path}” must be ${what}, not “${value}”`)
  }

/** Where to connect to; never something that ssh would take for an option. */
export const destination = matching(/^[^\s-]\S*$/, '[user@]host[:port], an alias of the ssh config, or local')

/** One of a few words. */
export const oneOf =
  <const C extends readonly string[]>(choices: C): Read<C[number]> =>
  (spot) => {
    const value = string(spot)
    if (choices.includes(value)) return value
    const near = nearest(value, choices)
    throw spot.wrong(
      `“${spot.path}” must be ${choices.join(', ')}, not “${value}”`,
      near && `did you mean “${near}”?`,
    )
  }

/** A directory of the host. */
export const directory: Read<string> = (spot) => {
  const value = string(spot)
  if (!value.startsWith('/'))
    throw spot.wrong(`“${spot.path}” must be an absolute path on the host, not “${value}”`)
  return posix.resolve(value)
}

/** A path of this machine, relative to the directory of the config file. */
export const localPath =
  (file: string): Read<string> =>
  (spot) =>
    fullPath(string(spot), dirname(file))

/** A TCP port. */
export const port: Read<number> = (spot) => {
  const { value } = spot
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535) return value
  const quoted = typeof value === 'string' && /^\d+$/.test(value)
  throw spot.wrong(
    `“${spot.path}” must be a number from 1 to 65535`,
    quoted ? 'leave out the quotes' : undefined,
  )
}

/** An age, in milliseconds. */
export const age: Read<number> = (spot) => {
  const { value } = spot
  const ms = typeof value === 'string' ? parseAge(value) : undefined
  if (ms) return ms
  throw spot.wrong(`“${spot.path}” must be an age`, 'write it as 90d, 12w or 24h')
}
