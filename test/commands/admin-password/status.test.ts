import { describe, expect, test } from 'vitest'
import { Failure, failed, unreachable } from '../../../src/base/failure.ts'
import type { Pending } from '../../../src/host/change/change.ts'
import { nothing, type Ran, rowsOf } from '../../support/world.ts'
import { type Rotating, type RotatingScript, rotating, storeName } from './rotating.ts'

const day = 24 * 3_600_000
const start = '2026-11-22T18:00:00.000Z'
const later = (days: number): string => new Date(Date.parse(start) + days * day).toISOString()

async function rotated(): Promise<Rotating> {
  const it = rotating()
  const ran = await it.world(start).run('admin-password', 'rotate', '--yes')
  if (ran.code !== 0) throw new Error(ran.stderr)
  it.store.asked.length = 0
  return it
}

async function statusOf(it: Rotating, days: number, script: RotatingScript = {}) {
  const ran: Ran = await it.world(later(days), script).run('admin-password', 'status', '--json')
  expect(ran).toMatchObject({ stderr: '', ...nothing })
  for (const secret of [it.pds.adminPassword, it.store.current ?? 'none', it.store.pending ?? 'none'])
    expect(ran.stdout).not.toContain(`"${secret}"`)
  return { code: ran.code, row: rowsOf(ran)[0] as Record<string, unknown> }
}

const line = (event: 'intent' | 'outcome', time: string, id: string, more: object = {}): string =>
  `${JSON.stringify({
    time,
    id,
    event,
    operator: { user: 'ana', machine: 'laptop', ssh: 'ops' },
    command: 'admin-password rotate',
    subject: 'it',
    version: '1',
    ...more,
  })}\n`
const windowOf = (lines: string): string => `window ${lines.length} ${lines.length} \n${lines}`

test('all is well', async () => {
  const { code, row } = await statusOf(await rotated(), 30)
  expect(code).toBe(0)
  expect(row).toEqual({
    rotatedAt: start,
    by: 'ana@laptop',
    how: 'admin-password rotate of kimbia-ops 1.2.3',
    age: 30 * day,
    rotateEvery: 90 * day,
    dueAt: later(90),
    due: false,
    runningAgrees: 'yes',
    store: storeName,
    storeAgrees: 'yes',
    pending: false,
    lastFailureAt: null,
    lastFailure: null,
    inDoubt: false,
    problems: [],
  })
})

test('due to the millisecond', async () => {
  const it = await rotated()
  expect((await statusOf(it, 90 - 1 / day)).code).toBe(0)
  const { code, row } = await statusOf(it, 90)
  expect([code, row.due, row.inDoubt]).toEqual([3, true, false])
  expect(row.problems).toEqual(['the admin password is due since 2027-02-20'])
})

test.each(['', '{"rotatedAt":"soon"}', 'null', '{'])(
  'without a record that can be read (%j) it is due',
  async (record) => {
    const it = await rotated()
    it.record = record
    const { code, row } = await statusOf(it, 1)
    expect([code, row.due, row.age, row.rotatedAt, row.dueAt]).toEqual([3, true, null, null, null])
  },
)

describe('is in doubt', () => {
  test.each<[string, (it: Rotating) => unknown, object, RegExp]>([
    [
      'when the PDS runs with another one',
      (it) => Object.assign(it.pds, { adminPassword: 'other' }),
      { runningAgrees: 'no' },
      /running PDS does not take/,
    ],
    [
      'when the store holds another one',
      (it) => Object.assign(it.store, { current: 'other' }),
      { storeAgrees: 'no' },
      /does not hold/,
    ],
    [
      'when the store holds a pending one',
      (it) => Object.assign(it.store, { pending: 'next' }),
      { storeAgrees: 'yes', pending: true },
      /holds a pending password/,
    ],
    [
      'when the PDS cannot be asked',
      (it) =>
        Object.assign(it.pds, { acceptsAdmin: () => Promise.reject(unreachable('pds-unreachable', 'down')) }),
      { runningAgrees: 'unknown' },
      /cannot be asked: down/,
    ],
  ])('%s', async (_, change, expected, problem) => {
    const it = await rotated()
    change(it)
    const { code, row } = await statusOf(it, 1)
    expect(code).toBe(3)
    expect(row).toMatchObject({ due: false, inDoubt: true, ...expected })
    expect(row.problems).toEqual([expect.stringMatching(problem)])
  })

  test('when the store is locked', async () => {
    const it = rotating({ faults: { read: failed('store-locked', 'it is locked', 'unlock it') } })
    const { code, row } = await statusOf(it, 1)
    expect([code, row.storeAgrees, row.pending]).toEqual([3, 'unknown', null])
    expect(JSON.stringify(row.problems)).toContain('it is locked (unlock it)')
  })

  test.each([
    [
      'failed',
      line('outcome', later(2), 'b', { outcome: 'failed', message: 'exit-code: no' }),
      'exit-code: no',
    ],
    ['was cut off', '', 'it was cut off'],
  ])('when the last rotation %s, until one succeeds', async (_, end, message) => {
    const it = await rotated()
    it.trail = windowOf(line('intent', later(2), 'b') + end)
    const { code, row } = await statusOf(it, 3)
    expect([code, row.lastFailureAt, row.lastFailure, row.inDoubt]).toEqual([3, later(2), message, true])
    it.trail = windowOf(
      line('intent', later(2), 'b') +
        end +
        line('intent', later(3), 'c') +
        line('outcome', later(3), 'c', { outcome: 'ok' }),
    )
    expect((await statusOf(it, 3)).code).toBe(0)
  })

  test('when a rotation was cut off and stands on the host', async () => {
    const operator = { user: 'ana', machine: 'laptop', ssh: 'ops' }
    const holder = { operator, command: 'admin-password rotate', time: later(1) }
    const pending: Pending = { state: 'cut off', holder, plan: undefined, events: [], end: undefined }
    const { code, row } = await statusOf(await rotated(), 1, { pending })
    expect([code, row.inDoubt, row.problems]).toEqual([
      3,
      true,
      ['a rotation was cut off: kimbia-ops recover'],
    ])
  })
})

test('a store that can only be written to, and none at all, are no doubt', async () => {
  const it = await rotated()
  const none = await statusOf(it, 1, { password: 'not configured' })
  expect([none.code, none.row.store, none.row.storeAgrees]).toEqual([0, null, 'unknown'])
  expect(none.row.problems).toEqual([expect.stringContaining('no store is set')])
  const writeOnly = rotating({ readable: 'no' })
  writeOnly.record = it.record
  expect(await statusOf(writeOnly, 1)).toMatchObject({
    code: 0,
    row: { storeAgrees: 'unknown', problems: [] },
  })
})

test('a host that cannot be reached is another exit code', async () => {
  const it = await rotated()
  const world = it.world(later(1))
  world.host.fail(new Failure({ outcome: 'unreachable', code: 'no-way', message: 'gone' }))
  expect((await world.run('admin-password', 'status')).code).toBe(5)
})
