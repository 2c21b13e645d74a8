import { type Failure, usage } from '../../base/failure.ts'
import { distance, nearest } from '../../base/suggest.ts'
import type { Command } from '../command/command.ts'
import { globals, helpAndVersion } from '../command/global-options.ts'
import { findCommand, flagsOf, program, seeHelp, subcommands, usageLine } from '../command/names.ts'
import type { Params } from '../command/parameters.ts'
import { accountMeaning, foreignMeaning } from './foreign-words.ts'

/** A word that names no command, with the commands that were probably meant. */
export function unknownCommand(
  word: string,
  before: readonly string[],
  commands: readonly Command[],
): Failure {
  const typed = [...before, word].join(' ')
  return usage(`there is no command \`${typed}\``, hintFor(word, before, commands), 'unknown-command')
}

/** The exact word elsewhere comes before a word of another tool, and that before what is only spelt alike. */
function hintFor(word: string, before: readonly string[], commands: readonly Command[]): string {
  const alone = before.length === 0
  const typed = word.toLowerCase()
  const meanings = [
    foreignMeaning(typed, before),
    ...(alone ? [commandsWith(typed, commands), accountMeaning(typed)] : []),
    similarCommands(word, before, commands),
  ]
  for (const meaning of meanings) {
    if (typeof meaning === 'string') return meaning
    const names = (meaning ?? []).filter((name) => isCommandOrNoun(name, commands)).slice(0, 3)
    if (names.length > 0) return `did you mean ${names.map((name) => `\`${program} ${name}\``).join(' or ')}?`
  }
  return seeHelp(before.join(' '))
}

const isCommandOrNoun = (name: string, commands: readonly Command[]): boolean =>
  commands.some((command) => `${command.name} `.startsWith(`${name} `))

/** Commands whose verb is this word, for a line that leaves the noun out or puts it last. */
const commandsWith = (word: string, commands: readonly Command[]): readonly string[] =>
  commands
    .filter(({ name, prints }) => name.endsWith(` ${word}`) && prints === undefined)
    .map(({ name }) => name)

/** Commands spelt like this; behind no noun, the verbs of all nouns are looked at too. */
function similarCommands(
  word: string,
  before: readonly string[],
  commands: readonly Command[],
): readonly string[] {
  const of = (next: string): readonly string[] => {
    const name = [...before, next].join(' ')
    return isCommandOrNoun(name, commands) ? [name] : commandsWith(next, commands)
  }
  const verbs = before.length === 0 ? commands.map(({ name }) => name.split(' ').at(-1) ?? name) : []
  const near = nearest(word, [...subcommands(commands, before), ...verbs], (next, edits) =>
    of(next).some((name) => isSafeGuess(word, next, edits, findCommand(commands, name.split(' ')))),
  )
  return near === undefined ? [] : of(near)
}

/** A guess never shows a secret, never means the opposite, and changes something only where it is hardly a guess. */
function isSafeGuess(word: string, guess: string, edits: number, command: Command | undefined): boolean {
  if (isOpposite(word, guess) || command?.prints === 'secret') return false
  if (command?.kind !== 'procedure' || command.risk === 'routine') return true
  return edits <= 1 || word.slice(0, 3).toLowerCase() === guess.slice(0, 3)
}

const negation = /^(un|dis|en|not?)-?(?=\w{3})/

/** Whether two words differ by a syllable that turns the meaning round, as `untakedown` and `takedown` do. */
function isOpposite(one: string, other: string): boolean {
  const [a, b] = [one.toLowerCase(), other.toLowerCase()]
  const signOf = (word: string): string => negation.exec(word)?.[1] ?? ''
  if (signOf(a) === signOf(b)) return false
  return distance(a.replace(negation, ''), b.replace(negation, '')) < distance(a, b)
}

/** An option that the command does not have, with the one that was probably meant. */
export function unknownOption(typed: string, params: Params, words: readonly string[]): Failure {
  const [name = typed] = typed.split('=', 1)
  const options = Object.entries({ ...params, ...globals, ...helpAndVersion }).filter(
    ([, { kind }]) => kind !== 'argument',
  )
  const flags = options.flatMap(([key, param]) => flagsOf(key, param))
  const where = words.length > 0 ? `\`${words.join(' ')}\`` : program
  if (flags.includes(name)) return usage(`${name} takes no value`, seeHelp(words.join(' ')), 'unknown-option')
  const long = flags.filter((flag) => flag.startsWith('--'))
  const near = name.startsWith('--')
    ? nearest(
        name.slice(2),
        long.map((flag) => flag.slice(2)),
        (flag) => !isOpposite(name.slice(2), flag),
      )
    : undefined
  const see = seeHelp(words.join(' '))
  const hint = near === undefined ? see : `did you mean --${near}? ${see}`
  return usage(`${where} has no option ${name}`, hint, 'unknown-option')
}

/** An option that stands where its value should be, or at the very end. */
export const valueMissing = (flag: string, words: readonly string[]): Failure =>
  usage(
    `${flag} needs a value`,
    `write it as ${flag} VALUE${flag.startsWith('--') ? `, or ${flag}=VALUE where it begins with a dash` : ''}; ${seeHelp(words.join(' '))}`,
    'value-missing',
  )

/** A word more than the command takes. */
export const unexpected = (word: string, command: Command): Failure =>
  usage(`“${word}” is one word too many`, `usage: ${usageLine(command)}`, 'too-many-words')
