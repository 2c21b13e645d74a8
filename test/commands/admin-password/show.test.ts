import { expect, test } from 'vitest'
import { errorOf, nothing, rowsOf, told } from '../../support/world.ts'
import { rotating } from './rotating.ts'

const show = ['admin-password', 'show']
const now = '2026-11-22T18:00:00.000Z'

test('on a terminal it is shown, once it stands in the trail', async () => {
  const ran = await rotating()
    .world(now, { terminal: { interactive: true, tty: true } })
    .run(...show)
  expect(ran.code, ran.stderr).toBe(0)
  expect(ran.stdout).toContain('admin-password')
  expect(ran.trail).toMatchObject([
    { event: 'intent', command: 'admin-password show', subject: 'the admin password of kimbia' },
    { event: 'outcome', outcome: 'ok' },
  ])
  expect(ran.happened).toEqual(['intent', 'outcome ok', 'stdout'])
  expect([ran.changes, ran.hostSteps, ran.hostChanges]).toEqual([[], [], []])
})

test('anywhere else it is refused, and nothing is written', async () => {
  const ran = await rotating()
    .world()
    .run(...show, '--json')
  expect(ran).toMatchObject({ code: 2, stdout: '', ...nothing })
  expect(errorOf(ran)).toMatchObject({ code: 'not-a-terminal', hint: expect.stringContaining('--print') })
})

test('with --print it goes where it is sent', async () => {
  const ran = await rotating()
    .world()
    .run(...show, '--print', '--reason', 'escrow', '--json')
  expect(rowsOf(ran)).toMatchObject([{ password: 'admin-password' }])
  expect(ran.trail[0]).toMatchObject({
    reason: 'escrow',
    steps: ['show the admin password of /pds/pds.env in the output'],
  })
  expect(told(ran)).toHaveLength(2)
})

test('in a dry run it is not shown', async () => {
  const ran = await rotating()
    .world()
    .run(...show, '--print', '--dry-run')
  expect(ran).toMatchObject({ code: 0, ...nothing })
  expect(ran.stdout).not.toMatch(/admin-password$/m)
})
