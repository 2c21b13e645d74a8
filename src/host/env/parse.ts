import { type Failure, unreachable } from '../../base/failure.ts'
import { BadExpression, interpolate } from './interpolate.ts'

/** One setting of an env file, and where it stands, counted from 1. */
export interface EnvEntry {
  readonly key: string
  readonly value: string
  /** The line of its key. */
  readonly line: number
  /** The line on which its value ends; a quoted one may go over several. */
  readonly lastLine: number
  /** Made from variables; compose prefers its own environment and the env files before over the lines above. */
  readonly interpolated: boolean
}

/** An env file as compose reads it: every setting in order, and the last value of each key. */
export interface EnvFile {
  readonly entries: readonly EnvEntry[]
  /** Names alone on their line: compose takes their values from its own environment. */
  readonly inherited: readonly string[]
  get(key: string): string | undefined
}

/**
 * Reads an env file by the rules of compose's own parser (compose-go, package dotenv).
 * Variables are looked up in the lines above only: what compose inherits from its own environment is not known here,
 * which `interpolated` and `inherited` tell.
 */
export function parseEnvFile(text: string, file = 'pds.env'): EnvFile {
  const source = text.replace(/^\uFEFF/, '')
  const entries: EnvEntry[] = []
  const inherited: string[] = []
  const values = new Map<string, string>()
  const lineAt = lineCounter(source)
  let at = 0
  for (;;) {
    at = statementStart(source, at)
    if (at >= source.length) return { entries, inherited, get: (key) => values.get(key) }
    const line = lineAt(at)
    const bad = (problem: string): Failure =>
      unreachable(
        'pds-env-invalid',
        `${file}:${line}: ${problem}`,
        'compose refuses this file too; mend the line on the host',
      )
    const { key, start } = readKey(source, at, bad)
    if (start === undefined) {
      inherited.push(key)
      at = source.indexOf('\n', at) + 1
      continue
    }
    let interpolated = false
    const lookup = (name: string): string | undefined => {
      interpolated = true
      return values.get(name)
    }
    const { value, end } = readValue(source, start, lookup, bad)
    values.set(key, value)
    entries.push({ key, value, line, lastLine: lineAt(Math.max(start, end - 1)), interpolated })
    at = end
  }
}

type Bad = (problem: string) => Failure

/** Line numbers of ever greater offsets. */
function lineCounter(source: string): (offset: number) => number {
  let [line, seen] = [1, 0]
  return (offset) => {
    for (; seen < offset; seen++) if (source[seen] === '\n') line++
    return line
  }
}

/** Skips white space and comment lines. */
function statementStart(source: string, from: number): number {
  let at = from
  for (;;) {
    while (at < source.length && /\p{White_Space}/u.test(source.charAt(at))) at++
    if (source[at] !== '#') return at
    const end = source.indexOf('\n', at)
    at = end < 0 ? source.length : end
  }
}

const blank = /[\t\v\f\r \u0085\u00a0]/
const skipBlank = (source: string, from: number): number => {
  let at = from
  while (at < source.length && blank.test(source.charAt(at))) at++
  return at
}

/** The key and where its value starts: after `=` or `:`. A name alone on its line is inherited, which is nothing here. */
function readKey(source: string, from: number, bad: Bad): { key: string; start: number | undefined } {
  const exported = /^export\p{White_Space}+/u.test(source.slice(from, from + 8))
  const begin = exported ? skipBlank(source, from + 'export'.length) : from
  if (begin >= source.length) throw bad('“export” without a name')
  for (let at = begin; at < source.length; at++) {
    const char = String.fromCodePoint(source.codePointAt(at) ?? 0)
    if (char === '=' || char === ':' || char === '\n') {
      const key = source.slice(begin, at).replace(/\p{White_Space}+$/u, '')
      if (key.includes(' ')) throw bad('a name cannot contain a space')
      return { key, start: char === '\n' ? undefined : skipBlank(source, at + 1) }
    }
    if (!blank.test(char) && !/[_.[\]\-\p{L}\p{N}]/u.test(char)) throw bad(`“${char}” cannot stand in a name`)
    at += char.length - 1
  }
  // A last line with neither “=” nor a line end is the value of the empty name, to compose as well.
  return { key: '', start: begin }
}

function readValue(
  source: string,
  start: number,
  lookup: (name: string) => string | undefined,
  bad: Bad,
): { value: string; end: number } {
  const expand = (text: string): string => {
    try {
      return interpolate(text, lookup)
    } catch (cause) {
      throw cause instanceof BadExpression ? bad(cause.message) : cause
    }
  }
  const quote = source[start]
  if (quote === '"' || quote === "'") {
    const { inner, end } = readQuoted(source, start, quote, bad)
    return { value: quote === '"' ? expand(unescaped(inner)) : inner, end }
  }
  const newline = source.indexOf('\n', start)
  const end = newline < 0 ? source.length : newline + 1
  const [bare = ''] = source.slice(start, newline < 0 ? end : newline).split(' #', 1)
  return { value: expand(bare.replace(/\p{White_Space}+$/u, '')), end }
}

/** What stands between the quotes: a backslash before the quote goes, every other one stays. */
function readQuoted(source: string, start: number, quote: string, bad: Bad): { inner: string; end: number } {
  let inner = ''
  for (let at = start + 1; at < source.length; at++) {
    const char = source.charAt(at)
    if (char === quote) return { inner, end: at + 1 }
    if (char !== '\\') {
      inner += char
      continue
    }
    at++
    if (at < source.length) inner += source[at] === quote ? quote : `\\${source[at]}`
  }
  throw bad(`the quote ${quote} is never closed`)
}

const controls: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '"': '"',
  '\\': '\\',
  // Left for the interpolation, to which `$$` is a dollar sign.
  $: '$$',
}

/** The backslash sequences of double quotes; an octal one is `\0` and three digits. */
const unescaped = (text: string): string =>
  text.replace(/\\(?:([abcfnrtv$"\\])|0(\d{0,3}))/g, (whole, letter?: string, octal?: string) => {
    if (letter !== undefined) return controls[letter] ?? whole
    return octal && /^[0-3][0-7]{2}$/.test(octal)
      ? String.fromCodePoint(Number.parseInt(octal, 8))
      : `\\${octal}`
  })
