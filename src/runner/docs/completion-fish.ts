import type { Command } from '../command/command.ts'
import { program } from '../command/names.ts'
import type { Param, Params } from '../command/parameters.ts'
import { everywhere, ownParams, type Place, placesOf, spelledOptions } from './completion-tables.ts'

/** A word for fish: single quotes know two escapes. */
const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

const hosts = `(${program} hosts --no-input </dev/null 2>/dev/null | cut -f 1)`

/** The completion script of fish. */
export function fishScript(commands: readonly Command[]): string {
  const places = placesOf(commands)
  return [
    `# fish completion of ${program}`,
    at(places),
    'function __kimbia_ops_is\n    test (__kimbia_ops_at) = "$argv"\nend',
    `complete -c ${program} -f`,
    ...options(everywhere, ''),
    ...places.flatMap(placeLines),
    '',
  ].join('\n')
}

/** A function that prints the words of the command so far. */
function at(places: readonly Place[]): string {
  const params = [everywhere, ...places.map(ownParams)].flatMap(spelledOptions)
  const valued = new Set(params.filter(({ param }) => param.kind === 'option').flatMap(({ flags }) => flags))
  const known = places.map(({ words }) => quoted(words)).join(' ')
  return `function __kimbia_ops_at
    set -l at
    set -l value no
    for word in (commandline -opc)[2..-1]
        if test $value = yes
            set value no
            continue
        end
        switch $word
            case ${[...valued].map(quoted).join(' ')}
                set value yes
            case '-*'
            case '*'
                set -l longer (string join ' ' -- $at $word)
                contains -- $longer ${known}
                and set at $longer
        end
    end
    echo "$at"
end`
}

function placeLines(place: Place): readonly string[] {
  const when = ` -n ${quoted(`__kimbia_ops_is ${place.words}`.trimEnd())}`
  const args = Object.values(ownParams(place)).filter(({ kind }) => kind === 'argument')
  return [
    ...place.next.map(
      ([word, about]) => `complete -c ${program}${when} -a ${quoted(word)} -d ${quoted(about)}`,
    ),
    ...options(ownParams(place), when),
    ...args.flatMap((param) => {
      const offer = offered(param)
      return offer === '' ? [] : [`complete -c ${program}${when}${offer}`]
    }),
    ...(place.command?.kind === 'passthrough' ? [`complete -c ${program}${when} -F`] : []),
  ]
}

const options = (params: Params, when: string): readonly string[] =>
  spelledOptions(params).map(({ flags, param }) => {
    const spellings = flags.map((flag) =>
      flag.startsWith('--') ? ` -l ${flag.slice(2)}` : ` -s ${flag.slice(1)}`,
    )
    const value =
      param.kind === 'flag' ? '' : ` ${param.type.completes === 'file' ? '-r' : '-x'}${offered(param)}`
    return `complete -c ${program}${when}${spellings.join('')}${value} -d ${quoted(param.about)}`
  })

/** What fish offers for a value. */
function offered({ type }: Param<unknown>): string {
  if (type.choices) return ` -a ${quoted(type.choices.join(' '))}`
  if (type.completes === 'host') return ` -a ${quoted(hosts)}`
  return type.completes === 'file' ? ' -F' : ''
}
