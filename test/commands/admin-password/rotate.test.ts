import { describe, expect, test } from 'vitest'
import { failed } from '../../../src/base/failure.ts'
import type { ChangePlan, Pending } from '../../../src/host/change/change.ts'
import { changedBy, errorOf, nothing, type Ran, rowsOf, told } from '../../support/world.ts'
import { passwordIn, type Rotating, rotating, storeName } from './rotating.ts'

const rotate = ['admin-password', 'rotate', '--json']
const now = '2026-11-22T18:00:00.000Z'
const day = 24 * 3_600_000
const later = (days: number): string => new Date(Date.parse(now) + days * day).toISOString()

/** One password works, and it is the one of pds.env and of the store. */
const expectOne = (it: Rotating, password: string): void =>
  expect([passwordIn(it.text), it.pds.adminPassword, it.store.current, it.store.pending]).toEqual([
    password,
    password,
    password,
    undefined,
  ])

/** Nothing that is kept anywhere holds a password. */
const expectHidden = (ran: Ran, it: Rotating): void => {
  const kept = JSON.stringify([ran.trail, ran.hostChanges, ran.hostSteps, ran.stderr, ran.stdout, it.record])
  for (const secret of ['admin-password', passwordIn(it.text)])
    expect(kept.replaceAll('admin-password rotate', '').replaceAll('admin-password.json', '')).not.toContain(
      secret,
    )
}

describe('rotates', () => {
  test('the store first, then the host, then the proof, then the store again', async () => {
    const it = rotating()
    const ran = await it.world().run(...rotate, '--yes')
    expect(ran.code, ran.stderr).toBe(0)
    expect(rowsOf(ran)).toEqual([
      {
        rotated: true,
        rotatedAt: now,
        dueAt: later(90),
        store: storeName,
        password: null,
        outageMs: 2100,
        ...changedBy(1),
      },
    ])
    expect(passwordIn(it.text)).toMatch(/^[0-9a-f]{32}$/)
    expectOne(it, passwordIn(it.text))
    expectHidden(ran, it)
    expect(it.store.asked).toEqual([
      `check ${storeName}`,
      `writePending ${storeName}`,
      `markCurrent ${storeName}`,
    ])
    expect(ran.hostSteps).toEqual([
      // Whatever goes back if anything fails.
      expect.any(String),
      'write /pds/pds.env: + PDS_ADMIN_PASSWORD=‹secret, changed›',
      expect.stringMatching(/^docker compose .* up /),
      'wait until the PDS on port 3000 answers 2 times in a row, stays up for 3 s, with the same project, data, server and accounts as before',
      'write the record of the rotation',
    ])
    expect(ran.happened.filter((what) => /^(begin|done|host|ask|close|outcome)/.test(what))).toEqual([
      'ask as admin',
      'begin change',
      ...['begin 1', 'done 1', 'host 2', 'host 3', 'host 4', 'host 5', 'host 6', 'begin 7'],
      ...['ask as admin', 'ask as admin', 'done 7', 'begin 8', 'done 8', 'close change', 'outcome ok'],
    ])
    expect(JSON.parse(it.record)).toEqual({
      rotatedAt: now,
      by: 'ana@laptop',
      version: '1.2.3',
      command: 'admin-password rotate',
      store: storeName,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
  })

  test('nothing else in pds.env is changed, and no two are the same', async () => {
    const [one, two] = [rotating(), rotating()]
    for (const it of [one, two]) {
      const before = it.text
      await it.world().run(...rotate, '--yes', '--length', '64')
      expect(it.text).toBe(before.replace('admin-password', passwordIn(it.text)))
      expect(passwordIn(it.text)).toMatch(/^[0-9a-f]{64}$/)
    }
    expect(passwordIn(one.text)).not.toBe(passwordIn(two.text))
  })

  test('to standard output, where that is asked for', async () => {
    const it = rotating()
    const ran = await it.world().run(...rotate, '--store', 'stdout', '--yes')
    expect(rowsOf(ran)).toMatchObject([{ store: 'stdout', password: passwordIn(it.text) }])
    expect(JSON.stringify([ran.trail, ran.hostChanges])).not.toContain(passwordIn(it.text))
  })

  test('the line of a command is not written down on the host', async () => {
    const it = rotating()
    const password = { rotateEvery: undefined, store: 'command:vault-hush put', read: 'vault-hush get' }
    const ran = await it.world(now, { password }).run(...rotate, '--yes')
    expect(ran.code, ran.stderr).toBe(0)
    expect(it.store.asked).toContain('markCurrent command:vault-hush put')
    expect(JSON.stringify([ran, it.record])).not.toContain('vault-hush')
  })

  test('and says what else it takes up from pds.env', async () => {
    const it = rotating()
    const ran = await it
      .world(now, { container: [`PDS_ADMIN_PASSWORD=admin-password`] })
      .run(...['admin-password', 'rotate'], '--yes')
    expect(ran.code).toBe(0)
    expect(ran.stderr).toMatch(/also applies what was edited but never applied: .*LOG_LEVEL/)
  })
})

describe('leaves it alone', () => {
  const rotated = async (): Promise<Rotating> => {
    const it = rotating()
    await it.world().run(...rotate, '--yes')
    it.store.asked.length = 0
    return it
  }

  test('before its time', async () => {
    const it = await rotated()
    const ran = await it.world(later(89)).run(...rotate, '--if-due', '--yes')
    expect(ran).toMatchObject({ code: 0, ...nothing })
    expect(rowsOf(ran)).toMatchObject([{ rotated: false, rotatedAt: now, dueAt: later(90), changed: false }])
    expect(it.store.asked).toEqual([])
  })

  test('before its time, but not where a rotation was cut off after its record was written', async () => {
    const it = await rotated()
    const operator = { user: 'ana', machine: 'laptop', ssh: 'ops' }
    const plan = (command: string): ChangePlan => ({
      ...{ operator, command, time: now, id: 'c', title: command, subject: 'it', version: '1' },
      ...{ steps: [], after: [], before: [] },
    })
    const cutOff = (command: string, days: number) => {
      const holder = plan(command)
      const pending: Pending = { state: 'cut off', holder, plan: holder, events: [], end: undefined }
      return it.world(later(days), { pending }).run(...rotate, '--if-due', '--yes')
    }
    for (const days of [1, 91]) {
      const ran = await cutOff('admin-password rotate', days)
      expect(ran).toMatchObject({ code: 7, ...nothing })
      expect(errorOf(ran)).toMatchObject({
        code: 'cut-off',
        hint: expect.stringContaining('kimbia-ops recover'),
      })
    }
    expect(it.store.asked).toEqual([])
    // Another change has nothing to do with it, as long as it is not due.
    expect((await cutOff('env set', 1)).code).toBe(0)
  })

  test('in a dry run, after the same looks', async () => {
    const it = await rotated()
    const before = it.text
    const ran = await it.world(later(1)).run(...rotate, '--dry-run')
    expect(ran).toMatchObject({ code: 0, ...nothing })
    expect(it.store.asked).toEqual([`check ${storeName}`])
    expectOne(it, passwordIn(before))
    expect((rowsOf(ran)[0] as { steps: unknown[] }).steps).toHaveLength(8)
    expectHidden(ran, it)
  })

  test('when nobody says yes', async () => {
    const it = await rotated()
    expect(await it.world(later(1)).run(...rotate)).toMatchObject({ code: 4, ...nothing })
    const terminal = { interactive: true, answers: ['n'] }
    const ran = await it.world(later(1), { terminal }).run('admin-password', 'rotate')
    expect(ran).toMatchObject({ code: 4, ...nothing })
  })

  test.each<[string, (it: Rotating) => unknown, string[], string, number]>([
    [
      'a PDS that takes another one',
      (it) => Object.assign(it.pds, { adminPassword: 'other' }),
      [],
      'admin-password-disagrees',
      1,
    ],
    ['a path that begins nowhere', () => {}, ['--store', 'file:here'], 'invalid-value', 2],
    [
      'a command that the config does not have',
      () => {},
      ['--store', 'command:x'],
      'store-not-configured',
      2,
    ],
    ['less than 128 bits', () => {}, ['--length', '31'], 'invalid-value', 2],
  ])('%s', async (_, change, more, code, exit) => {
    const it = rotating()
    change(it)
    const ran = await it.world().run(...rotate, '--yes', ...more)
    expect(ran).toMatchObject({ code: exit, ...nothing })
    expect(errorOf(ran).code).toBe(code)
  })

  test('without a store, and names the choices', async () => {
    const ran = await rotating()
      .world(now, { password: 'not configured' })
      .run(...rotate, '--yes')
    expect(ran).toMatchObject({ code: 2, ...nothing })
    expect(errorOf(ran)).toMatchObject({ code: 'no-store', hint: expect.stringContaining('--store stdout') })
  })

  test.each([[], ['--dry-run']])('with a store that is locked %s', async (...more) => {
    const it = rotating({
      current: 'admin-password',
      faults: { check: failed('store-locked', 'it is locked') },
    })
    const ran = await it.world().run(...rotate, '--yes', ...more)
    expect(ran).toMatchObject({ code: 1, ...nothing })
    expect(errorOf(ran).code).toBe('store-locked')
    expectOne(it, 'admin-password')
  })
})

describe('is undone', () => {
  const broken = { code: 'exit-code', message: 'no' }

  test.each([1, 2, 3, 4, 5])('when step %d of the host fails, and the old one is proven', async (index) => {
    const it = rotating()
    const ran = await it.world(now, { changes: { faults: { [index]: broken } } }).run(...rotate, '--yes')
    expect(ran.code).toBe(1)
    expectOne(it, 'admin-password')
    expect(it.record).toBe('')
    expect(errorOf(ran).message).toContain(
      `undone: Give the new password up in ${storeName}; the old one works`,
    )
    expect(ran.happened.filter((what) => what === 'ask as admin')).toHaveLength(2)
    expectHidden(ran, it)
  })

  test('and the record of the rotation before is put back', async () => {
    const it = rotating()
    await it.world().run(...rotate, '--yes')
    const [record, text] = [it.record, it.text]
    const faults = { 5: broken }
    expect((await it.world(later(91), { changes: { faults } }).run(...rotate, '--yes')).code).toBe(1)
    expect([it.record, it.text]).toEqual([record, text])
    expect(record).toContain(now)
  })

  test('when the PDS goes on with the old one', async () => {
    const it = rotating()
    Object.defineProperty(it.pds, 'adminPassword', { get: () => 'admin-password', set: () => {} })
    const ran = await it.world().run(...rotate, '--yes')
    expect(ran.code).toBe(1)
    expect(errorOf(ran)).toMatchObject({
      code: 'not-proven',
      message: expect.stringContaining('it refuses the admin password'),
    })
    expectOne(it, 'admin-password')
  })

  test('when the PDS takes both', async () => {
    const it = rotating()
    it.pds.acceptsAdmin = async () => true
    const ran = await it.world().run(...rotate, '--yes')
    expect(ran.code).toBe(1)
    expect(errorOf(ran).message).toContain('it still takes the former admin password')
    expectOne(it, 'admin-password')
  })

  test.each(['writePending', 'markCurrent'] as const)('when the store fails at %s', async (action) => {
    const fault = failed('store-refused', 'signed out')
    const it = rotating({ current: 'admin-password', faults: { [action]: fault } })
    const ran = await it.world().run(...rotate, '--yes')
    expect(ran.code).toBe(1)
    expect(errorOf(ran)).toMatchObject({ code: 'store-refused' })
    expectOne(it, 'admin-password')
    expect(told(ran)[1]).toMatch(/^failed /)
  })

  test('and says so where the store does not give the new one up', async () => {
    const faults = { discard: failed('store-refused', 'signed out') }
    const it = rotating({ current: 'admin-password', faults })
    const ran = await it.world(now, { changes: { faults: { 3: broken } } }).run(...rotate, '--yes')
    expect(ran.code).toBe(6)
    expect(errorOf(ran).message).toContain(`NOT undone: Give the new password up in ${storeName}`)
    expect(errorOf(ran).message).toContain(
      `(to do it by hand: put the admin password of pds.env into ${storeName} as the current one, and remove the pending one beside it)`,
    )
    expect([passwordIn(it.text), it.store.current]).toEqual(['admin-password', 'admin-password'])
  })

  test('where the item has no field for it yet', async () => {
    const it = rotating({ faults: { read: failed('store-no-field', 'there is no field') } })
    const ran = await it.world(now, { changes: { faults: { 3: broken } } }).run(...rotate, '--yes')
    expect(ran.code, ran.stderr).toBe(1)
    expect(errorOf(ran).message).not.toContain('NOT undone')
    expectOne(it, 'admin-password')
  })

  test('after a store that can only be written to has the new one as current', async () => {
    const fault = failed('store-unverified', 'it was written')
    const it = rotating({ current: 'admin-password', readable: 'no', faults: { markCurrent: fault } })
    const ran = await it.world().run(...rotate, '--yes')
    expect(ran.code, ran.stderr).toBe(1)
    expectOne(it, 'admin-password')
  })
})

test.each([
  ['every 90 days', undefined, 5],
  ['every 30 days', 30 * day, 13],
])('a year of daily runs, %s', async (_, rotateEvery, times) => {
  const it = rotating()
  const rotations: string[] = []
  for (let at = 0; at < 365; at++) {
    const password = { rotateEvery, store: storeName }
    // A timer is never on the dot.
    const time = new Date(Date.parse(later(at)) + (at % 7) * 60_000).toISOString()
    const ran = await it.world(time, { password }).run(...rotate, '--if-due', '--yes', '--no-input')
    expect(ran.code, ran.stderr).toBe(0)
    if (rowsOf(ran)[0]?.rotated) rotations.push(passwordIn(it.text))
    expectOne(it, passwordIn(it.text))
  }
  expect(rotations).toHaveLength(times)
  expect(new Set(rotations).size).toBe(times)
})
