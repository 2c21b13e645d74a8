/**
 * What a terminal may act on or a person cannot see: controls, formats such as bidi overrides and zero-width
 * characters, line and paragraph separators, lone surrogates. Variation selectors are part of common emoji.
 */
const hostile = /[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]--[\ufe00-\ufe0f]]/gv

/** Text of which nothing can be hostile: nearly all of it, and told much faster. */
const plain = /^[\x20-\x7e]*$/

const replaced = (text: string, by: (character: string) => string): string =>
  plain.test(text) ? text : text.replace(hostile, by)

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

const escaped = (character: string): string =>
  short[character] ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`

/** One line of text that is harmless on a terminal: whatever it may act on is shown escaped. */
export const visible = (text: string): string => replaced(text, escaped)

/** Several lines of text, each harmless. */
export const visibleLines = (text: string): string => text.trimEnd().split(/\r?\n/).map(visible).join('\n')

const unit = (code: number): string => `\\u${code.toString(16).padStart(4, '0')}`

const units = (character: string): string =>
  Array.from({ length: character.length }, (_, index) => unit(character.charCodeAt(index))).join('')

/** JSON that is harmless on a terminal, too; one line, or indented by this many spaces. */
export const safeJson = (value: unknown, indent = 0): string =>
  JSON.stringify(value, undefined, indent)
    .split('\n')
    .map((line) => replaced(line, units))
    .join('\n')
