import { Failure, usage } from '../../base/failure.ts'
import type { Command } from './command.ts'
import type { Param, Params } from './parameters.ts'

/** What the program is called on a command line. */
export const program = 'kimbia-ops'

/** An input's name as it is typed: `dryRun` is `dry-run`. */
export const kebab = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** The parameters of a command, none for a program that is passed through. */
export const paramsOf = (command: Command): Params => (command.kind === 'passthrough' ? {} : command.input)

/** All spellings of an option with their dashes, the short one first. */
export const flagsOf = (key: string, param: Param<unknown>): readonly string[] => [
  ...(param.short === undefined ? [] : [`-${param.short}`]),
  `--${kebab(key)}`,
  ...(param.also ?? []).map((word) => (word.length === 1 ? `-${word}` : `--${word}`)),
]

/** What a parameter is called to the operator, without dashes or brackets. */
export const labelOf = (key: string, { called }: Param<unknown>): string => called ?? kebab(key)

/** An argument in a usage line: `<account>`, `[account]`, `[account…]`. */
export function placeholder(key: string, param: Param<unknown>): string {
  const name = labelOf(key, param)
  switch (param.count) {
    case 'one':
      return `<${name}>`
    case 'optional':
      return `[${name}]`
    case 'many':
      return `[${name}…]`
  }
}

/** An option as help shows it: `-H, --host <name>`. */
export function optionSpelling(key: string, param: Param<unknown>): string {
  const flags = flagsOf(key, param).join(', ')
  return param.kind === 'flag' ? flags : `${flags} <${param.type.name}>`
}

/** What a parameter is called in a message: `<account>` or `--reason`. */
export const nameOf = (key: string, param: Param<unknown>): string =>
  param.kind === 'argument' ? `<${labelOf(key, param)}>` : `--${kebab(key)}`

/** How a command is typed: `kimbia-ops account takedown <account> [options]`. */
export function usageLine(command: Command): string {
  if (command.kind === 'passthrough') return `${program} ${command.name} [args…]`
  const params = Object.entries(paramsOf(command))
  const words = params.filter(([, { kind }]) => kind === 'argument').map(([key, p]) => placeholder(key, p))
  const options = params.some(([, { kind }]) => kind !== 'argument') ? ['[options]'] : []
  return [program, command.name, ...words, ...options].join(' ')
}

/** The examples of a command as they are typed, with the name of the program where it was left out. */
export const examplesOf = ({ name, examples }: Command): readonly string[] =>
  examples.map((example) => (`${example} `.startsWith(`${name} `) ? `${program} ${example}` : example))

/** The hint of a command line that is not valid. */
export const seeHelp = (words = ''): string =>
  `see \`${[program, words, '--help'].filter(Boolean).join(' ')}\``

/** Parses one word; what is wrong with it is said with the name of the parameter in front. */
export function readWord(where: string, param: Param<unknown>, word: string, words = ''): unknown {
  try {
    return param.type.parse(word)
  } catch (error) {
    if (!(error instanceof Failure) || error.outcome !== 'usage') throw error
    throw usage(`${where}: ${error.message}`, error.hint ?? seeHelp(words), 'invalid-value')
  }
}

/** The Failure for arguments that are missing and cannot be asked for. */
export function missingWords(command: Command, keys: readonly string[]): Failure {
  const params = paramsOf(command)
  const names = keys.map((key) => `<${params[key]?.called ?? kebab(key)}>`).join(' and ')
  const verb = keys.length === 1 ? 'is' : 'are'
  return usage(`${names} ${verb} missing`, `usage: ${usageLine(command)}`, 'missing-argument')
}

/** The words that may follow `words` in the table of commands, in its order. */
export function subcommands(commands: readonly Command[], words: readonly string[]): readonly string[] {
  const before = words.map((word) => `${word} `).join('')
  const follow = commands
    .filter(({ name }) => name.startsWith(before))
    .map(({ name }) => name.slice(before.length).split(' ', 1)[0] ?? '')
  return [...new Set(follow)]
}

/** The command of exactly these words. */
export const findCommand = (commands: readonly Command[], words: readonly string[]): Command | undefined =>
  commands.find(({ name }) => name === words.join(' '))
