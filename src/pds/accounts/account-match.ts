import { usage } from '../../base/failure.ts'
import type { Account } from './accounts.ts'

/** Whether an account is one of those that were asked for. */
export type AccountMatch = (account: Pick<Account, 'handle' | 'email' | 'did'>) => boolean

/** Handle and address, which people choose; a DID is random letters, and is looked at only where it is asked for. */
const matching =
  (fits: (value: string) => boolean, of: 'names' | 'DIDs'): AccountMatch =>
  ({ handle, email, did }) =>
    of === 'DIDs' ? fits(did) : fits(handle) || (email !== null && fits(email))

const placeOf = (text: string): 'names' | 'DIDs' => (/^\^?did:/i.test(text) ? 'DIDs' : 'names')

/**
 * A text that a handle or address holds. `*` and `?` stand for anything, and then the whole of it must match; `[0-9]` and
 * `[!a-z]` stand for one character of a class. Failure: `usage` for what can only be a regular expression.
 */
export function globMatch(text: string): AccountMatch {
  if (text === '') throw usage('it is empty', 'give a part of a handle or address')
  // No handle and no address has a space: such a text finds nothing, whatever else is in it.
  if (/\s/.test(text)) return matching((value) => value.includes(text), placeOf(text))
  if (regexSigns.test(text))
    throw usage(
      `“${text}” is a regular expression, which is not understood here`,
      'give it with --regex; here, * and ? stand for anything and [0-9] for one of a class',
    )
  const source = globSource(text.toLowerCase())
  const whole = /[*?]/.test(text.replace(classes, ''))
  const pattern = compiled(whole ? `^(?:${source})$` : source, text)
  return matching((value) => pattern.test(value), placeOf(text))
}

/** Anchors, escaped classes, alternatives, counts and sets in braces: nothing that is found in a handle or address. */
const regexSigns = /^\^|\$$|\\[dwsb.+*-]|\w\||\|\w|[\].]\+|\{\d+(,\d*)?\}|\{[^{}]*,[^{}]*\}/i

/** A regular expression that is found anywhere in a handle or address, in any case. */
export function regexMatch(text: string): AccountMatch {
  if (text === '') throw usage('it is empty', 'give a regular expression')
  const pattern = compiled(text, text)
  return matching((value) => pattern.test(value), placeOf(text))
}

const classes = /\[[!^]?\]?[^\]]*\]/g

function globSource(text: string): string {
  const parts = text.split(/(\[[!^]?\]?[^\]]*\]|[*?])/)
  return parts
    .map((part) => {
      if (part === '*') return '.*'
      if (part === '?') return '.'
      if (part.startsWith('[') && part.endsWith(']')) return classSource(part)
      if (part.includes('['))
        throw usage(`“${text}”: a class that begins with [ is never closed`, 'write it as [0-9]')
      return part.replace(/[.+^${}()|[\]\\]/g, '\\$&')
    })
    .join('')
}

function classSource(part: string): string {
  const not = part[1] === '!' || part[1] === '^'
  const inner = part.slice(not ? 2 : 1, -1)
  if (inner === '') throw usage(`the class ${part} is empty`, 'write it as [0-9]')
  if (/^\[?:[a-z]+:?$/.test(inner))
    throw usage(`the class ${part} is not known`, 'write it as [0-9] or [a-z]')
  return `[${not ? '^' : ''}${inner.replace(/[\]\\^[]/g, '\\$&')}]`
}

function compiled(source: string, text: string): RegExp {
  try {
    return new RegExp(source, 'i')
  } catch (cause) {
    const why = (cause as Error).message.replace(/^Invalid regular expression: \/.*\/i: /s, '')
    throw usage(`“${text}” is not a pattern: ${why}`)
  }
}
