import { describe, expect, test } from 'vitest'
import { unreachable } from '../../../src/base/failure.ts'
import { scriptedPds } from '../../support/scripted-pds.ts'
import { didOf } from '../../support/scripted-state.ts'
import {
  changedBy,
  errorOf,
  nothing,
  rowsOf,
  scriptedWorld,
  told,
  type WorldScript,
} from '../../support/world.ts'
import { composed, pdsEnv, recreated } from '../env/composed.ts'

const facts = { version: '0.4.5001', outageMs: 1200 }
const closedEnv = pdsEnv.replace('PDS_INVITE_REQUIRED=false', 'PDS_INVITE_REQUIRED=true')

/** A PDS that wants codes as told, and from the recreate on (step 3, or 2 where nothing is written) as pds.env says. */
function door(required: boolean, then = required, script: WorldScript = {}, text = pdsEnv) {
  const says = { inviteRequired: required }
  const pds = scriptedPds(says)
  const before = (index: number): void => {
    if (index === 3) says.inviteRequired = then
  }
  return scriptedWorld({ pds, host: composed({ text }), hostChanges: { facts, before }, ...script })
}

const steps = (change?: string) => [
  expect.stringMatching(/^echo pds /),
  ...(change ? [`write /pds/pds.env: ${change}`] : []),
  recreated,
  'wait until the PDS on port 3000 answers once, with the same project, data, server and accounts as before',
]
const used = { did: didOf('alice.test'), usedAt: '2026-01-02T00:00:00.000Z' }
const closing = '- PDS_INVITE_REQUIRED=false; + PDS_INVITE_REQUIRED=true'
const close = ['signup', 'close', '--json']

describe('signup close', () => {
  test('writes, recreates, waits and reads back', async () => {
    const ran = await door(false, true).run(...close, '--yes', '--reason', 'wave')
    expect(ran.code, ran.stderr).toBe(0)
    expect(ran.stderr).toContain('kimbia-ops invite list --status usable')
    expect(ran.hostSteps).toEqual(steps(closing))
    expect(rowsOf(ran)).toEqual([
      { open: false, inviteCodeRequired: true, setting: 'true', ...facts, ms: 0, ...changedBy(1) },
    ])
    expect(ran.stderr).toContain('kimbia-ops account list --since 24h')
    expect(ran.trail[0]).toMatchObject({ reason: 'wave' })
    expect(told(ran)[1]).toMatch(/^ok /)
  })

  test('tells how long it took without the time that a person took to answer', async () => {
    const terminal = { interactive: true, answers: ['y'], takes: 60_000 }
    expect(rowsOf(await door(false, true, { terminal }).run(...close))).toMatchObject([{ ms: 0 }])
  })

  test('does nothing when it is closed', async () => {
    const ran = await door(true, true, {}, closedEnv).run(...close)
    expect(ran).toMatchObject({ code: 0, asked: [], ...nothing })
    expect(rowsOf(ran)).toMatchObject([{ open: false, setting: 'true', changed: false, outageMs: null }])
  })

  test('does nothing when it is closed by default', async () => {
    const text = pdsEnv.replace('PDS_INVITE_REQUIRED=false\n', '')
    const ran = await door(true, true, {}, text).run(...close)
    expect(ran).toMatchObject({ code: 0, ...nothing })
    expect(rowsOf(ran)).toMatchObject([{ setting: 'not set' }])
  })

  test('only recreates when the file says so already', async () => {
    const says = { inviteRequired: false }
    const before = (index: number): void => {
      if (index === 2) says.inviteRequired = true
    }
    const world = scriptedWorld({
      pds: scriptedPds(says),
      host: composed({ text: closedEnv }),
      hostChanges: { facts, before },
    })
    const ran = await world.run(...close, '--yes')
    expect(ran.code, ran.stderr).toBe(0)
    expect(ran.hostSteps).toEqual(steps())
  })

  test('asks the PDS nothing before it is recreated: it may be down', async () => {
    const ran = await door(false, true).run(...close, '--yes')
    expect(ran.code, ran.stderr).toBe(0)
    expect(ran.happened.filter((one) => /^(host|read)/.test(one))).toEqual([
      ...['host 1', 'host 2', 'host 3', 'host 4', 'read describeServer', 'read getInviteCodes'],
    ])
  })

  test.each([
    [
      'all codes that still work, those used in part too',
      [
        { code: 'a', uses: 5, usedBy: [used] },
        { code: 'b' },
        { code: 'c', usedBy: [used] },
        { code: 'd', disabled: true },
      ],
      '2 invite codes with 5 uses left still work: see them with kimbia-ops invite list --status usable',
    ],
    ['that none does', [{ code: 'c', usedBy: [used] }], 'no invite code has uses left'],
  ])('counts, once it is closed, %s', async (_, invites, said) => {
    const says = { inviteRequired: false, invites }
    const before = (index: number): void => {
      if (index === 3) says.inviteRequired = true
    }
    const world = scriptedWorld({
      pds: scriptedPds(says),
      host: composed({ text: pdsEnv }),
      hostChanges: { facts, before },
    })
    expect((await world.run(...close, '--yes')).stderr).toContain(said)
  })

  test('recreates a PDS that is down when the file says so already', async () => {
    const world = door(true, true, {}, closedEnv)
    const query = world.pds.query.bind(world.pds)
    let asked = 0
    world.pds.query = ((...words: Parameters<typeof query>) =>
      asked++ === 0
        ? Promise.reject(unreachable('pds-unreachable', 'down'))
        : query(...words)) as typeof query
    const ran = await world.run(...close, '--yes')
    expect(ran.code, ran.stderr).toBe(0)
    expect(ran.hostSteps).toEqual(steps())
  })

  test('does nothing in a dry run', async () => {
    const ran = await door(false).run(...close, '--dry-run')
    expect(ran).toMatchObject({ code: 0, stderr: '', ...nothing })
    expect(ran.stdout).toContain('inviteCodeRequired')
  })

  test.each([
    ['says no', { interactive: true, answers: ['n'] }],
    ['is not there', {}],
  ])('does nothing when the operator %s', async (_, terminal) => {
    const ran = await door(false, false, { terminal }).run(...close)
    expect(ran).toMatchObject({ code: 4, stdout: '', ...nothing })
  })

  test.each([1, 2, 3])(
    'puts all back when step %d fails, and has said that it is then open',
    async (index) => {
      const hostChanges = { faults: { [index]: { code: 'not-healthy', message: 'it did not work' } } }
      const ran = await door(false, false, { hostChanges }).run('signup', 'close', '--yes')
      expect(ran).toMatchObject({ code: 1, stdout: '' })
      expect(ran.hostSteps.at(-1)).toMatch(/^undo echo pds /)
      expect(ran.stderr).toContain('signups are then OPEN again')
    },
  )

  test('fails when the PDS still lets anybody in', async () => {
    const ran = await door(false, false).run(...close, '--yes')
    expect(ran.code).not.toBe(0)
    expect(errorOf(ran)).toMatchObject({ code: 'not-proven' })
  })

  test('needs docker, and says so', async () => {
    const ran = await door(false, false, { host: composed({ docker: 'none' }) }).run(...close, '--yes')
    expect(ran).toMatchObject({ code: 5, ...nothing })
  })
})

describe('signup open', () => {
  test('says what came of it elsewhere, and opens', async () => {
    const terminal = { interactive: true, answers: ['y'] }
    const ran = await door(true, false, { terminal }, closedEnv).run('signup', 'open')
    expect(ran.code, ran.stderr).toBe(0)
    expect(ran.stderr).toContain('pds.env: PDS_INVITE_REQUIRED is true')
    expect(ran.stderr).toContain('about 730 bot accounts')
    expect(ran.hostSteps).toEqual(steps('- PDS_INVITE_REQUIRED=true; + PDS_INVITE_REQUIRED=false'))
  })

  test('does nothing when it is open', async () => {
    expect(await door(false).run('signup', 'open', '--json')).toMatchObject({ code: 0, ...nothing })
  })
})

describe('signup status', () => {
  test.each<[boolean, string, object]>([
    [false, pdsEnv, { open: true, inviteCodeRequired: false, setting: 'false', applied: true }],
    [true, pdsEnv, { open: false, inviteCodeRequired: true, setting: 'false', applied: false }],
    [
      true,
      pdsEnv.replace('PDS_INVITE_REQUIRED=false\n', ''),
      { open: false, inviteCodeRequired: true, setting: null, applied: true },
    ],
    [
      true,
      pdsEnv.replace('REQUIRED=false', 'REQUIRED=no'),
      { open: false, inviteCodeRequired: true, setting: 'no', applied: true },
    ],
  ])('code wanted: %s', async (required, text, row) => {
    const ran = await door(required, required, {}, text).run('signup', 'status', '--json')
    expect(ran).toMatchObject({ code: 0, stderr: '', ...nothing })
    expect(rowsOf(ran)).toEqual([row])
  })
})
