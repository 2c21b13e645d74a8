import type { Command } from '../command/command.ts'
import { globals, helpAndVersion } from '../command/global-options.ts'
import { findCommand, flagsOf, paramsOf, subcommands } from '../command/names.ts'
import type { Param, Params } from '../command/parameters.ts'

/** What may stand in the place of the last word of a command line. */
export interface Completion {
  /** Those that begin as the word does, each with what it is for. */
  readonly words: readonly (readonly [word: string, about: string])[]
  /** What the shell itself offers besides: the names of files, or whatever it usually would. */
  readonly also?: 'files' | 'default'
}

/**
 * Completes a command line by the table of commands. `line` is what stands behind the program, the last word being the
 * one to complete, empty where none was begun; bash takes `--option=value` apart into three words. `hosts` names the
 * configured hosts, and is asked for only where one is wanted.
 */
export async function complete(
  line: readonly string[],
  commands: readonly Command[],
  hosts: () => Promise<readonly string[]>,
): Promise<Completion> {
  const { at, option, operands, literal } = walk(line.slice(0, -1), commands)
  const command = findCommand(commands, at)
  if (command?.kind === 'passthrough') return { words: [], also: 'default' }
  const last = line.at(-1) ?? ''
  const [, flag, value] = (!literal && !option && /^(--[^=]+)=(.*)$/s.exec(last)) || []
  const begun = value ?? (last === '=' ? '' : last)
  const matching = (words: Completion['words']): Completion => ({
    words: words.filter(([word]) => word.startsWith(begun)),
  })
  const offer = async ({ type }: Param<unknown>): Promise<Completion> => {
    if (type.completes === 'file') return { words: [], also: 'files' }
    const values = type.completes === 'host' ? await hosts() : (type.choices ?? [])
    return matching(values.map((word) => [word, '']))
  }
  const known = optionsOf(command)
  const wanted = option ?? (flag === undefined ? undefined : known.get(flag))
  if (wanted) return await offer(wanted)
  if (!literal && last.startsWith('-')) {
    const long = [...known].filter(([spelling]) => spelling.startsWith('--'))
    return matching(long.map(([spelling, { about }]) => [spelling, about]))
  }
  const next = matching(subcommands(commands, at).map((word) => [word, aboutOf(commands, [...at, word])]))
  const operand = command && operandOf(paramsOf(command), operands)
  if (!operand) return next
  const offered = await offer(operand)
  return { ...offered, words: [...next.words, ...offered.words] }
}

interface Walked {
  /** The words of the command so far. */
  readonly at: readonly string[]
  /** The option that waits for its value. */
  readonly option: Param<unknown> | undefined
  /** How many arguments stand there already. */
  readonly operands: number
  /** Whether `--` has ended the options. */
  readonly literal: boolean
}

function walk(words: readonly string[], commands: readonly Command[]): Walked {
  const at: string[] = []
  let option: Param<unknown> | undefined
  let operands = 0
  let literal = false
  for (const word of words) {
    if (option) option = word === '=' ? option : undefined
    else if (!literal && word === '--') literal = true
    else if (!literal && word.startsWith('-')) {
      const found = optionsOf(findCommand(commands, at)).get(word)
      option = found?.kind === 'option' ? found : undefined
    } else if (subcommands(commands, at).includes(word)) at.push(word)
    else operands++
  }
  return { at, option, operands, literal }
}

/** The options of a command and those of every command, by each of their spellings. */
function optionsOf(command: Command | undefined): ReadonlyMap<string, Param<unknown>> {
  const params: Params = { ...(command && paramsOf(command)), ...globals, ...helpAndVersion }
  const options = Object.entries(params).filter(([, { kind }]) => kind !== 'argument')
  return new Map(options.flatMap(([key, param]) => flagsOf(key, param).map((flag) => [flag, param])))
}

function operandOf(params: Params, index: number): Param<unknown> | undefined {
  const all = Object.values(params).filter(({ kind }) => kind === 'argument')
  const last = all.at(-1)
  return all[index] ?? (last?.count === 'many' ? last : undefined)
}

const aboutOf = (commands: readonly Command[], words: readonly string[]): string =>
  findCommand(commands, words)?.summary ?? subcommands(commands, words).join(', ')

/** What the scripts of the shells read: a line for each word, a tab before what it is for, and `:files` or `:default`. */
export const showCompletion = ({ words, also }: Completion): string =>
  [...words.map(([word, about]) => `${word}\t${about}`), ...(also ? [`:${also}`] : [])]
    .map((line) => `${line}\n`)
    .join('')
