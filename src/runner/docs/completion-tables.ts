import type { Command } from '../command/command.ts'
import { globals, helpAndVersion } from '../command/global-options.ts'
import { findCommand, flagsOf, paramsOf, program, subcommands } from '../command/names.ts'
import type { Param, Params } from '../command/parameters.ts'

/** A place in the table of commands: the words so far, and the command where they name one. */
export interface Place {
  readonly words: string
  readonly command: Command | undefined
  /** The words that may follow, each with what it is for. */
  readonly next: readonly (readonly [word: string, about: string])[]
}

/** Every place of a command line, the empty one first. */
export function placesOf(commands: readonly Command[], words: readonly string[] = []): readonly Place[] {
  const command = findCommand(commands, words)
  if (command) return [{ words: words.join(' '), command, next: [] }]
  const follow = subcommands(commands, words)
  const next = follow.map((word) => [word, aboutOf(commands, [...words, word])] as const)
  const place: Place = { words: words.join(' '), command: undefined, next }
  return [place, ...follow.flatMap((word) => placesOf(commands, [...words, word]))]
}

const aboutOf = (commands: readonly Command[], words: readonly string[]): string =>
  findCommand(commands, words)?.summary ?? subcommands(commands, words).join(', ')

/** The options that may stand anywhere. */
export const everywhere: Params = { ...globals, ...helpAndVersion }

/** The options among some parameters, with their spellings. */
export const spelledOptions = (
  params: Params,
): readonly { flags: readonly string[]; param: Param<unknown> }[] =>
  Object.entries(params)
    .filter(([, { kind }]) => kind !== 'argument')
    .map(([key, param]) => ({ flags: flagsOf(key, param), param }))

/** The options and arguments of a place itself. */
export const ownParams = ({ command }: Place): Params => (command ? paramsOf(command) : {})

/** A word for a shell of the Bourne family: in single quotes. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** What the shell offers for a value: words, or `:file`, `:host` for what it finds out itself. */
function offered({ type }: Param<unknown>): readonly string[] {
  if (type.choices) return type.choices.map((word) => `${word}\t`)
  return type.completes === undefined ? [] : [`:${type.completes}`]
}

interface Case {
  readonly patterns: readonly string[]
  readonly lines: readonly string[]
}

/** A function that prints lines by its two arguments, or only succeeds for them. */
function table(name: string, cases: readonly Case[], otherwise = ':'): string {
  const arms = cases
    .filter(({ patterns, lines }) => patterns.length > 0 && lines.length > 0)
    .map(
      ({ patterns, lines }) =>
        `    ${patterns.join(' | ')}) printf '%s\\n' ${lines.map(quoted).join(' ')} ;;`,
    )
  return [`${name}() {`, '  case "$1 $2" in', ...arms, `    *) ${otherwise} ;;`, '  esac', '}', ''].join('\n')
}

function test(name: string, patterns: readonly string[]): string {
  const arms = patterns.length > 0 ? [`    ${patterns.join(' | ')}) return 0 ;;`] : []
  return [`${name}() {`, '  case "$1 $2" in', ...arms, '    *) return 1 ;;', '  esac', '}', ''].join('\n')
}

/** The table of commands as functions that bash and zsh both understand. */
export function shTables(commands: readonly Command[]): string {
  const places = placesOf(commands)
  const valued = places.flatMap((place) =>
    values(ownParams(place), (flag) => quoted(`${place.words} ${flag}`)),
  )
  const anywhere = values(everywhere, (flag) => `*${quoted(` ${flag}`)}`)
  return [
    test(
      '_kimbia_ops_leads',
      places.flatMap(({ words, next }) => next.map(([word]) => quoted(`${words} ${word}`))),
    ),
    test(
      '_kimbia_ops_passes',
      places.filter(({ command }) => command?.kind === 'passthrough').map(({ words }) => quoted(`${words} `)),
    ),
    test(
      '_kimbia_ops_takes',
      [...anywhere, ...valued].flatMap(({ patterns }) => patterns),
    ),
    table(
      '_kimbia_ops_next',
      places.map(({ words, next }) => ({ patterns: [quoted(`${words} `)], lines: next.map(tabbed) })),
    ),
    table('_kimbia_ops_flags', places.map(flagCase)),
    table('_kimbia_ops_values', [...anywhere, ...valued]),
    table('_kimbia_ops_args', places.flatMap(argumentCases)),
    `_kimbia_ops_hosts() {\n  ${program} hosts --no-input </dev/null 2>/dev/null | cut -f 1\n}\n`,
  ].join('\n')
}

const tabbed = ([word, about]: readonly [string, string]): string => `${word}\t${about}`

const values = (params: Params, pattern: (flag: string) => string): readonly Case[] =>
  spelledOptions(params)
    .filter(({ param }) => param.kind === 'option')
    .map(({ flags, param }) => ({ patterns: flags.map(pattern), lines: offered(param) }))

const flagCase = (place: Place): Case => ({
  patterns: [quoted(`${place.words} `)],
  lines: spelledOptions({ ...ownParams(place), ...everywhere }).flatMap(({ flags, param }) =>
    flags.filter((flag) => flag.startsWith('--')).map((flag) => tabbed([flag, param.about])),
  ),
})

function argumentCases(place: Place): readonly Case[] {
  const args = Object.values(ownParams(place)).filter(({ kind }) => kind === 'argument')
  return args.map((param, index) => ({
    patterns: [param.count === 'many' ? `${quoted(`${place.words} `)}*` : quoted(`${place.words} ${index}`)],
    lines: offered(param),
  }))
}
