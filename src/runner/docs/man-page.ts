import type { Command } from '../command/command.ts'
import { globals, helpAndVersion } from '../command/global-options.ts'
import { examplesOf, paramsOf, program, usageLine } from '../command/names.ts'
import { resultOf } from '../command/result.ts'
import { argumentsOf, type Entry, exitCodeEntries, exitCodes, fieldsOf, optionsOf } from './help.ts'
import { aboutOf, type Group, groupsOf, kindOf, type Nouns } from './reference.ts'

/** The manual pages, by their path in the repository: one of the program, and one of each noun. */
export function manPages(
  commands: readonly Command[],
  nouns: Nouns,
  version: string,
): ReadonlyMap<string, string> {
  const groups = groupsOf(commands, nouns)
  return new Map([
    [`man/${program}.1`, page(program, version, rootPage(groups))],
    ...groups.map((group): [string, string] => {
      const name = `${program}-${group.noun}`
      return [`man/${name}.1`, page(name, version, nounPage(group, groups))]
    }),
  ])
}

const page = (name: string, version: string, lines: readonly string[]): string =>
  [
    '.\\" Written by npm run reference from the declarations in src: change those.',
    `.TH ${name.toUpperCase()} 1 "" "${program} ${version}"`,
    ...lines,
    '',
  ].join('\n')

function rootPage(groups: readonly Group[]): readonly string[] {
  return [
    ...titled('NAME', [`${roff(program)} \\- operate an atproto PDS over SSH`]),
    ...titled('SYNOPSIS', [`.B ${roff(program)}`, roff('[options] <command> …')]),
    ...titled('DESCRIPTION', [
      roff('Every change is planned before and proven after. Each noun has a page of its own.'),
    ]),
    ...titled(
      'COMMANDS',
      groups.flatMap(({ noun, about, commands }) => [
        `.SS ${roff(noun)}`,
        ...paragraph(`${about}: see ${program}-${noun}(1).`),
        ...list(commands.map(({ name, summary }) => [name, summary])),
      ]),
    ),
    ...titled('OPTIONS OF EVERY COMMAND', list(optionsOf({ ...globals, ...helpAndVersion }))),
    ...titled('EXIT STATUS', list(exitCodeEntries())),
    ...titled('FILES', list(files)),
    ...seeAlso(groups.map(({ noun }) => `${program}-${noun}`)),
  ]
}

/** Files of the operator's machine; docs/on-the-host.md has those of the host. */
const files: readonly Entry[] = [
  [
    '~/.config/kimbia-ops/config.yaml',
    'the hosts, unless KIMBIA_OPS_CONFIG or XDG_CONFIG_HOME says otherwise',
  ],
  ['~/.cache/kimbia-ops', 'what Node has compiled of the program; it may be deleted at any time'],
]

function nounPage({ noun, about, commands }: Group, groups: readonly Group[]): readonly string[] {
  const others = groups.filter((it) => it.noun !== noun).map((it) => `${program}-${it.noun}`)
  return [
    ...titled('NAME', [`${roff(`${program}-${noun}`)} \\- ${roff(about)}`]),
    ...titled(
      'SYNOPSIS',
      commands.flatMap((command, index) => [...(index === 0 ? [] : ['.br']), roff(usageLine(command))]),
    ),
    ...commands.flatMap(section),
    ...seeAlso([program, ...others]),
  ]
}

function section(command: Command): readonly string[] {
  const params = paramsOf(command)
  return titled(command.name.toUpperCase(), [
    ...paragraph(`${command.summary} (${kindOf(command)}).`),
    ...aboutOf(command).flatMap(paragraph),
    ...part('Arguments', list(argumentsOf(params))),
    ...part('Options', list(optionsOf(params))),
    ...part('Fields of the result', list(fieldsOf(resultOf(command)))),
    ...part('Examples', examples(examplesOf(command))),
    ...part('Exit status', paragraph(`${exitCodes(command)}.`)),
  ])
}

const seeAlso = (names: readonly string[]): readonly string[] =>
  titled(
    'SEE ALSO',
    names.map((name, index) => `.BR ${roff(name)} (1)${index < names.length - 1 ? ' ,' : ''}`),
  )

const titled = (title: string, lines: readonly string[]): readonly string[] => [
  `.SH ${roff(title)}`,
  ...lines,
]

const part = (title: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : [`.SS ${roff(title)}`, ...lines]

const paragraph = (text: string): readonly string[] => ['.PP', roff(text)]

const list = (entries: readonly Entry[]): readonly string[] =>
  entries.flatMap(([name, about]) => ['.TP', `.B ${roff(name)}`, roff(about)])

const examples = (lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : ['.PP', '.nf', ...lines.map(roff), '.fi']

/** Text as it stands in a line of roff, in ASCII alone: it can start no request, and hyphens are those that are typed. */
function roff(text: string): string {
  const line = text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('"', '\\(dq')
    .replaceAll(/[^\n\x20-\x7e]/gu, (char) => `\\[u${hex(char)}]`)
  return /^[.']/.test(line) ? `\\&${line}` : line
}

const hex = (char: string): string => (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
