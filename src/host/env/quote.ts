import { usage } from '../../base/failure.ts'

/** How a value may be written that not every reader of pds.env takes as it is: not at all, or in single quotes. */
export type Quoting = 'none' | 'single'

const plain = /[^A-Za-z0-9._~:/?=,@%+-]/u
/** bash puts a home directory in place of a tilde at the beginning and behind a colon. */
const tilde = /(^|:)~/

/** The character for which the readers of pds.env disagree on a value; undefined when all read it alike. */
export function oddCharacter(value: string): string | undefined {
  return plain.exec(value)?.[0] ?? (tilde.test(value) ? '~' : undefined)
}

/** A value as it is written into pds.env, so that compose, bash and goat read the same; else a `usage` Failure. */
export function spellValue(key: string, value: string, quoting: Quoting): string {
  const odd = oddCharacter(value)
  if (odd === undefined) return value
  const name = nameOf(odd)
  switch (quoting) {
    case 'none':
      throw usage(
        `${key}: ${name} in the value is read differently by compose, bash and goat`,
        adviceFor(key, odd),
        'env-value',
      )
    case 'single': {
      const never = /['\x00-\x1f\x7f]/.exec(value)?.[0] ?? (value.endsWith('\\') ? '\\' : undefined)
      if (never === undefined) return `'${value}'`
      throw usage(
        `${key}: ${nameOf(never)}${never === '\\' ? ' at the end' : ''} cannot stand in a value, not even in quotes`,
        adviceFor(key, never, 'choose another value'),
        'env-value',
      )
    }
  }
}

const quoteIt = 'with --quote it is put in single quotes, which compose and bash read alike; goat keeps them'

const adviceFor = (key: string, odd: string, otherwise = quoteIt): string =>
  /_URL$|_ENDPOINT$/.test(key)
    ? `write it percent-encoded: ${Array.from(new TextEncoder().encode(odd), percent).join('')}`
    : otherwise

const percent = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`

const names: Readonly<Record<string, string>> = { ' ': 'a space', '\n': 'a line end', '\t': 'a tab' }

const nameOf = (odd: string): string =>
  names[odd] ?? (/[\x00-\x1f\x7f]/.test(odd) ? 'a control character' : `“${odd}”`)
