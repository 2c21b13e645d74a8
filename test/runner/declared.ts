import { column, detail, table } from '../../src/runner/command/columns.ts'
import { type Command, passthrough, printer, procedure, query } from '../../src/runner/command/command.ts'
import {
  argument,
  flag,
  manyArguments,
  option,
  optionalArgument,
  optionOr,
} from '../../src/runner/command/parameters.ts'
import {
  choice,
  count,
  duration,
  integer,
  moment,
  optional,
  path,
  text,
} from '../../src/runner/command/types.ts'

const never = (): never => {
  throw new TypeError('only declared')
}

/** Columns of every sort. */
export const columns = {
  name: column(text, 'what it is called'),
  status: column(text, 'how it is'),
  uses: column(count, 'how often'),
  seen: column(optional(moment), 'when it was seen'),
  note: detail(text, 'more of it'),
}

/** Columns with rows inside. */
export const nested = {
  host: column(text, 'which host'),
  checks: table({ name: column(text, 'which check'), ms: column(count, 'how long') }, 'what was checked'),
}

/** A small table of commands, one of each sort. */
export const commands: readonly Command[] = [
  procedure({
    name: 'init',
    summary: 'Make a host entry',
    examples: ['init kimbia'],
    risk: 'routine',
    input: { name: optionalArgument(text, 'name of the entry') },
    output: { name: column(text, 'name of the entry') },
    plan: never,
  }),
  query({
    name: 'thing list',
    summary: 'List things',
    examples: ['kimbia-ops thing list --format short'],
    result: 'many',
    input: {
      format: optionOr(choice('format', ['short', 'long']), 'short', 'how much of each'),
      wait: option(duration, 'how long to wait', { short: 'w' }),
      all: flag('also the hidden ones', { short: 'a' }),
      from: option(path, 'a file to read'),
    },
    output: columns,
    read: never,
  }),
  procedure({
    name: 'thing make',
    summary: 'Make things',
    about: 'A first paragraph that says what it is about.\n\nA second one.',
    examples: ['kimbia-ops thing make one two --count 3'],
    risk: 'disruptive',
    input: {
      kind: argument(choice('kind', ['red', 'blue']), 'which kind'),
      size: argument(integer(1, 9), 'how big'),
      names: manyArguments(text, 'what to call them'),
      uses: optionOr(integer(1), 1, 'how often', { also: ['use-count'] }),
    },
    output: columns,
    plan: never,
  }),
  query({
    name: 'box list',
    summary: 'List boxes',
    examples: [],
    result: 'one',
    input: {},
    output: nested,
    read: never,
    outcome: () => 'findings',
  }),
  printer({
    name: 'speak',
    summary: 'Say it',
    examples: [],
    input: { word: argument(text, 'what to say') },
    print: ({ word }) => `${word}\n`,
  }),
  passthrough({
    name: 'tool',
    summary: 'Run the tool of the host',
    examples: ['kimbia-ops tool --help'],
    locate: never,
  }),
]
