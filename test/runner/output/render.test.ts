import { setImmediate as idle } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Failure, usage } from '../../../src/base/failure.ts'
import { Secret } from '../../../src/base/secret.ts'
import type { PdsPlan, Risk } from '../../../src/plan/plan.ts'
import { shell, write } from '../../../src/plan/steps/host.ts'
import { later } from '../../../src/plan/steps/placeholders.ts'
import type { SaveStep } from '../../../src/plan/steps/save.ts'
import { type Columns, column } from '../../../src/runner/command/columns.ts'
import { room, took } from '../../../src/runner/command/measures.ts'
import { did, handle, moment, optional, text } from '../../../src/runner/command/types.ts'
import { openRenderer, type Rendering } from '../../../src/runner/output/render.ts'
import { showCount, showDryRun, showFailure, showPlan } from '../../../src/runner/output/report.ts'
import type { Output } from '../../../src/runner/terminal/terminal.ts'
import { widthOf } from '../../../src/runner/terminal/text-width.ts'
import { act } from '../../../src/ssh/shell.ts'
import { takedowns } from '../../support/plans.ts'
import { columns, nested } from '../declared.ts'

interface Paper extends Output {
  readonly text: string
}

function paper(parts: Partial<Omit<Output, 'write'>> = {}, takes = Number.POSITIVE_INFINITY): Paper {
  let text = ''
  let writes = 0
  return {
    tty: false,
    color: false,
    columns: Number.POSITIVE_INFINITY,
    ...parts,
    get text() {
      return text
    },
    async write(more) {
      if (more !== '') writes++
      if (writes > takes) return false
      text += more
      return true
    },
  }
}

const screen = (width: number, color = false): Paper => paper({ tty: true, columns: width, color })

type Rows = readonly Readonly<Record<string, unknown>>[]

async function shown(output: Paper, fields: Columns, rendering: Rendering, rows: Rows, extra?: Rows[number]) {
  const renderer = openRenderer(output, fields, rendering)
  for (const row of rows) await renderer.row(row, extra)
  await renderer.end()
  return output.text
}

const one = { json: false, result: 'one' } as const
const many = { json: false, result: 'many' } as const
const json = { json: true, result: 'many' } as const

const row = { name: 'a', status: 'active', uses: 3, seen: '2026-11-22T18:04:05.678Z', note: 'more' }

/** What moves a cursor, hides or reorders text. */
const hostile = 'a\u001b[2J\u0007b\nc\td\u009be\u202ef\u2066g\u200bh\u2028i\u007fj\ufeffk\u{e0041}l'

describe('JSON', () => {
  it('is one object per line with all fields in declared order', async () => {
    const mixed = { note: 'more', seen: null, uses: 3, status: 'active', name: 'a' }
    const text = await shown(paper(), columns, json, [mixed, { ...mixed, name: 'b' }])
    expect(text).toBe(
      '{"name":"a","status":"active","uses":3,"seen":null,"note":"more"}\n{"name":"b","status":"active","uses":3,"seen":null,"note":"more"}\n',
    )
  })

  it('ends with what the runner adds', async () => {
    const text = await shown(
      paper(),
      { name: columns.name },
      { json: true, result: 'one' },
      [{ name: 'a' }],
      { changed: true },
    )
    expect(text).toBe('{"name":"a","changed":true}\n')
  })

  it('says null for a value that never came', async () => {
    expect(await shown(paper(), { name: columns.name }, json, [{ name: later('x.y') }])).toBe(
      '{"name":null}\n',
    )
  })

  it('has nested rows inside', async () => {
    const text = await shown(paper(), nested, { json: true, result: 'one' }, [
      { host: 'h', checks: [{ name: 'ssh', ms: 4 }] },
    ])
    expect(JSON.parse(text)).toEqual({ host: 'h', checks: [{ name: 'ssh', ms: 4 }] })
  })

  it('is harmless on a terminal, and the same to a parser', async () => {
    const text = await shown(paper(), { name: columns.name }, json, [{ name: hostile }])
    expect(text).toMatch(/^[\x20-\x7e]+\n$/)
    expect(JSON.parse(text)).toEqual({ name: hostile })
  })

  it('is the one field of a command that passes an answer on', async () => {
    const bare = { json: false, result: 'one', bare: 'name' } as const
    expect(await shown(paper(), columns, bare, [row])).toBe('"a"\n')
    expect(await shown(paper(), columns, { ...bare, bare: 'uses' }, [row], { changed: true })).toBe('3\n')
  })
})

describe('a pipe', () => {
  it('has neither heading nor details, and the whole of each time', async () => {
    expect(await shown(paper(), columns, many, [row, { ...row, seen: null }])).toBe(
      'a\tactive\t3\t2026-11-22T18:04:05.678Z\na\tactive\t3\t-\n',
    )
  })

  it('has the same number of fields in every line, whatever the values', async () => {
    const rows = [row, { ...row, name: hostile }, { ...row, name: undefined, seen: later('x') }]
    const text = await shown(paper(), columns, many, rows, { changed: false })
    const lines = text.split('\n').slice(0, -1)
    expect(lines.map((line) => line.split('\t').length)).toEqual([5, 5, 5])
  })

  it('has a line for each field of a single row, details and nested rows included', async () => {
    expect(await shown(paper(), columns, one, [row])).toContain('note\tmore\n')
    const checks = [
      { name: 'ssh', ms: 4 },
      { name: 'pds', ms: 5 },
    ]
    expect(await shown(paper(), nested, one, [{ host: 'h', checks }])).toBe(
      'host\th\nchecks\tssh\t4\nchecks\tpds\t5\n',
    )
  })

  it('never cuts', async () => {
    const name = 'x'.repeat(5000)
    expect(await shown(paper(), columns, many, [{ ...row, name }])).toContain(name)
  })
})

describe('a table', () => {
  it('aligns columns by what they look like, numbers at the right', async () => {
    const rows = [
      { ...row, name: '日本', uses: 3 },
      { ...row, name: 'ascii', uses: 100 },
      { ...row, name: '👩‍🚀'.replace('\u200d', ''), uses: 7 },
      { ...row, name: 'e\u0301te\u0301', uses: 8 },
    ]
    const lines = (await shown(screen(100), columns, many, rows)).split('\n').slice(0, -1)
    expect(lines[0]).toBe('name   status  uses  seen (UTC)')
    expect(new Set(lines.slice(1).map((line) => widthOf(line))).size).toBe(1)
    expect(lines[2]).toBe('ascii  active   100  2026-11-22 18:04:05')
  })

  it('fits the terminal by cutting its widest columns', async () => {
    const rows = Array.from({ length: 5 }, (_, index) => ({ ...row, name: `${index}${'長'.repeat(40)}` }))
    for (const width of [40, 60, 80]) {
      const lines = (await shown(screen(width), columns, many, rows)).split('\n').slice(0, -1)
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width)
      expect(lines[1]).toContain('…')
      if (width >= 60) expect(lines[1]).toContain('2026-11-22 18:04:05')
    }
  })

  it('drops columns from the right, spare ones first, and says which', async () => {
    const fields = {
      handle: column(handle, 'name'),
      did: column(did, 'identifier'),
      email: column(text, 'address', { spare: true }),
      status: column(text, 'how it is'),
      createdAt: column(moment, 'when', { spare: true }),
    }
    const account = {
      handle: 'a-long-name.kimbia.social',
      did: `did:plc:${'x'.repeat(24)}`,
      email: 'somebody@example.com',
      status: 'takendown',
      createdAt: '2026-11-22T18:04:05.678Z',
    }
    const at = async (width: number) =>
      (await shown(screen(width), fields, many, [account])).split('\n').slice(0, -1)
    expect((await at(120))[0]).toMatch(/^handle +DID +email +status +created \(UTC\)$/)
    expect((await at(120))[2]).toBeUndefined()
    expect((await at(100))[2]).toBe('no room for: created')
    expect((await at(80))[2]).toBe('no room for: email, created')
    for (const width of [10, 40, 60, 80, 100, 120]) expect((await at(width))[1]).toContain(account.handle)
    expect((await at(60))[1]).toContain(account.did)
    expect((await at(40))[2]).toBe('no room for: DID, email, status, created')
  })

  it('never cuts a name, a number or a time that came after the widths were chosen', async () => {
    const output = screen(40)
    const renderer = openRenderer(
      output,
      { handle: column(handle, 'name'), note: column(text, 'more') },
      many,
    )
    for (let index = 0; index < 200; index++) await renderer.row({ handle: 'a.test', note: 'short' })
    const long = `${'b'.repeat(60)}.test`
    await renderer.row({ handle: long, note: 'n'.repeat(60) })
    expect(output.text).toContain(long)
    expect(output.text).toContain('…')
  })

  it('has no column in which no row has anything, once all rows are known', async () => {
    const without = { ...row, seen: null }
    expect(await shown(screen(80), columns, many, [without])).toBe('name  status  uses\na     active     3\n')
    expect(await shown(screen(80), columns, many, [without, row])).toContain(
      'seen (UTC)\na     active     3  -\n',
    )
  })

  it('says of what was changed only where some was not', async () => {
    const fields = { name: columns.name }
    expect(await shown(screen(80), fields, { ...many, changed: 'all' }, [row], { changed: true })).toBe(
      'name\na\n',
    )
    expect(await shown(screen(80), fields, many, [row], { changed: false })).toBe('name  changed\na     no\n')
    expect(await shown(paper(), fields, { ...many, changed: 'all' }, [row], { changed: true })).toBe(
      'a\tyes\n',
    )
  })

  it('begins before the last row has come, and shows every row', async () => {
    const output = screen(80)
    const renderer = openRenderer(output, columns, many)
    for (let index = 0; index < 300; index++) await renderer.row({ ...row, name: `row ${index}` })
    expect(output.text).toContain('row 299')
    await renderer.row({ ...row, name: 'a much longer name than those before it' })
    await renderer.end()
    expect(output.text).toContain('a much longer name than those before it')
    expect(output.text.split('\n')).toHaveLength(303)
  })

  it('does not hold back rows after which no more come for now', async () => {
    const output = screen(80)
    const renderer = openRenderer(output, columns, many)
    await renderer.row(row)
    expect(output.text).toBe('')
    await expect.poll(() => output.text, { timeout: 5000 }).toContain('active')
    await renderer.row({ ...row, name: 'late' })
    expect(output.text).toContain('late')
    await renderer.end()
    expect(output.text.split('\n')).toHaveLength(4)
  })

  it('is nothing at all without rows', async () => {
    expect(await shown(screen(80), columns, many, [])).toBe('')
    expect(await shown(paper(), columns, many, [])).toBe('')
  })

  it('colours states and nothing else', async () => {
    const rows = [
      { ...row, name: 'active', status: 'active' },
      { ...row, status: 'takendown' },
      { ...row, status: 'constructor' },
    ]
    const text = await shown(screen(80, true), columns, many, rows)
    expect(text).toContain('\u001b[32mactive\u001b[39m')
    expect(text).toContain('\u001b[31mtakendown\u001b[39m')
    expect(text.match(/\u001b\[32m/g)).toHaveLength(1)
    expect(await shown(screen(80), columns, many, rows)).not.toContain('\u001b')
  })
})

describe('a reader', () => {
  /** How many rows are taken before the renderer says that nobody reads any more. */
  async function taken(output: Output, rendering: Rendering, pause: () => Promise<unknown>): Promise<number> {
    const renderer = openRenderer(output, columns, rendering)
    for (let count = 0; count < 10_000; count++) {
      if (!(await renderer.row(row))) return count
      await pause()
    }
    return Number.POSITIVE_INFINITY
  }

  it.each([
    ['a pipe', paper({}, 2), many],
    ['JSON', paper({}, 2), json],
    ['a table', paper({ tty: true, columns: 80 }, 2), many],
  ] as const)('who leaves %s ends it soon', async (_, output, rendering) => {
    expect(await taken(output, rendering, () => Promise.resolve())).toBeLessThan(2000)
  })

  it('sees rows as they come, not when there are many', async () => {
    const output = paper()
    const renderer = openRenderer(output, columns, many)
    await renderer.row(row)
    await idle()
    expect(output.text).toContain('a\tactive')
    expect(await taken(paper({}, 2), many, idle)).toBeLessThan(5)
  })

  it('is told when what was written could not be', async () => {
    const full: Output = { ...paper(), write: () => Promise.reject(new Error('no space left')) }
    const renderer = openRenderer(full, columns, many)
    await renderer.row(row)
    await idle()
    await expect(renderer.end()).rejects.toThrow('no space left')
  })
})

describe('a card', () => {
  it('has every field in full', async () => {
    const note = 'n'.repeat(200)
    const text = await shown(screen(40), columns, one, [{ ...row, note }], { changed: false })
    expect(text).toContain('name     a\n')
    expect(text).toContain(`note     ${note}\n`)
    expect(text).toContain('changed  no\n')
  })

  it('has labels, units behind values, and no line for what is not there', async () => {
    const fields = {
      createdAt: column(moment, 'when it was made'),
      outageMs: column(took, 'how long'),
      freeBytes: column(room, 'how much', { label: 'free' }),
      takedownRef: column(optional(text), 'why'),
    }
    const values = {
      createdAt: '2026-11-22T18:04:05.678Z',
      outageMs: 6730,
      freeBytes: 8_200_000_000,
      takedownRef: null,
    }
    expect(await shown(screen(80), fields, { ...one, changed: 'all' }, [values], { changed: true })).toBe(
      'created  2026-11-22 18:04:05 UTC\noutage   6.7 s\nfree     8.2 GB\n',
    )
    expect(await shown(paper(), fields, one, [values])).toBe(
      'createdAt\t2026-11-22T18:04:05.678Z\noutageMs\t6730\nfreeBytes\t8200000000\ntakedownRef\t-\n',
    )
  })

  it('has nested rows as a table of their own', async () => {
    const text = await shown(screen(80), nested, one, [{ host: 'h', checks: [{ name: 'ssh', ms: 4 }] }])
    expect(text).toBe('host  h\n\nchecks\n  name  ms\n  ssh    4\n')
    expect(await shown(screen(80), nested, one, [{ host: 'h', checks: [] }])).toBe('host  h\n')
    const said = { ...nested, checks: { ...nested.checks, none: 'nothing' } }
    expect(await shown(screen(80), said, one, [{ host: 'h', checks: [] }])).toBe(
      'host    h\nchecks  nothing\n',
    )
    // With two fields it is a sentence and what to type next: nothing of it is cut.
    const name = 'n'.repeat(200)
    const checks = [
      { name, ms: 4 },
      { name: 'b', ms: undefined },
    ]
    expect(await shown(screen(80), nested, one, [{ host: 'h', checks }])).toBe(
      `host  h\n\nchecks\n  ${name}\n      4\n  b\n`,
    )
  })
})

describe('text that means harm', () => {
  const plain = /^[\x20-\x7e\n\t…]*$/

  it.each([
    ['a table', screen(400), many],
    ['a card', screen(400), one],
    ['a pipe', paper(), many],
    ['key and value', paper(), one],
  ] as const)('is shown escaped in %s', async (_, output, rendering) => {
    const text = await shown(output, columns, rendering, [
      { ...row, name: hostile, status: hostile, note: hostile },
    ])
    expect(text).toMatch(plain)
    expect(text).toContain(
      'a\\u{1b}[2J\\u{7}b\\nc\\td\\u{9b}e\\u{202e}f\\u{2066}g\\u{200b}h\\u{2028}i\\u{7f}j\\u{feff}k\\u{e0041}l',
    )
  })

  it('is shown escaped in errors and plans', () => {
    const failure = usage(hostile, hostile)
    expect(showFailure(failure, 'text', { color: false })).toMatch(plain)
    expect(showFailure(failure, 'json', { color: false })).toMatch(plain)
    const plan = planOf([{ subject: hostile, steps: [step(hostile)], rows: [] }], {
      title: hostile,
      warnings: [hostile],
    })
    expect(showPlan(plan, { where: hostile }, { color: false })).toMatch(plain)
    expect(showDryRun(plan, { json: false, risk: 'disruptive' }, { color: false })).toMatch(plain)
    expect(showDryRun(plan, { json: true, risk: 'disruptive' }, { color: false })).toMatch(plain)
  })
})

const step = (why: string): SaveStep => ({ kind: 'save', why, path: '/tmp/x', content: 'y', mode: 0o600 })

const planOf = (
  items: PdsPlan<unknown>['items'],
  more: Partial<PdsPlan<unknown>> = {},
): PdsPlan<unknown> => ({
  title: 'make things',
  confirm: 'box',
  items,
  ...more,
})

const things = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    subject: `thing ${index}`,
    did: `did:${index}`,
    steps: [step(`Make ${index}`)],
    rows: [{}],
  }))

describe('a failure', () => {
  it('says what happened and what to do next', () => {
    const failure = usage('it is wrong\nfor two reasons', 'do it\nright')
    expect(showFailure(failure, 'text', { color: false })).toBe(
      'error: it is wrong\n  for two reasons\nhint: do it\n  right\n',
    )
  })

  it('is one object with what scripts need', () => {
    const failure = new Failure({
      outcome: 'partial',
      code: 'some',
      message: 'a\nb',
      hint: 'h',
      details: { done: ['x'] },
    })
    const line = showFailure(failure, 'json', { color: true })
    expect(line.endsWith('\n') && !line.slice(0, -1).includes('\n')).toBe(true)
    expect(JSON.parse(line)).toEqual({ error: { code: 'some', message: 'a\nb', hint: 'h', done: ['x'] } })
  })
})

describe('a count', () => {
  it.each([
    [0, 'account', '0 accounts'],
    [1, 'account', '1 account'],
    [1234, 'account', '1,234 accounts'],
    [2, 'entry', '2 entries'],
    [2, 'key', '2 keys'],
    [2, 'address', '2 addresses'],
  ])('of %i %s', (count, noun, text) => {
    expect(showCount(count, noun)).toBe(text)
  })
})

describe('a plan', () => {
  it('names the first targets, and how many more there are', () => {
    const text = showPlan(planOf(things(730)), { where: 'box' }, { color: false })
    expect(text).toMatch(/^make things on box:\n {2}thing 0\n {2}thing 1\n/)
    expect(text).toContain('thing 19')
    expect(text).not.toContain('thing 20')
    expect(text).toContain('… and 710 more')
  })

  it('numbers what is done to a target where it is more than one thing', () => {
    const items = [{ subject: 'a', steps: [step('First'), step('Then')], rows: [{}] }]
    expect(showPlan(planOf(items), {}, { color: false })).toBe(
      'make things:\n  a\n    1. First\n    2. Then\n',
    )
  })

  it('names what cannot be done, what needs nothing, and warnings', () => {
    const items = [...things(1), { subject: 'old', steps: [], rows: [] }]
    const refused = [{ subject: 'gone', code: 'not-found', message: 'there is none' }]
    const text = showPlan(planOf(items, { refused, warnings: ['take care'] }), {}, { color: false })
    expect(text).toContain('nothing to do for 1 of 2')
    expect(text).toContain('cannot: gone: there is none')
    expect(text).toContain('warning: take care')
    expect(text).not.toContain('  old')
  })
})

describe('a dry run', () => {
  const items = [
    { subject: 'a', did: 'did:a', steps: [step('First'), step('Then')], rows: [{}] },
    { subject: 'b', steps: [], rows: [{}] },
  ]
  const refused = [{ subject: 'c', code: 'not-found', message: 'there is none' }]

  it.each([
    ['says in a sentence what each step of a target does', false, []],
    ['shows what is behind it with --verbose', true, ['     write /tmp/x (mode 0600)']],
  ])('%s', (_, verbose, behind) => {
    const view = { json: false, risk: 'disruptive', verbose } as const
    const text = showDryRun(planOf(items, { refused }), view, { color: false })
    expect(text).toBe(
      [
        'a',
        '  1. First',
        ...behind,
        '  2. Then',
        ...behind,
        'b',
        '  nothing to do',
        'c',
        '  cannot be done: there is none',
        'nothing was changed; a script does it with --yes',
        '',
      ].join('\n'),
    )
  })

  it('of several targets with a request each is a line each and a total; requests only where they are wanted', () => {
    const [one, two] = takedowns(2)
    const plan = planOf([one, { ...two, steps: [] }] as never, { refused })
    const shown = (verbose: boolean) =>
      showDryRun(plan, { json: false, verbose, risk: 'disruptive' }, { color: false })
    expect(shown(false)).toBe(
      [
        'user0.test',
        'user1.test  nothing to do',
        'c  cannot be done: there is none',
        'would make things, nothing to do for 1, 1 cannot be done',
        'nothing was changed; a script does it with --yes',
        '',
      ].join('\n'),
    )
    expect(shown(true)).toContain('POST com.atproto.admin.updateSubjectStatus')
  })

  it('has lines as lines, and shows what changes in a file without being asked', () => {
    const script = shell('Run a script', act`set -e\nprintf x`)
    const changes = ['- A=1', `+ A=${hostile}`]
    const texts = { content: new Secret('new'), was: new Secret('old') }
    const edit = write('Edit it', { path: '/x', ...texts, changes, holds: 'text' })
    const steps = [script, edit]
    const plan = { title: 't', confirm: 'box', on: 'host', subject: 'box', steps, rows: [{}] } as const
    const lines = (verbose: boolean) =>
      showDryRun(plan, { json: false, risk: 'disruptive', verbose }, { color: false }).split('\n')
    expect(lines(false).slice(1, 5)).toEqual([
      '  1. Run a script',
      '  2. Edit it',
      '     - A=1',
      expect.stringContaining('     + A=a\\u{1b}[2J'),
    ])
    expect(lines(true).slice(2, 4)).toEqual(['     set -e', '     printf x'])
  })

  it('is one object per target with --json', () => {
    const text = showDryRun(planOf(items, { refused }), { json: true, risk: 'disruptive' }, { color: false })
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      {
        dryRun: true,
        subject: 'a',
        did: 'did:a',
        changed: true,
        steps: [{ why: 'First', does: 'write /tmp/x (mode 0600)' }, {}],
      },
      { dryRun: true, subject: 'b', changed: false, steps: [] },
      { dryRun: true, subject: 'c', changed: false, error: { code: 'not-found', message: 'there is none' } },
    ])
  })

  it('tells what consent is needed', () => {
    const told = (plan: PdsPlan<unknown>, risk: Risk) =>
      showDryRun(plan, { json: false, risk }, { color: false }).trim().split('\n').at(-1)
    expect(told(planOf(things(30)), 'disruptive')).toContain('--confirm 30')
    expect(told(planOf(things(1)), 'irreversible')).toContain('--confirm box')
    expect(told(planOf(things(1)), 'routine')).toBe('nothing was changed')
    expect(told(planOf([]), 'routine')).toBe('')
  })
})
