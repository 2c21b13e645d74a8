import { count, type Shown, type Type } from '../../runner/command/types.ts'

const day = 24 * 3_600_000

/** A length of time as output: milliseconds in JSON, days to a person. */
export const days: Type<number> = {
  ...count,
  name: 'time',
  schema: { type: 'integer', description: 'milliseconds' },
  show: (value) => `${Math.floor(value / day)} d`,
}

/** Sentences, as output. */
export const texts: Shown<readonly string[]> = {
  name: 'texts',
  schema: { type: 'array', items: { type: 'string' } },
  show: (value) => (value.length === 0 ? 'none' : value.join('; ')),
  mayBeCut: true,
  json: (value) => value,
}
