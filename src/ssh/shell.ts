import { quote } from '../base/shell-words.ts'

/** What a command line does to the host: `ask` only reads, `act` changes. */
export type Effect = 'ask' | 'act'

/** A remote POSIX sh command line, already quoted, and its effect. Never a bare string. */
export interface Shell<E extends Effect = Effect> {
  readonly effect: E
  readonly line: string
}

/** What may stand in `${}`: one word, several words, or a quoted line spliced in (for `sh -c`, as one word). */
export type Word = string | number | readonly (string | number)[] | Shell<'ask'>

const toText = (word: Word): string => {
  if (Array.isArray(word)) return word.map(quote).join(' ')
  if (typeof word === 'object') return quote((word as Shell<'ask'>).line)
  return quote(word as string | number)
}

const join = (strings: TemplateStringsArray, words: readonly Word[]): string =>
  strings.reduce((line, text, i) => line + toText(words[i - 1] as Word) + text)

/** A command line that only reads. Every `${}` becomes exactly one quoted word; arrays spread. */
export const ask = (strings: TemplateStringsArray, ...words: Word[]): Shell<'ask'> => ({
  effect: 'ask',
  line: join(strings, words),
})

/** A command line that changes the host. Every `${}` becomes exactly one quoted word; arrays spread. */
export const act = (strings: TemplateStringsArray, ...words: Word[]): Shell<'act'> => ({
  effect: 'act',
  line: join(strings, words),
})
