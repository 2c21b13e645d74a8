import { type Outcome, outcomes } from '../../base/failure.ts'
import type { Columns } from '../command/columns.ts'
import type { Command } from '../command/command.ts'
import { globals, helpAndVersion } from '../command/global-options.ts'
import {
  examplesOf,
  labelOf,
  optionSpelling,
  paramsOf,
  program,
  subcommands,
  usageLine,
} from '../command/names.ts'
import type { Param, Params } from '../command/parameters.ts'
import { resultOf } from '../command/result.ts'
import { type Paint, paintOf } from '../terminal/color.ts'
import { widthOf, wrap } from '../terminal/text-width.ts'

/** How a help text is shown. */
export interface Look {
  readonly color: boolean
  readonly columns: number
}

/** A name and what it means, one line of a list. */
export type Entry = readonly [name: string, about: string]

/** The outcomes a command may have, by what it is. */
function outcomesOf(command: Command): readonly Outcome[] {
  switch (command.kind) {
    case 'query':
      return command.outcome
        ? ['ok', 'failed', 'usage', 'findings', 'unreachable', 'interrupted']
        : ['ok', 'failed', 'usage', 'unreachable', 'interrupted']
    case 'procedure':
      return command.on === 'host' || command.on === 'pending change'
        ? ['ok', 'failed', 'usage', 'declined', 'unreachable', 'partial', 'busy', 'interrupted']
        : ['ok', 'failed', 'usage', 'declined', 'unreachable', 'partial', 'interrupted']
    case 'printer':
      return ['ok', 'usage']
    case 'passthrough':
      return ['failed', 'usage', 'unreachable', 'interrupted']
  }
}

/** The exit codes of a command in a line: `0 ok, 1 failed`. */
export function exitCodes(command: Command): string {
  const own = command.kind === 'passthrough' ? 'those of the program itself; before it is reached, ' : ''
  const codes = outcomesOf(command).map((name) => `${outcomes[name].code} ${name}`)
  return `${own}${codes.join(', ')}`
}

/** What an option means, with the words it takes and what holds without it. */
export function aboutParam(param: Param<unknown>): string {
  const { type, kind, about, fallback, env } = param
  const choices = type.choices === undefined ? [] : [type.choices.join(', ')]
  const preset = kind === 'flag' || fallback === undefined ? [] : [`default ${type.show(fallback)}`]
  const notes = [...choices, ...preset, ...(env === undefined ? [] : [env])]
  return notes.length === 0 ? about : `${about} (${notes.join('; ')})`
}

/** The arguments of a command, in order. */
export const argumentsOf = (params: Params): readonly Entry[] =>
  Object.entries(params)
    .filter(([, { kind }]) => kind === 'argument')
    .map(([key, param]) => [labelOf(key, param), aboutParam(param)])

/** The options among some parameters, as they are typed. */
export const optionsOf = (params: Params): readonly Entry[] =>
  Object.entries(params)
    .filter(([, { kind }]) => kind !== 'argument')
    .map(([key, param]) => [optionSpelling(key, param), aboutParam(param)])

/** The fields of a result; those of nested rows as `checks.name`. */
export const fieldsOf = (columns: Columns, before = ''): readonly Entry[] =>
  Object.entries(columns).flatMap(([key, { about, rows }]) => [
    [`${before}${key}`, about],
    ...(rows === undefined ? [] : fieldsOf(rows, `${before}${key}.`)),
  ])

const everywhere: Params = { ...globals, ...helpAndVersion }

const purpose = 'Operate an atproto PDS over SSH: every change planned before, proven after.'

/** What is said where no command is given, on one small screen: how to begin, and the words there are. */
export function firstHelp(commands: readonly Command[], look: Look): string {
  const paint = paintOf(look)
  const first = commands.filter(({ name }) => ['init', 'status', 'health'].includes(name))
  const nouns = [
    ...new Set(commands.flatMap(({ name }) => (name.includes(' ') ? [name.replace(/ .*/, '')] : []))),
  ]
  const single = subcommands(commands, []).filter((word) => !nouns.includes(word))
  return page([
    [purpose],
    section(
      paint,
      'Begin with',
      list(
        first.map((it) => [`${program} ${it.name}`, it.summary]),
        look,
      ),
    ),
    section(
      paint,
      'Commands',
      list(
        [
          ...nouns.map((noun): Entry => [noun, subcommands(commands, [noun]).join(', ')]),
          ['and', single.join(', ')],
        ],
        look,
      ),
    ),
    [
      `\`${program} --help\` tells what each does, and the options and exit codes of all;`,
      `\`${program} help <command>\` tells more of one.`,
    ],
  ])
}

/** The help of the program itself: every command in a line. */
export function rootHelp(commands: readonly Command[], look: Look): string {
  const paint = paintOf(look)
  const first = commands.find(({ name }) => name === 'init')
  return page([
    [purpose],
    section(paint, 'Usage', [`  ${program} [options] <command> …`]),
    first ? section(paint, 'New here?', list([[usageLine(first), first.summary]], look)) : [],
    section(paint, 'Commands', blocks(commands, look)),
    section(paint, 'Options of every command', optionList(optionsOf(everywhere), look)),
    section(paint, 'Exit codes', list(exitCodeEntries(), look)),
    [`\`${program} help <command>\` tells more of one command.`],
  ])
}

/** The help of a noun: its verbs. */
export function groupHelp(words: readonly string[], commands: readonly Command[], look: Look): string {
  const paint = paintOf(look)
  const inside = commands.filter(({ name }) => name.startsWith(`${words.join(' ')} `))
  return page([
    section(paint, 'Usage', [
      `  ${program} ${words.join(' ')} <${subcommands(commands, words).join(' | ')}> …`,
    ]),
    section(paint, 'Commands', list(inside.map(entryOf), look)),
    [`\`${program} help ${words.join(' ')} <command>\` tells more of one command.`],
  ])
}

/** The help of one command, its examples before its options. */
export function helpOf(command: Command, look: Look): string {
  const paint = paintOf(look)
  const params = paramsOf(command)
  const paragraphs = (command.about ?? '').split(/\n\s*\n/).filter(Boolean)
  return page([
    wrap(command.summary, columnsOf(look)),
    section(paint, 'Usage', [`  ${usageLine(command)}`]),
    ...paragraphs.map((text) => wrap(text, columnsOf(look))),
    section(
      paint,
      'Examples',
      examplesOf(command).map((example) => `  ${example}`),
    ),
    section(paint, 'Arguments', list(argumentsOf(params), look)),
    section(paint, 'Options', optionList(optionsOf(params), look)),
    section(paint, 'Fields of the result', list(fieldsOf(resultOf(command)), look)),
    section(paint, 'Exit codes', closing(command, look)),
  ])
}

function closing(command: Command, look: Look): readonly string[] {
  const codes = wrap(exitCodes(command), columnsOf(look) - 2)
  const more = wrap(
    `\`${program} --help\` tells what they mean, and the options of every command.`,
    columnsOf(look),
  )
  return [...codes.map((line) => `  ${line}`), '', ...more]
}

/** Every exit code with what it promises. */
export const exitCodeEntries = (): readonly Entry[] =>
  Object.entries(outcomes).map(([name, { code, meaning }]) => [`${code} ${name}`, meaning])

const entryOf = ({ name, summary }: Command): Entry => [name, summary]

/** The commands by noun, a block each, neighbouring single words together, in the order of the table. */
function blocks(commands: readonly Command[], look: Look): readonly string[] {
  const found = new Map<string, Entry[]>()
  let single = ''
  for (const command of commands) {
    const noun = command.name.includes(' ') ? (command.name.split(' ', 1)[0] ?? '') : ''
    single = noun === '' ? single || `before ${command.name}` : ''
    const block = noun || single
    found.set(block, [...(found.get(block) ?? []), entryOf(command)])
  }
  const room = Math.max(...commands.map(({ name }) => name.length), 0)
  return [...found.values()].flatMap((entries, index) => [
    ...(index === 0 ? [] : ['']),
    ...list(entries, look, room),
  ])
}

/** Options below each other, those without a short form set in. */
function optionList(entries: readonly Entry[], look: Look): readonly string[] {
  const shortest = entries.some(([name]) => !name.startsWith('--')) ? '    ' : ''
  return list(
    entries.map(([name, about]) => [name.startsWith('--') ? `${shortest}${name}` : name, about]),
    look,
  )
}

const columnsOf = ({ columns }: Look): number => Math.min(Math.max(columns, 60), 100)

const widestName = 34

/** Names and meanings in two columns; a long name has its meaning on the next line. */
function list(entries: readonly Entry[], look: Look, least = 0): readonly string[] {
  const names = entries.map(([name]) => widthOf(name)).filter((width) => width <= widestName)
  const room = Math.max(least, ...names, 0)
  return entries.flatMap(([name, about]) => {
    const [head = '', ...more] = wrap(about, columnsOf(look) - room - 4)
    const rest = more.map((line) => `${' '.repeat(room + 4)}${line}`)
    const space = room - widthOf(name)
    if (space < 0) return [`  ${name}`, `${' '.repeat(room + 4)}${head}`, ...rest]
    return [`  ${name}${' '.repeat(space)}  ${head}`, ...rest]
  })
}

const section = (paint: Paint, heading: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : [paint.bold(heading), ...lines]

const page = (sections: readonly (readonly string[])[]): string =>
  `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => line.trimEnd()).join('\n'))
    .join('\n\n')}\n`
