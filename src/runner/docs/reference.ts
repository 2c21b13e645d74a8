import type { Command } from '../command/command.ts'
import { globals, helpAndVersion } from '../command/global-options.ts'
import { examplesOf, paramsOf, program, usageLine } from '../command/names.ts'
import type { Params } from '../command/parameters.ts'
import { resultOf } from '../command/result.ts'
import { argumentsOf, type Entry, exitCodeEntries, exitCodes, fieldsOf, optionsOf } from './help.ts'

/** Where the reference stands in the README. */
export const markers = { start: '<!-- reference:start -->', end: '<!-- reference:end -->' } as const

/** The reference of all commands in Markdown. */
export function reference(commands: readonly Command[]): string {
  const everywhere: Params = { ...globals, ...helpAndVersion }
  return [
    '### Commands',
    rows(
      ['command', 'what it does'],
      commands.map(({ name, summary }) => [link(name), cell(summary)]),
    ),
    '### Options of every command',
    'They stand before or behind the words of the command. A flag beats the environment, which beats the config.',
    entries(['option', 'meaning'], optionsOf(everywhere)),
    '### Exit codes',
    'More may be added: take one that you do not know for a failure.',
    entries(['code', 'meaning'], exitCodeEntries()),
    ...commands.flatMap(section),
  ].join('\n\n')
}

/** A README with the reference between its markers. */
export function withReference(readme: string, text: string): string {
  const start = readme.indexOf(markers.start)
  const end = readme.indexOf(markers.end)
  if (start < 0 || end < start) throw new TypeError(`the README lacks ${markers.start} … ${markers.end}`)
  return `${readme.slice(0, start + markers.start.length)}\n\n${text}\n\n${readme.slice(end)}`
}

function section(command: Command): readonly string[] {
  const params = paramsOf(command)
  const about = (command.about ?? '').split(/\n\s*\n/).filter(Boolean)
  const risk = command.kind === 'procedure' ? `, ${command.risk}` : ''
  return [
    `### ${program} ${command.name}`,
    `${command.summary} (${kinds[command.kind]}${risk}).`,
    `\`\`\`\n${usageLine(command)}\n\`\`\``,
    ...about,
    ...optional(['argument', 'meaning'], argumentsOf(params)),
    ...optional(['option', 'meaning'], optionsOf(params)),
    ...optional(['field', 'meaning'], fieldsOf(resultOf(command))),
    ...(examplesOf(command).length > 0 ? [`\`\`\`sh\n${examplesOf(command).join('\n')}\n\`\`\``] : []),
    `Exit codes: ${exitCodes(command)}.`,
  ]
}

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

const link = (name: string): string => `[\`${name}\`](#${program}-${name.replaceAll(' ', '-')})`
