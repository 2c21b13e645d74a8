import type { Type } from './types.ts'

/** One word, option or flag of a command line. `T` is what the command gets for it. */
export interface Param<T> {
  readonly kind: 'argument' | 'option' | 'flag'
  readonly type: Type<unknown>
  readonly about: string
  /** What an argument is called where an option of the same name stands beside it. */
  readonly called?: string | undefined
  /** How many words: an argument must be there (`one`), may be (`optional`), may repeat (`many`, none included). */
  readonly count: 'one' | 'optional' | 'many'
  readonly short?: string | undefined
  /** Other spellings of the option, without dashes. */
  readonly also?: readonly string[] | undefined
  /** The environment variable that holds when the command line is silent; global options only. */
  readonly env?: string | undefined
  readonly fallback?: T | undefined
}

export interface OptionExtras {
  readonly short?: string
  readonly also?: readonly string[]
  readonly env?: string
}

const boolean: Type<boolean> = {
  name: 'flag',
  schema: { type: 'boolean' },
  parse: () => true,
  show: String,
  json: (value) => value,
}

/** A word that must be there; asked for on a terminal when it is not. */
export const argument = <T>(type: Type<T>, about: string): Param<T> => ({
  kind: 'argument',
  type: type as Type<unknown>,
  about,
  count: 'one',
})

/** A word that may be left out. */
export const optionalArgument = <T>(
  type: Type<T>,
  about: string,
  extras: { readonly called?: string } = {},
): Param<T | undefined> => ({
  kind: 'argument',
  type: type as Type<unknown>,
  about,
  count: 'optional',
  ...extras,
})

/** Any number of words, none included; the last argument of a command. */
export const manyArguments = <T>(type: Type<T>, about: string): Param<readonly T[]> => ({
  kind: 'argument',
  type: type as Type<unknown>,
  about,
  count: 'many',
})

/** `--name <type>`, which may be left out. */
export const option = <T>(type: Type<T>, about: string, extras: OptionExtras = {}): Param<T | undefined> => ({
  kind: 'option',
  type: type as Type<unknown>,
  about,
  count: 'optional',
  ...extras,
})

/** `--name <type>` with a value that holds when it is left out. */
export const optionOr = <T>(
  type: Type<T>,
  fallback: T,
  about: string,
  extras: OptionExtras = {},
): Param<T> => ({
  kind: 'option',
  type: type as Type<unknown>,
  about,
  count: 'optional',
  fallback,
  ...extras,
})

/** `--name`, true when given. */
export const flag = (about: string, extras: OptionExtras = {}): Param<boolean> => ({
  kind: 'flag',
  type: boolean as Type<unknown>,
  about,
  count: 'optional',
  fallback: false,
  ...extras,
})

/** Input by camelCase name; an option's name in kebab-case is its long flag. */
export type Params = Readonly<Record<string, Param<unknown>>>

export type InputOf<P extends Params> = { readonly [K in keyof P]: P[K] extends Param<infer T> ? T : never }

/** What every change takes that makes the container of the PDS anew. */
export const applyBadEdits = flag('go on with what somebody else edited wrongly in pds.env and never applied')
