import { showBytes } from '../../base/bytes.ts'
import { count, type Type } from './types.ts'

/** A size as output: bytes in JSON, `8.2 GB` to a person. */
export const bytes: Type<number> = { ...count, name: 'bytes', show: showBytes }

/** A size that scripts read from a pipe as bytes. */
export const room: Type<number> = { ...bytes, piped: 'json' }

/** How long something took, as output: milliseconds in JSON, `6.7 s` to a person. */
export const took: Type<number> = {
  ...count,
  show: (ms) => `${(ms / 1000).toFixed(1)} s`,
  piped: 'json',
}

/** How much of a whole, as output. */
export const percent: Type<number> = { ...count, show: (value) => `${value} %`, piped: 'json' }
