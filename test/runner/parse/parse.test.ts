import { describe, expect, it } from 'vitest'
import { Failure } from '../../../src/base/failure.ts'
import { nearest } from '../../../src/base/suggest.ts'
import { query } from '../../../src/runner/command/command.ts'
import { missingWords } from '../../../src/runner/command/names.ts'
import { option, optionalArgument } from '../../../src/runner/command/parameters.ts'
import { time } from '../../../src/runner/command/time.ts'
import { duration, integer } from '../../../src/runner/command/types.ts'
import { referencePages } from '../../../src/runner/docs/reference.ts'
import { parse, peekOutputFlags, type Run, type Text } from '../../../src/runner/parse/parse.ts'
import { widthOf } from '../../../src/runner/terminal/text-width.ts'
import { columns, commands } from '../declared.ts'

const around = { env: {}, version: '1.2.3', color: false, columns: 80 }

const words = (line: string): string[] => line.split(' ').filter(Boolean)

async function run(line: string, env: Record<string, string> = {}): Promise<Run> {
  const parsed = await parse(words(line), commands, { ...around, env })
  if (parsed.kind !== 'run') throw new Error(`not to be run: ${line}`)
  return parsed
}

async function text(line: string): Promise<string> {
  const parsed = await parse(words(line), commands, around)
  if (parsed.kind !== 'text') throw new Error(`no text: ${line}`)
  return parsed.text
}

async function refusal(argv: string | readonly string[], env: Record<string, string> = {}): Promise<Failure> {
  const line = typeof argv === 'string' ? words(argv) : argv
  const thrown = await parse(line, commands, { ...around, env }).then(
    () => undefined,
    (cause: unknown) => cause,
  )
  if (!(thrown instanceof Failure)) throw new Error(`not refused: ${line.join(' ')} (${thrown})`)
  expect(thrown.outcome).toBe('usage')
  return thrown
}

describe('words, arguments and options', () => {
  it('parses each by its type', async () => {
    const { command, input, missing } = await run('thing make red 3 a b --uses 7')
    expect(command.name).toBe('thing make')
    expect(input).toEqual({ kind: 'red', size: 3, names: ['a', 'b'], uses: 7 })
    expect(missing).toEqual([])
  })

  it.each([
    ['thing list --format=long', { format: 'long' }],
    ['thing list --format long', { format: 'long' }],
    ['thing list -w 5m', { wait: 300_000 }],
    ['thing list -w5m', { wait: 300_000 }],
    ['thing list -aw 5m', { all: true, wait: 300_000 }],
    ['thing --json list -a', { all: true }],
  ])('understands %s', async (line, expected) => {
    expect((await run(line)).input).toMatchObject(expected)
  })

  it('fills in what is left out', async () => {
    const { input } = await run('thing list')
    expect(input).toEqual({ format: 'short', wait: undefined, all: false, from: undefined })
  })

  it('takes another spelling for the same option', async () => {
    expect((await run('thing make red 1 --use-count 5')).input).toMatchObject({ uses: 5 })
    expect((await refusal('thing make red 1 --use-count 5 --uses 6')).message).toBe(
      '--uses is given more than once',
    )
  })

  it('leaves missing arguments to be asked for', async () => {
    expect((await run('thing make')).missing).toEqual(['kind', 'size'])
    expect((await run('thing make red')).missing).toEqual(['size'])
    expect((await run('init')).missing).toEqual([])
  })

  it('takes words behind -- as they are', async () => {
    const parsed = await parse(['thing', 'make', 'red', '1', '--', '--json', '-x'], commands, around)
    expect(parsed).toMatchObject({ input: { names: ['--json', '-x'] }, globals: { json: false } })
  })

  it('hands everything behind a passed-through word on untouched', async () => {
    const { input, globals } = await run('--json -H box tool --help -v -- --json x')
    expect(input).toEqual({ args: ['--help', '-v', '--', '--json', 'x'] })
    expect(globals).toMatchObject({ json: true, host: 'box', verbose: false })
  })

  it('does not run a passed-through word for a dry run', async () => {
    expect((await refusal('-n tool x')).code).toBe('no-dry-run')
  })
})

describe('options of every command', () => {
  it.each(['-H box --json thing list', 'thing -H box list --json', 'thing list --host=box --json'])(
    'may stand anywhere: %s',
    async (line) => {
      expect((await run(line)).globals).toMatchObject({ host: 'box', json: true, yes: false, dryRun: false })
    },
  )

  it('come from the environment where the line is silent', async () => {
    const env = {
      KIMBIA_OPS_HOST: 'far',
      KIMBIA_OPS_TIMEOUT: '30s',
      KIMBIA_OPS_NO_INPUT: '1',
      KIMBIA_OPS_JSON: 'no',
    }
    expect((await run('thing list', env)).globals).toMatchObject({
      host: 'far',
      timeout: 30_000,
      noInput: true,
      json: false,
    })
    expect((await run('-H near thing list', env)).globals.host).toBe('near')
    expect((await run('thing list', { KIMBIA_OPS_HOST: '' })).globals.host).toBeUndefined()
  })

  it('never take consent from the environment', async () => {
    const env = { KIMBIA_OPS_YES: '1', KIMBIA_OPS_CONFIRM: 'x', KIMBIA_OPS_DRY_RUN: '1' }
    expect((await run('thing list', env)).globals).toMatchObject({
      yes: false,
      confirm: undefined,
      dryRun: false,
    })
  })

  it('name the variable that is wrong', async () => {
    expect((await refusal('thing list', { KIMBIA_OPS_TIMEOUT: 'soon' })).message).toMatch(
      /^KIMBIA_OPS_TIMEOUT: “soon”/,
    )
    expect((await refusal('thing list', { KIMBIA_OPS_JSON: 'perhaps' })).message).toMatch(
      /^KIMBIA_OPS_JSON: /,
    )
  })

  it('can be told of a line that is not valid', () => {
    expect(peekOutputFlags(['thing', '--frob', '--json'], {})).toEqual({ json: true, noColor: false })
    expect(peekOutputFlags(['x', '--', '--json'], {})).toEqual({ json: false, noColor: false })
    expect(peekOutputFlags(['--no-color'], { KIMBIA_OPS_JSON: '1' })).toEqual({ json: true, noColor: true })
  })
})

describe('a line that is not valid', () => {
  it.each([
    ['thin list', 'there is no command `thin`', '`kimbia-ops thing`'],
    ['thing lits', 'there is no command `thing lits`', '`kimbia-ops thing list`'],
    ['make red', 'there is no command `make`', '`kimbia-ops thing make`'],
    ['list things', 'there is no command `list`', '`kimbia-ops thing list` or `kimbia-ops box list`'],
    ['help thing lst', 'there is no command `thing lst`', '`kimbia-ops thing list`'],
    ['thing list --fromat short', '`thing list` has no option --fromat', '--format'],
    ['--jsn thing list', 'kimbia-ops has no option --jsn', '--json'],
    ['thing list --all=yes', '--all takes no value', '`kimbia-ops thing list --help`'],
    ['thing list -x', '`thing list` has no option -x', '`kimbia-ops thing list --help`'],
    [
      'thing list --format odd',
      '--format: “odd” is not one of short, long',
      '`kimbia-ops thing list --help`',
    ],
    [
      'thing make red big',
      '<size>: “big” is not a whole number from 1 to 9',
      '`kimbia-ops thing make --help`',
    ],
    ['thing list more', '“more” is one word too many', 'kimbia-ops thing list [options]'],
    [
      'thing list --format short --format long',
      '--format is given more than once',
      '`kimbia-ops thing list --help`',
    ],
    ['thing list --wait', '--wait needs a value', '--wait=VALUE'],
    ['qqqq', 'there is no command `qqqq`', '`kimbia-ops --help`'],
  ])('%s', async (line, message, hint) => {
    const failure = await refusal(line)
    expect(failure.message).toBe(message)
    expect(failure.hint).toContain(hint)
  })

  it('never takes an option for the value of another', async () => {
    expect((await refusal('thing list --from --dry-run')).message).toBe('--from needs a value')
    expect((await refusal('-H --json thing list')).message).toBe('-H needs a value')
    expect((await run('thing list --from=--dry-run')).input).toMatchObject({ from: '--dry-run' })
  })
})

describe('help', () => {
  it.each(['-h', '--help', 'help'])('of the program for “%s”', async (line) => {
    const help = await text(line)
    for (const { name, summary } of commands) expect(help).toMatch(new RegExp(`^  ${name} +${summary}$`, 'm'))
    expect(help).toContain('130 interrupted')
    expect(help).toContain('KIMBIA_OPS_HOST')
  })

  it('points a newcomer to the first step', async () => {
    expect(await text('--help')).toMatch(/New here\?\n {2}kimbia-ops init/)
    for (const line of ['', '--json'])
      expect(await text(line)).toMatch(/Begin with\n {2}kimbia-ops init +Make a host entry/)
  })

  it.each(['thing', 'thing -h', 'help thing'])('of a noun for “%s”', async (line) => {
    const help = await text(line)
    expect(help).toContain('thing make')
    expect(help).not.toContain('box list')
  })

  it.each(['thing make -h', 'help thing make', '-h thing make', 'thing -h make', 'thing make --nonsense -h'])(
    'of a command for “%s”',
    async (line) => {
      expect(await text(line)).toContain('kimbia-ops thing make <kind> <size> [names…] [options]')
    },
  )

  it('says what a command takes and gives, examples first', async () => {
    const help = await text('thing make --help')
    const order = [
      'A first paragraph',
      'Examples',
      'Arguments',
      'Options',
      'Fields of the result',
      'Exit codes',
    ]
    const found = order.map((heading) => help.indexOf(heading))
    expect(found).toEqual([...found].sort((a, b) => a - b))
    expect(found).not.toContain(-1)
    expect(help).toContain('which kind (red, blue)')
    expect(help).toContain('--uses, --use-count <n>')
    expect(help).toContain('(default 1)')
    expect(help).toContain('4 declined')
  })

  it('writes the program in front of an example that leaves it out', async () => {
    expect(await text('init -h')).toContain('  kimbia-ops init kimbia\n')
  })

  it('explains a passed-through word without running it', async () => {
    expect(await text('help tool')).toContain('kimbia-ops tool [args…]')
    expect(await text('-h tool')).toContain('kimbia-ops tool [args…]')
    expect((await text('help tool')).replaceAll(/\s+/g, ' ')).toContain(
      'those of the program itself; before it is reached, 1 failed, 2 usage, 5 unreachable, 130 interrupted',
    )
  })

  it('calls an argument as its command does, beside an option of that name', async () => {
    const named = query({
      name: 'give',
      summary: 'Give it',
      examples: [],
      result: 'one',
      input: {
        toWord: optionalArgument(integer(1), 'whom', { called: 'to' }),
        to: option(integer(1), 'whom, when it is not given as a word'),
      },
      output: columns,
      read: () => Promise.reject(new TypeError('only declared')),
    })
    const { text: help } = (await parse(['help', 'give'], [named], around)) as Text
    expect(help).toContain('kimbia-ops give [to] [options]')
    expect(help).not.toContain('to-word')
    const [, page] = [...referencePages([named], { [named.name.replace(/ .*/, '')]: 'It', host: 'It' })].map(
      ([, text]) => text,
    )
    expect(page).toContain('| `to` | whom |')
    await expect(parse(['give', 'x'], [named], around)).rejects.toThrow(/^<to>: /)
    const required = { ...named, input: { toWord: { ...named.input.toWord, count: 'one' as const } } }
    expect(missingWords(required, ['toWord']).message).toBe('<to> is missing')
  })

  it('keeps to the width of the terminal', async () => {
    for (const line of ['', 'thing', 'thing make -h', 'box list -h']) {
      for (const row of (await text(line)).split('\n')) expect(widthOf(row)).toBeLessThanOrEqual(80)
    }
  })

  it('has bold headings only in colour', async () => {
    const { text: colored } = (await parse(['-h'], commands, { ...around, color: true })) as Text
    expect(colored).toContain('\u001b[1mCommands\u001b[22m')
    expect(await text('-h')).not.toContain('\u001b')
  })
})

describe('the version', () => {
  it.each(['--version', '-V', 'thing --version', 'thing list -V'])('for “%s”', async (line) => {
    expect(await text(line)).toBe('kimbia-ops 1.2.3\n')
  })
})

describe('a time', () => {
  const now = () => Date.parse('2026-11-22T18:00:00Z')

  it.each([
    ['2026-11-22', '2026-11-22T00:00:00.000Z'],
    ['2028-02-29', '2028-02-29T00:00:00.000Z'],
    ['2026-11-22T18:00', '2026-11-22T18:00:00.000Z'],
    ['2026-11-22T01:30:00.5+02:00', '2026-11-21T23:30:00.500Z'],
    ['2026-11-22 18:04', '2026-11-22T18:04:00.000Z'],
    ['2026-11-22 18:04:05 UTC', '2026-11-22T18:04:05.000Z'],
    ['13:36', '2026-11-22T13:36:00.000Z'],
    ['18:00', '2026-11-22T18:00:00.000Z'],
    ['18:01', '2026-11-21T18:01:00.000Z'],
    ['13:36:10 UTC', '2026-11-22T13:36:10.000Z'],
    ['today', '2026-11-22T00:00:00.000Z'],
    ['yesterday', '2026-11-21T00:00:00.000Z'],
    ['90m', '2026-11-22T16:30:00.000Z'],
    ['10min', '2026-11-22T17:50:00.000Z'],
    ['2h30m', '2026-11-22T15:30:00.000Z'],
    ['2 days', '2026-11-20T18:00:00.000Z'],
    ['5 minutes ago', '2026-11-22T17:55:00.000Z'],
  ])('%s is %s', (word, at) => {
    expect(time(now).parse(word).toISOString()).toBe(at)
  })

  it.each([
    '2026-02-30',
    '2026-02-29T10:00:00Z',
    '2026-04-31T10:00+0200',
    '2026-13-01',
    '2026-00-10',
    '2026-11-22T25:00',
    '22.11.2026',
    '25:00',
    '13:61',
    '3 months',
    '5x3m',
    'ago',
    '7y',
  ])('%s is none', (word) => {
    expect(() => time(now).parse(word)).toThrow('is not a time')
  })

  it('has a length in the same units', () => {
    expect(duration.parse('90m')).toBe(5_400_000)
    expect(duration.parse('1h30min')).toBe(5_400_000)
    expect(() => duration.parse('0s')).toThrow('is not a length of time')
  })
})

describe('nearest', () => {
  const known = ['takedown', 'restore', 'reset-password', 'list', 'info']

  it.each([
    ['takedwon', 'takedown'],
    ['lits', 'list'],
    ['reset', 'reset-password'],
    ['RESTORE', 'restore'],
    ['inof', 'info'],
    ['reset_password', 'reset-password'],
    ['ResetPassword', 'reset-password'],
    ['zebra', undefined],
    ['', undefined],
    ['x', undefined],
  ])('%s is %s', (typed, meant) => {
    expect(nearest(typed, known)).toBe(meant)
  })

  it('is quick with a very long word', () => {
    expect(nearest('x'.repeat(1_000_000), known)).toBeUndefined()
  })
})
