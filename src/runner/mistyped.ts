import { type Failure, usage } from '../failure.ts'
import { nearest } from '../nearest.ts'
import type { Command, Params } from './command.ts'
import { asides, globals } from './globals.ts'
import { flagsOf, nextWords, program, seeHelp, usageLine } from './spelling.ts'

/** A word that names no command, with the command that was probably meant. */
export function unknownCommand(
  word: string,
  before: readonly string[],
  commands: readonly Command[],
): Failure {
  const near = nearest(word, nextWords(commands, before))
  const meant = near === undefined ? commandsWith(word, commands) : [[...before, near].join(' ')]
  const typed = [...before, word].join(' ')
  const list = meant.map((name) => `\`${program} ${name}\``).join(' or ')
  const hint = list === '' ? seeHelp(before.join(' ')) : `did you mean ${list}?`
  return usage(`there is no command \`${typed}\``, hint, 'unknown-command')
}

/** Commands whose verb is this word, for one who left the noun out or put it last. */
const commandsWith = (word: string, commands: readonly Command[]): readonly string[] =>
  commands
    .map(({ name }) => name)
    .filter((name) => name.endsWith(` ${word}`))
    .slice(0, 3)

/** An option that the command does not have, with the one that was probably meant. */
export function unknownOption(typed: string, params: Params, words: readonly string[]): Failure {
  const [name = typed] = typed.split('=', 1)
  const options = Object.entries({ ...params, ...globals, ...asides }).filter(
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
