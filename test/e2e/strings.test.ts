import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { type Seeded, seedAccounts } from '../../rig/pds/seed.ts'
import { sql, stateOf, trailOf } from '../support/rig-state.ts'
import { type Scratch, scratchForAll } from '../support/scratch.ts'
import { problem, row, rows, run } from './cli.ts'

let rig: RigHost
let place: Scratch
let accounts: Seeded[]

beforeAll(async () => {
  ;[rig, place] = await Promise.all([startRig(), scratchForAll()])
  accounts = await seedAccounts(rig, 40)
})
afterAll(async () => {
  await Promise.all([rig.stop(), place[Symbol.asyncDispose]()])
})
afterEach(() => expect(existsSync(place.file('pwned'))).toBe(false))

const next = (): Seeded => accounts.pop() as Seeded
const touch = () => `touch ${place.file('pwned')}`

/** What a shell, SQL, JSON, a terminal or printf might act on. */
const hostile: [string, () => string][] = [
  ['$(…)', () => `$(${touch()})`],
  ['backticks', () => `\`${touch()}\``],
  ['an end of single quotes', () => `'; ${touch()}; '`],
  ['an end of double quotes', () => `"; ${touch()}; "`],
  ['operators', () => `; ${touch()} | ${touch()} && ${touch()} > /dev/null &`],
  ['backslashes', () => '\\ \\n \\\\ \\'],
  ['several lines', () => `one\n${touch()}\n\ttwo`],
  ['printf', () => '%s%n%d %'],
  ['SQL', () => `'); drop table actor; --`],
  ['JSON', () => '"},{"outcome":"ok'],
  ['emoji', () => '🏃‍♀️ kimbia 😀'],
  ['a text from right to left', () => 'שלום \u202egnp.exe\u202c'],
  ['an option', () => '--dry-run=no'],
  ['globs and braces', () => '* ? [a-z] {a,b} ~ !! $HOME'],
  ['5,000 characters', () => 'é'.repeat(5_000)],
]

test.each(hostile)('a reason of %s is kept letter by letter', async (_name, text) => {
  const { did } = next()
  const ran = await run(rig, ['account', 'takedown', did, `--reason=${text()}`, '--yes', '--json'])
  expect(ran).toMatchObject({ code: 0 })
  expect(row(ran)).toMatchObject({ did, status: 'takendown' })
  const kept = sql(rig, `select hex(takedownRef) from actor where did = '${did}'`)
  expect(Buffer.from(kept, 'hex').toString()).toBe(text())
  const lines = trailOf(rig).filter((line) => line.did === did)
  expect(lines).toMatchObject([
    { event: 'intent', reason: text() },
    { event: 'outcome', outcome: 'ok', reason: text() },
  ])
})

test('the trail tells each of them as it is, in one line', async () => {
  const told = await run(rig, ['trail', '--json'])
  expect(rows(told).map(({ reason }) => reason)).toEqual(hostile.map(([, text]) => text()))
  expect(told.stdout).not.toMatch(/[\u001b\u202e]/)
  const lines = (await run(rig, ['trail'])).stdout.trim().split('\n')
  expect(lines.map((line) => line.split('\t').length)).toEqual(hostile.map(() => 8))
  expect(lines.join('\n')).not.toMatch(/[\u001b\u202e]/)
})

test.each([
  ['a bell', 'a\u0007b'],
  ['an escape', '\u001b[2J'],
  ['nothing', ''],
])('a reason of %s is refused', async (_name, reason) => {
  const before = stateOf(rig)
  const ran = await run(rig, ['account', 'takedown', next().did, '--reason', reason, '--yes'])
  expect(ran).toMatchObject({ code: 2, stdout: '' })
  expect(ran.stderr).not.toContain('\u0007')
  expect(ran.stderr).not.toContain('\u001b')
  expect(stateOf(rig)).toEqual(before)
})

/** As few words as hold all of it. */
const words: [string, () => string][] = [
  [
    'everything in one line',
    () =>
      hostile
        .map(([, text]) => text())
        .filter((it) => !/[\n\u202e]|é/.test(it))
        .join(' '),
  ],
  ['a substitution without a space', () => `$(touch\${IFS}${place.file('pwned')})\`id\`;"'\\`],
  ['several lines', () => `one\n${touch()}\n\ttwo`],
  ['a text from right to left', () => 'שלום \u202egnp.exe\u202c'],
]

describe.each(words)('%s', (_name, text) => {
  test('as a pattern, subject or code finds nothing; as anything else it is refused', async () => {
    const before = stateOf(rig)
    const word = text()
    const ask = (...args: string[]) => run(rig, ['--json', ...args])
    const [list, trail, code, info, handle, email, host, from, method] = await Promise.all([
      ask('account', 'list', `--match=${word}`),
      ask('trail', `--subject=${word}`),
      ask('invite', 'disable', '--yes', '--', word),
      ask('account', 'info', '--', word),
      ask('account', 'create', 'a@example.com', `--handle=${word}`),
      ask('account', 'update', accounts[0]?.did as string, `--email=${word}`, '--yes'),
      ask('account', 'list', `--host=${word}`),
      ask('account', 'takedown', `--from=${word}`, '--yes'),
      ask('xrpc', 'get', '--', word),
    ])
    expect(list).toMatchObject({ code: 0, stdout: '' })
    expect(trail.code).toBe(0)
    expect(code).toMatchObject({ code: 1, stdout: '' })
    expect(problem(code)).toMatchObject({
      code: 'invite-not-found',
      message: expect.stringContaining(word.slice(0, 3)),
    })
    for (const ran of [info, handle, email, host, from, method]) {
      expect(ran).toMatchObject({ code: 2, stdout: '' })
      expect(ran.stderr).not.toMatch(/[\u001b\u202e\u2028]/)
    }
    expect(stateOf(rig)).toEqual(before)
  })
})

test('a file whose name is made of all that is read like any other', async () => {
  const { did } = next()
  const file = place.file(`$(id) ; "'\\\n😀 ‮ %s \`id\``)
  await writeFile(file, did)
  const ran = await run(rig, ['account', 'takedown', '--from', file, '--yes', '--json'])
  expect(row(ran)).toMatchObject({ did, changed: true })
})

test.each([
  ["o'hara+$x@example.com", 0],
  ['a`id`$(id)@example.com', 0],
  ['"quoted"@example.com', 1],
  ['a;b@example.com', 1],
  ['ünï@example.com', 0],
])('the email %s is stored as it was given, or nothing is', async (email) => {
  const { did, email: old } = next()
  const ran = await run(rig, ['account', 'update', did, '--email', email, '--yes', '--json'])
  const stored = sql(rig, `select email from account where did = '${did}'`)
  expect([0, 1]).toContain(ran.code)
  expect(stored).toBe(ran.code === 0 ? email : old)
})
