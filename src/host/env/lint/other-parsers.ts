/** What bash makes of the right side of an assignment: a value, or the trouble it runs into. */
export type BashReading = { readonly value: string } | { readonly trouble: string }

type Lookup = (name: string) => string | undefined

const runs = { trouble: 'runs a part of it as a command' } as const
const own = { trouble: 'puts something of its own in place of a “$”' } as const
const open = { trouble: 'looks for the end of a quote in the lines below' } as const

/** A piece of a word: what it adds, and where the next one begins. */
type Piece = { readonly text: string; readonly next: number } | { readonly trouble: string }

/** The right side of `KEY=…` as `source` reads it; `lookup` knows the settings above. */
export function readAsBash(raw: string, lookup: Lookup): BashReading {
  let value = ''
  for (let at = 0; at < raw.length; ) {
    const char = raw.charAt(at)
    if (/\s/.test(char)) return behindBlank(raw.slice(at).trim(), value)
    if (/[;&|()<>]/.test(char)) return runs
    const home = char === '~' && (at === 0 || raw[at - 1] === ':')
    if (home) return { trouble: 'puts a home directory in place of a “~”' }
    const piece = pieceAt(raw, at, lookup)
    if ('trouble' in piece) return piece
    value += piece.text
    at = piece.next
  }
  return { value }
}

const behindBlank = (rest: string, value: string): BashReading =>
  rest === '' || rest.startsWith('#') ? { value } : { trouble: 'runs what follows the space as a command' }

function pieceAt(raw: string, at: number, lookup: Lookup): Piece {
  switch (raw[at]) {
    case "'": {
      const end = raw.indexOf("'", at + 1)
      return end < 0 ? open : { text: raw.slice(at + 1, end), next: end + 1 }
    }
    case '"':
      return doubleQuoted(raw, at, lookup)
    case '\\':
      return { text: raw[at + 1] === '\n' ? '' : (raw[at + 1] ?? '\\'), next: at + 2 }
    case '`':
      return runs
    case '$':
      return expansion(raw, at, lookup)
    default:
      return { text: raw.charAt(at), next: at + 1 }
  }
}

function doubleQuoted(raw: string, start: number, lookup: Lookup): Piece {
  let text = ''
  for (let at = start + 1; at < raw.length; ) {
    const char = raw.charAt(at)
    if (char === '"') return { text, next: at + 1 }
    if (char === "'" || (char === '\\' && !/[$`"\\\n]/.test(raw.charAt(at + 1)))) {
      text += char
      at++
      continue
    }
    const piece = pieceAt(raw, at, lookup)
    if ('trouble' in piece) return piece
    text += piece.text
    at = piece.next
  }
  return open
}

function expansion(raw: string, at: number, lookup: Lookup): Piece {
  const rest = raw.slice(at + 1)
  if (rest.startsWith('(')) return runs
  const [whole, plain, braced] = /^(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})/.exec(rest) ?? []
  if (whole !== undefined) return { text: lookup(plain ?? braced ?? '') ?? '', next: at + 1 + whole.length }
  return /^[{\d$?!#*@'"-]/.test(rest) ? own : { text: '$', next: at + 1 }
}

/** The right side of `KEY=…` as goat reads it: the first line, with quotes, comments and dollar signs as they stand. */
export const readAsGoat = (raw: string): string => raw.split('\n', 1)[0]?.trim() ?? ''
