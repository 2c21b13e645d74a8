import type { Command } from '../command/command.ts'
import { globals, helpAndVersion } from '../command/global-options.ts'
import { examplesOf, paramsOf, program, usageLine } from '../command/names.ts'
import type { Params } from '../command/parameters.ts'
import { resultOf } from '../command/result.ts'
import { argumentsOf, type Entry, exitCodeEntries, exitCodes, fieldsOf, optionsOf } from './help.ts'

/** What each noun is about; commands of a single word are under `host`. */
export type Nouns = Readonly<Record<string, string>>

/** The commands of a noun, which share a page. */
export interface Group {
  readonly noun: string
  readonly about: string
  readonly commands: readonly Command[]
}

/** The commands by noun, in the order of the nouns; a noun that nobody described is a bug. */
export function groupsOf(commands: readonly Command[], nouns: Nouns): readonly Group[] {
  const unknown = commands.find(({ name }) => nouns[nounOf(name, nouns)] === undefined)
  if (unknown) throw new TypeError(`nothing says what ${nounOf(unknown.name, nouns)} is about`)
  return Object.entries(nouns)
    .map(([noun, about]) => ({
      noun,
      about,
      commands: commands.filter(({ name }) => nounOf(name, nouns) === noun),
    }))
    .filter((group) => group.commands.length > 0)
}

const nounOf = (name: string, nouns: Nouns): string => {
  const [first = ''] = name.split(' ')
  return name.includes(' ') || nouns[first] !== undefined ? first : 'host'
}

/** The generated pages in Markdown, by their path in the repository. */
export function referencePages(commands: readonly Command[], nouns: Nouns): ReadonlyMap<string, string> {
  const groups = groupsOf(commands, nouns)
  return new Map([
    ['docs/commands/README.md', page(index(groups))],
    ...groups.map((group): [string, string] => [`docs/commands/${group.noun}.md`, page(nounPage(group))]),
    ['docs/exit-codes.md', page(exitCodePage(commands))],
  ])
}

const generated = '<!-- Written by `npm run reference` from the declarations in src: change those. -->'

const page = (parts: readonly string[]): string => `${[generated, ...parts].join('\n\n')}\n`

function index(groups: readonly Group[]): readonly string[] {
  const everywhere: Params = { ...globals, ...helpAndVersion }
  return [
    '# Commands',
    ...groups.flatMap(({ noun, about, commands }) => [
      `## [${noun}](${noun}.md)`,
      `${about}.`,
      rows(
        ['command', 'what it does'],
        commands.map(({ name, summary }) => [link(noun, name), cell(summary)]),
      ),
    ]),
    '## Options of every command',
    'They stand before or behind the words of the command. A flag beats the environment, which beats the config.',
    entries(['option', 'meaning'], optionsOf(everywhere)),
    '[Exit codes](../exit-codes.md) are the same everywhere.',
  ]
}

function nounPage({ noun, about, commands }: Group): readonly string[] {
  return [
    `# ${noun}`,
    `${about}.`,
    '[All commands](README.md), and the options of every command · [Exit codes](../exit-codes.md)',
    ...commands.flatMap(section),
  ]
}

function exitCodePage(commands: readonly Command[]): readonly string[] {
  return [
    '# Exit codes',
    'More may be added: take one that you do not know for a failure. What to do with them in a script is in [Scripting](scripting.md).',
    entries(['code', 'meaning'], exitCodeEntries()),
    '## By command',
    rows(
      ['command', 'codes'],
      commands.map((command) => [`\`${command.name}\``, cell(exitCodes(command))]),
    ),
  ]
}

function section(command: Command): readonly string[] {
  const params = paramsOf(command)
  return [
    `## ${program} ${command.name}`,
    `${command.summary} (${kindOf(command)}).`,
    `\`\`\`\n${usageLine(command)}\n\`\`\``,
    ...aboutOf(command),
    ...optional(['argument', 'meaning'], argumentsOf(params)),
    ...optional(['option', 'meaning'], optionsOf(params)),
    ...optional(['field', 'meaning'], fieldsOf(resultOf(command))),
    ...(examplesOf(command).length > 0 ? [`\`\`\`sh\n${examplesOf(command).join('\n')}\n\`\`\``] : []),
    `Exit codes: ${exitCodes(command)}.`,
  ]
}

/** The paragraphs about a command. */
export const aboutOf = ({ about = '' }: Command): readonly string[] => about.split(/\n\s*\n/).filter(Boolean)

/** Whether a command reads or changes, and how much harm a mistake does. */
export const kindOf = (command: Command): string =>
  `${kinds[command.kind]}${command.kind === 'procedure' ? `, ${command.risk}` : ''}`

const kinds: Readonly<Record<Command['kind'], string>> = {
  query: 'reads',
  procedure: 'changes',
  printer: 'prints, contacts nothing',
  passthrough: 'passed through',
}

const optional = (heads: Entry, lines: readonly Entry[]): readonly string[] =>
  lines.length > 0 ? [entries(heads, lines)] : []

const entries = (heads: Entry, lines: readonly Entry[]): string =>
  rows(
    heads,
    lines.map(([name, about]) => [`\`${name.replaceAll('|', '\\|')}\``, cell(about)]),
  )

const rows = (heads: Entry, lines: readonly Entry[]): string =>
  [heads, ['---', '---'], ...lines].map(([left, right]) => `| ${left} | ${right} |`).join('\n')

/** Text as it stands in a cell of a table. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')

const link = (noun: string, name: string): string =>
  `[\`${name}\`](${noun}.md#${program}-${name.replaceAll(' ', '-')})`
