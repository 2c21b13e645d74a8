import { describe, expect, test } from 'vitest'
import type { Risk } from '../../../src/plan/plan.ts'
import { crowdOf, planned, takedowns } from '../../support/plans.ts'
import { errorOf, nothing, scriptedWorld } from '../../support/world.ts'

interface Case {
  readonly risk: Risk
  readonly targets: number
  readonly flags?: readonly string[]
  /** Answers of the person at the terminal; nobody is there without. */
  readonly answers?: readonly string[]
}

const run = ({ risk, targets, flags = [], answers }: Case) =>
  scriptedWorld({
    pds: crowdOf(targets),
    commands: planned(takedowns(targets), {}, risk),
    terminal: answers === undefined ? {} : { interactive: true, answers },
  }).run('try', 'it', '--json', ...flags)

const question = 'y/N Try it?'
const again = (said: string, what: string): string => `text “${said}” does not match. To try it, type ${what}`
const typing = (what: string): string => `text To try it, type ${what}`

describe('consent is given', () => {
  test.each<[string, Case, readonly string[]]>([
    ['routine: not asked for', { risk: 'routine', targets: 1 }, []],
    ['routine: not asked for on a terminal', { risk: 'routine', targets: 1, answers: [] }, []],
    ['disruptive: by y', { risk: 'disruptive', targets: 1, answers: ['y'] }, [question]],
    ['disruptive: by y for 25', { risk: 'disruptive', targets: 25, answers: ['y'] }, [question]],
    ['disruptive: by --yes', { risk: 'disruptive', targets: 25, flags: ['--yes'] }, []],
    [
      'disruptive: by --yes on a terminal',
      { risk: 'disruptive', targets: 1, flags: ['-y'], answers: [] },
      [],
    ],
    ['disruptive: by --confirm', { risk: 'disruptive', targets: 1, flags: ['--confirm', 'sure'] }, []],
    ['irreversible: by typing', { risk: 'irreversible', targets: 1, answers: ['sure'] }, [typing('sure')]],
    [
      'irreversible: by typing after a wrong word',
      { risk: 'irreversible', targets: 1, answers: ['surr', 'sure'] },
      [typing('sure'), again('surr', 'sure')],
    ],
    ['irreversible: by --confirm', { risk: 'irreversible', targets: 1, flags: ['--confirm', 'sure'] }, []],
    [
      'irreversible: --yes does not keep it from being asked',
      { risk: 'irreversible', targets: 1, flags: ['--yes'], answers: ['sure'] },
      [typing('sure')],
    ],
    [
      '26 disruptive: by typing the count',
      { risk: 'disruptive', targets: 26, answers: ['26'] },
      [typing('26')],
    ],
    ['26 disruptive: by --confirm', { risk: 'disruptive', targets: 26, flags: ['--confirm', '26'] }, []],
    [
      '26 disruptive: --yes does not keep it from being asked',
      { risk: 'disruptive', targets: 26, flags: ['--yes'], answers: ['26'] },
      [typing('26')],
    ],
    [
      '26 irreversible: by typing the count',
      { risk: 'irreversible', targets: 26, answers: ['26'] },
      [typing('26')],
    ],
  ])('%s', async (_, given, asked) => {
    const ran = await run(given)
    expect(ran).toMatchObject({ code: 0, asked })
    expect(ran.changes).toHaveLength(given.targets)
  })
})

describe('consent is missing', () => {
  test.each<[string, Case, string, readonly string[]]>([
    ['disruptive, and nobody is there', { risk: 'disruptive', targets: 1 }, 'consent-missing', []],
    [
      'disruptive, and nobody may be asked',
      { risk: 'disruptive', targets: 1, flags: ['--no-input'], answers: [] },
      'consent-missing',
      [],
    ],
    ['disruptive, and n', { risk: 'disruptive', targets: 1, answers: ['n'] }, 'declined', [question]],
    [
      'another value is confirmed',
      { risk: 'disruptive', targets: 1, flags: ['--confirm', 'other', '--yes'], answers: [] },
      'confirm-mismatch',
      [],
    ],
    [
      'another value is confirmed of what is routine',
      { risk: 'routine', targets: 1, flags: ['--confirm', 'other'] },
      'confirm-mismatch',
      [],
    ],
    [
      'irreversible, and --yes alone',
      { risk: 'irreversible', targets: 1, flags: ['-y'] },
      'confirm-missing',
      [],
    ],
    [
      'irreversible, and never the right word',
      { risk: 'irreversible', targets: 1, answers: ['y', 'Sure', 'yes'] },
      'declined',
      [typing('sure'), again('y', 'sure'), again('Sure', 'sure')],
    ],
    [
      'irreversible, and Enter behind a wrong word',
      { risk: 'irreversible', targets: 1, answers: ['y', ''] },
      'declined',
      [typing('sure'), again('y', 'sure')],
    ],
    ['26, and --yes alone', { risk: 'disruptive', targets: 26, flags: ['--yes'] }, 'confirm-missing', []],
    [
      '26, and y',
      { risk: 'disruptive', targets: 26, answers: ['y', ''] },
      'declined',
      [typing('26'), again('y', '26')],
    ],
    [
      '26, and another count',
      { risk: 'disruptive', targets: 26, flags: ['--confirm', '25'] },
      'confirm-mismatch',
      [],
    ],
  ])('%s: nothing is done', async (_, given, code, asked) => {
    const ran = await run(given)
    expect(ran).toMatchObject({ code: 4, stdout: '', asked, ...nothing })
    expect(errorOf(ran)).toMatchObject({ code })
  })

  test('the hint is what a script has to say', async () => {
    expect(errorOf(await run({ risk: 'disruptive', targets: 1 })).hint).toContain('--yes')
    expect(errorOf(await run({ risk: 'irreversible', targets: 1 })).hint).toContain('--confirm sure')
    expect(errorOf(await run({ risk: 'disruptive', targets: 26 })).hint).toContain('--confirm 26')
  })

  test('an empty answer is no consent, whatever was to be typed', async () => {
    const ran = await run({ risk: 'irreversible', targets: 1, answers: [' '] })
    expect(ran).toMatchObject({ code: 4, ...nothing })
  })
})

test.each([
  ['irreversible', 'routine', 4],
  ['routine', 'irreversible', 0],
] as const)('a plan that is %s counts more than a command that is %s', async (risk, declared, code) => {
  const commands = planned(takedowns(1), { risk }, declared)
  expect(await scriptedWorld({ pds: crowdOf(1), commands }).run('try', 'it', '--yes')).toMatchObject({ code })
})

test('only targets that change are counted', async () => {
  const same = takedowns(30).map((item, index) => (index < 5 ? { ...item, steps: [] } : item))
  const world = scriptedWorld({ pds: crowdOf(30), commands: planned(same) })
  const ran = await world.run('try', 'it', '--yes')
  expect(ran).toMatchObject({ code: 0 })
  expect(ran.changes).toHaveLength(25)
})

test.each([
  ['27', 0],
  ['sure', 0],
  ['30', 4],
])('of 30 targets of which 27 change, %s may be confirmed: %i', async (value, code) => {
  const items = takedowns(30).map((item, index) => (index < 3 ? { ...item, steps: [] } : item))
  const world = scriptedWorld({ pds: crowdOf(30), commands: planned(items) })
  const ran = await world.run('try', 'it', '--confirm', value)
  expect(ran).toMatchObject({ code })
  expect(ran.changes).toHaveLength(code === 0 ? 27 : 0)
})

test('where nothing changes, nothing is asked', async () => {
  const same = takedowns(30).map((item) => ({ ...item, steps: [] }))
  const ran = await scriptedWorld({ commands: planned(same, {}, 'irreversible') }).run('try', 'it')
  expect(ran).toMatchObject({ code: 0, ...nothing })
})

describe('what judges the targets', () => {
  const evidence = async () => ({
    of: new Map([
      ['user0.test', { facts: ['a@b.example', 'made 2 h ago'], words: 'buy\u001b[2J now', differs: [] }],
      ['user29.test', { facts: ['made 812 days ago'], words: null, differs: ['has 214 records'] }],
    ]),
    totals: ['made today'],
  })
  const asked = (flags: readonly string[], answers?: readonly string[]) =>
    scriptedWorld({
      pds: crowdOf(30),
      commands: planned(takedowns(30), { evidence }),
      terminal: answers ? { interactive: true, answers } : {},
    }).run('try', 'it', ...flags)

  test('is shown of all of them where a person is asked, what differs first, and harmless', async () => {
    const { stderr } = await asked([], ['30'])
    expect(stderr).toMatch(
      /user29\.test\n {4}made 812 days ago\n {4}differs: has 214 records\n {2}user0\.test/,
    )
    expect(stderr).toContain('a@b.example, made 2 h ago, “buy\\u{1b}[2J now”')
    for (let i = 0; i < 30; i++) expect(stderr).toContain(`user${i}.test`)
    expect(stderr).toContain(
      '  made today\n  1 account differs from the rest:\n    user29.test: has 214 records',
    )
  })

  test.each([['--confirm', '30'], ['--dry-run']])('is not looked for with %s', async (...flags) => {
    const ran = await asked(flags)
    expect(ran.code).toBe(0)
    expect(ran.stderr + ran.stdout).not.toContain('differs')
  })
})

describe('whatever is asked about was shown before', () => {
  const combinations = (['disruptive', 'irreversible'] as const).flatMap((risk) =>
    [[], ['--json'], ['--quiet'], ['--yes'], ['--quiet', '--json'], ['--quiet', '--yes']].map(
      (flags) => [risk, flags] as const,
    ),
  )
  test.each(combinations)('%s %j', async (risk, flags) => {
    const asks = risk === 'irreversible' || !flags.includes('--yes')
    const answers = asks ? [risk === 'irreversible' ? '' : 'n'] : []
    const world = scriptedWorld({
      pds: crowdOf(2),
      commands: planned(takedowns(2), { warnings: ['mind the gap'] }, risk),
      terminal: { interactive: true, answers },
    })
    const ran = await world.run('try', 'it', ...flags)
    expect(ran.asked).toHaveLength(answers.length)
    if (!asks) return
    for (const word of ['user0.test', 'user1.test', 'kimbia (ops@pds.test:22)', 'mind the gap'])
      expect(ran.stderr).toContain(word)
  })
})
