import { usage } from '../../base/failure.ts'
import { type Globals, globals } from '../command/global-options.ts'
import { nameOf, readWord, seeHelp } from '../command/names.ts'
import type { Param, Params } from '../command/parameters.ts'

/** The words that were given for each option, by the key of its parameter. */
export type Given = Map<string, readonly string[]>

/** What the words of a command line come to: the input, the arguments that are missing, the first word too many. */
export interface Read {
  readonly input: Readonly<Record<string, unknown>>
  readonly missing: readonly string[]
  readonly left: string | undefined
}

/** Parses operands and options by the parameters of a command. */
export function inputOf(params: Params, operands: readonly string[], given: Given, words: string): Read {
  const input: Record<string, unknown> = {}
  const missing: string[] = []
  let left = operands
  for (const [key, param] of Object.entries(params)) {
    if (param.kind !== 'argument') {
      input[key] = optionValue(key, param, given, words)
      continue
    }
    const taken = left.slice(0, param.count === 'many' ? left.length : 1)
    left = left.slice(taken.length)
    const values = taken.map((word) => readWord(nameOf(key, param), param, word, words))
    if (param.count === 'many') input[key] = values
    else if (values.length > 0) input[key] = values[0]
    else if (param.count === 'one') missing.push(key)
  }
  return { input, missing, left: left[0] }
}

/** The global options of a command line, and of the environment where it is silent. */
export function globalsOf(
  given: Given,
  env: Readonly<Record<string, string | undefined>>,
  words: string,
): Globals {
  const entries = Object.entries<Param<unknown>>(globals).map(([key, param]) => {
    const set = param.env === undefined ? undefined : env[param.env]
    if (given.has(key) || param.env === undefined || !set) return [key, optionValue(key, param, given, words)]
    return [key, param.kind === 'flag' ? switchOf(param.env, set) : readWord(param.env, param, set)]
  })
  return Object.fromEntries(entries)
}

function optionValue(key: string, param: Param<unknown>, given: Given, words: string): unknown {
  const said = given.get(key)
  if (said === undefined) return param.count === 'many' ? [] : param.fallback
  if (param.kind === 'flag') return true
  const name = nameOf(key, param)
  if (param.count === 'many') return said.map((word) => readWord(name, param, word, words))
  if (said.length > 1) throw usage(`${name} is given more than once`, seeHelp(words), 'repeated-option')
  return readWord(name, param, said[0] ?? '', words)
}

/** A flag of the environment: 1, true or yes against 0, false or no. */
function switchOf(name: string, word: string): boolean {
  if (/^(1|true|yes)$/i.test(word)) return true
  if (/^(0|false|no)$/i.test(word)) return false
  throw usage(`${name}: “${word}” is neither 1 nor 0`, undefined, 'invalid-value')
}
