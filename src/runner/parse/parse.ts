import { usage } from '../../base/failure.ts'
import type { Command } from '../command/command.ts'
import { type Globals, globals, helpAndVersion } from '../command/global-options.ts'
import { findCommand, flagsOf, paramsOf, program, subcommands } from '../command/names.ts'
import type { Param, Params } from '../command/parameters.ts'
import { firstHelp, groupHelp, helpOf, type Look, rootHelp } from '../docs/help.ts'
import { type Given, globalsOf, inputOf } from './operands.ts'
import { unexpected, unknownCommand, unknownOption, valueMissing } from './usage-errors.ts'

/** A command line to carry out. `missing` names the arguments that must still be asked for. */
export interface Run {
  readonly kind: 'run'
  readonly command: Command
  readonly input: Readonly<Record<string, unknown>>
  readonly globals: Globals
  readonly missing: readonly string[]
}

/** A command line that is answered by a text: help or the version. */
export interface Text {
  readonly kind: 'text'
  readonly text: string
}

export type Parsed = Run | Text

/** What parsing may know of the world: the environment, and how a help text is shown. */
export interface Surroundings extends Look {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly version: string
  /** What it was built from; undefined where it runs from its sources, or git did not tell. */
  readonly commit?: string | undefined
}

/** Reads a command line by the table of commands; what is not valid is a `usage` Failure. */
export async function parse(
  argv: readonly string[],
  commands: readonly Command[],
  around: Surroundings,
): Promise<Parsed> {
  return answerWithoutParsing(argv, commands, around) ?? (await walk(argv, commands, around))
}

/** What can be told of a command line that may not be valid: how its failure is to be shown. */
export function peekOutputFlags(
  argv: readonly string[],
  env: Surroundings['env'],
): { readonly json: boolean; readonly noColor: boolean } {
  const words = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv
  const json = words.includes('--json') || /^(1|true|yes)$/i.test(env[globals.json.env ?? ''] ?? '')
  return { json, noColor: words.includes('--no-color') }
}

const answer = (text: string): Text => ({ kind: 'text', text })

/** The version; with `--verbose` what it was built from and what it runs on, for a report of a fault. */
const showVersion = (given: Given, { version, commit }: Surroundings): string =>
  [
    `${program} ${version}`,
    ...(given.has('verbose')
      ? [`commit ${commit ?? 'not known'}`, `Node ${process.version}, ${process.platform} ${process.arch}`]
      : []),
    '',
  ].join('\n')

/** The answers that need no parser, so that they come at once. */
function answerWithoutParsing(
  argv: readonly string[],
  commands: readonly Command[],
  around: Surroundings,
): Text | undefined {
  if (argv.length > 1) return undefined
  switch (argv[0]) {
    case undefined:
      return answer(firstHelp(commands, around))
    case '-h':
    case '--help':
    case 'help':
      return answer(rootHelp(commands, around))
    case '-V':
    case '--version':
      return answer(`${program} ${around.version}\n`)
    default:
      return undefined
  }
}

/** Goes down the words of a command line, one level of the table at a time. */
async function walk(
  argv: readonly string[],
  commands: readonly Command[],
  around: Surroundings,
): Promise<Parsed> {
  const given: Given = new Map()
  const words: string[] = []
  let rest = argv
  let command: Command | undefined
  while (!command) {
    const next = subcommands(commands, words)
    const { operands, unknown } = await scan({ args: rest, params: {}, next, words }, given)
    if (given.has('version')) return answer(showVersion(given, around))
    const word = operands[0]
    if (word === undefined) {
      if (unknown[0] !== undefined && !given.has('help')) throw unknownOption(unknown[0], {}, words)
      return answer(words.length > 0 ? groupHelp(words, commands, around) : firstHelp(commands, around))
    }
    rest = [...operands.slice(1), ...unknown]
    if (word === 'help') given.set('help', ['help'])
    else if (next.includes(word)) words.push(word)
    else throw unknownCommand(word, words, commands)
    // What is a command may have others below it.
    if (!subcommands(commands, words).includes(rest[0] ?? '')) command = findCommand(commands, words)
  }
  if (given.has('help')) return answer(helpOf(command, around))
  return command.kind === 'passthrough'
    ? passOn(command, rest, given, around)
    : await run(command, rest, given, around)
}

async function run(
  command: Command,
  args: readonly string[],
  given: Given,
  around: Surroundings,
): Promise<Parsed> {
  const params = paramsOf(command)
  const words = command.name.split(' ')
  const { operands, unknown } = await scan({ args, params, next: [], words }, given)
  if (given.has('help')) return answer(helpOf(command, around))
  if (given.has('version')) return answer(showVersion(given, around))
  if (unknown[0] !== undefined) throw unknownOption(unknown[0], params, words)
  const { input, missing, left } = inputOf(params, operands, given, command.name)
  if (left !== undefined) throw unexpected(left, command)
  return { kind: 'run', command, input, globals: globalsOf(given, around.env, command.name), missing }
}

/** Everything behind the word belongs to the other program, options included. */
function passOn(command: Command, args: readonly string[], given: Given, around: Surroundings): Run {
  const values = globalsOf(given, around.env, command.name)
  if (values.dryRun) {
    throw usage(
      `--dry-run cannot hold back \`${command.name}\`: it is run as it is`,
      `see \`${program} help ${command.name}\``,
      'no-dry-run',
    )
  }
  return { kind: 'run', command, input: { args }, globals: values, missing: [] }
}

/** One level of a command line: its options, and the words of the next level, the first of which ends it. */
interface Level {
  readonly args: readonly string[]
  readonly params: Params
  readonly next: readonly string[]
  readonly words: readonly string[]
}

/** Takes the options of one level out of a command line, into `given`. */
async function scan(
  { args, params, next, words }: Level,
  given: Given,
): Promise<{ operands: string[]; unknown: string[] }> {
  const { Command, CommanderError, Option } = await import('commander')
  const line = new Command().exitOverride().configureOutput({ writeErr: () => {} })
  line.enablePositionalOptions()
  for (const word of next) line.command(word)
  const known: Params = { ...globals, ...helpAndVersion, ...params }
  for (const [key, param] of Object.entries(known)) {
    for (const spelling of param.kind === 'argument' ? [] : spellings(key, param)) {
      const option = new Option(spelling)
      line.addOption(option)
      line.on(`option:${option.name()}`, (word = '') => given.set(key, [...(given.get(key) ?? []), word]))
    }
  }
  const bare = withoutValue(args, known, next)
  if (bare !== undefined) throw valueMissing(bare, words)
  try {
    return line.parseOptions([...args])
  } catch (error) {
    // The one thing that commander refuses here is an option at the very end without its value.
    if (error instanceof CommanderError) throw valueMissing(args.at(-1) ?? '', words)
    throw error
  }
}

/** An option as commander wants it declared: `-H, --host <value>`, and each other spelling by itself. */
function spellings(key: string, param: Param<unknown>): readonly string[] {
  const value = param.kind === 'flag' ? '' : ' <value>'
  const flags = flagsOf(key, param)
  const first = flags.slice(0, param.short === undefined ? 1 : 2)
  return [first.join(', '), ...flags.slice(first.length)].map((spelling) => `${spelling}${value}`)
}

/** An option followed by another option where its value should be: `--reason --dry-run` is never a reason. */
function withoutValue(args: readonly string[], params: Params, next: readonly string[]): string | undefined {
  const options = Object.entries(params).filter(([, { kind }]) => kind !== 'argument')
  const all = new Set(options.flatMap(([key, param]) => flagsOf(key, param)))
  const valued = new Set(
    options.filter(([, { kind }]) => kind === 'option').flatMap(([key, param]) => flagsOf(key, param)),
  )
  for (const [index, arg] of args.entries()) {
    if (arg === '--' || next.includes(arg)) return undefined
    if (valued.has(arg) && all.has(args[index + 1] ?? '')) return arg
  }
  return undefined
}
