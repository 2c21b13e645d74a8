import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { type Seeded, seedAccounts } from '../../rig/pds/seed.ts'
import { sql, stateOf, takenDown, trailOf } from '../support/rig-state.ts'
import { problem, rows, run } from './cli.ts'

let rig: RigHost

beforeAll(async () => {
  rig = await startRig({ bypassKey: 'not-counted' })
})
afterAll(() => rig.stop())

const change = (verb: 'takedown' | 'restore', accounts: readonly Seeded[], ...args: readonly string[]) =>
  run(rig, ['account', verb, '--from', '-', '--json', ...args], {
    stdin: accounts.map(({ did }) => `${did}\n`).join(''),
  })

const down = (accounts: readonly Seeded[]): number => {
  const all = new Set(takenDown(rig))
  return accounts.filter(({ did }) => all.has(did)).length
}

describe('more than 25 at once', () => {
  test.each([
    ['--yes alone', ['--yes'], 'confirm-missing'],
    ['nothing', [], 'confirm-missing'],
    ['a wrong count', ['--confirm', '25'], 'confirm-mismatch'],
    ['a wrong count and --yes', ['--yes', '--confirm', '27'], 'confirm-mismatch'],
    ['a count with a space', ['--confirm', '26 '], 'confirm-mismatch'],
  ])('are declined with %s, and --confirm 26 is named', async (name, args, code) => {
    const accounts = await seedAccounts(rig, 26, { prefix: `x${name.replace(/\W/g, '')}` })
    const before = stateOf(rig)
    const ran = await change('takedown', accounts, ...args)
    expect(ran).toMatchObject({ code: 4, stdout: '' })
    expect(problem(ran)).toMatchObject({ code, hint: expect.stringContaining('--confirm 26') })
    expect(stateOf(rig)).toEqual(before)
  })

  test('are taken down and restored with the right count', async () => {
    const accounts = await seedAccounts(rig, 26, { prefix: 'right' })
    expect(await change('takedown', accounts, '--confirm', '26')).toMatchObject({ code: 0 })
    expect(down(accounts)).toBe(26)
    expect(await change('restore', accounts, '--yes')).toMatchObject({ code: 4 })
    expect(down(accounts)).toBe(26)
    expect(await change('restore', accounts, '--confirm', '26')).toMatchObject({ code: 0 })
    expect(down(accounts)).toBe(0)
  })

  test('are what would change: 25 of 26 need only --yes, and the count of all is as good', async () => {
    const accounts = await seedAccounts(rig, 27, { prefix: 'limit' })
    expect(await change('takedown', accounts.slice(0, 1), '--yes')).toMatchObject({ code: 0 })
    const some = await change('takedown', accounts.slice(0, 26), '--yes')
    expect(rows(some).map(({ changed }) => changed)).toEqual([false, ...Array(25).fill(true)])
    expect(await change('takedown', accounts, '--confirm', '27')).toMatchObject({ code: 0 })
    expect(down(accounts)).toBe(27)
  })

  test('are 26, not 25', async () => {
    const accounts = await seedAccounts(rig, 25, { prefix: 'exact' })
    expect(await change('takedown', accounts)).toMatchObject({ code: 4 })
    expect(await change('takedown', accounts, '--yes')).toMatchObject({ code: 0 })
    expect(down(accounts)).toBe(25)
  })

  test('in a list with unknown ones are counted without these', async () => {
    const accounts = await seedAccounts(rig, 26, { prefix: 'some' })
    const unknown = { ...(accounts[0] as Seeded), did: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' }
    const ran = await change('takedown', [unknown, ...accounts], '--confirm', '26')
    expect(ran.code).toBe(6)
    expect(rows(ran)).toHaveLength(26)
    expect(down(accounts)).toBe(26)
  })
})

test('300 are all down, each with intent and outcome in the trail, and stdout holds rows only', async () => {
  const accounts = await seedAccounts(rig, 300, { prefix: 'wave' })
  const [line, event] = [
    trailOf(rig).length,
    Number(sql(rig, 'select count(*) from repo_seq', 'sequencer.sqlite')),
  ]
  const ran = await change('takedown', accounts, '--confirm', '300', '--reason', 'wave, ticket 42')
  expect(ran.code).toBe(0)
  const [operation = ''] = rows<{ operation: string }>(ran).map((row) => row.operation)
  expect(ran.stderr).toBe(`note: operation ${operation}; to undo it: kimbia-ops undo ${operation}\n`)
  const dids = accounts.map(({ did }) => did)
  expect(rows(ran)).toEqual(
    accounts.map(({ handle, did }) => ({ handle, did, status: 'takendown', changed: true, operation })),
  )
  expect(down(accounts)).toBe(300)
  expect(sql(rig, "select count(*) from actor where takedownRef = 'wave, ticket 42'")).toBe('300')
  expect(Number(sql(rig, 'select count(*) from repo_seq', 'sequencer.sqlite')) - event).toBe(300)

  const lines = trailOf(rig).slice(line)
  const of = (kind: string) => lines.filter(({ event }) => event === kind)
  expect(
    of('intent')
      .map(({ did }) => did)
      .sort(),
  ).toEqual(dids.toSorted())
  expect(
    of('outcome')
      .map(({ did, outcome }) => `${did} ${outcome}`)
      .sort(),
  ).toEqual(dids.map((did) => `${did} ok`).sort())
  const intents = new Map(of('intent').map(({ id, did }) => [id, did]))
  expect(of('outcome').every(({ id, did }) => intents.get(id) === did)).toBe(true)

  const plain = await run(rig, ['account', 'restore', '--from', '-', '--confirm', '300'], {
    stdin: dids.join('\n'),
  })
  expect(plain.code).toBe(0)
  expect(plain.stdout.trim().split('\n')).toEqual(
    accounts.map(({ handle, did }) => [handle, did, 'active', 'yes'].join('\t')),
  )
  expect(plain.stderr).not.toMatch(/[\r\u001b]|\d+ of 300/)
  expect(down(accounts)).toBe(0)
})
