import { describe, expect, test } from 'vitest'
import { scriptedHost } from '../../support/scripted-host.ts'
import { scriptedPds } from '../../support/scripted-pds.ts'
import { didOf } from '../../support/scripted-state.ts'
import { errorOf, nothing, rowsOf, scriptedWorld } from '../../support/world.ts'

const [alice, bob, gone] = [didOf('alice.test'), didOf('bob.test'), didOf('gone.test')]
const at = (day: number): string => `2026-01-0${day}T00:00:00.000Z`
const pds = () =>
  scriptedPds({
    pageSize: 1,
    accounts: [
      { handle: 'alice.test', inviteCode: 'test-abcde-fghij' },
      { handle: 'bob.test', status: 'takendown', inviteCode: 'test-abcde-fghij' },
      { handle: 'carol.test' },
    ],
    invites: [
      { code: 'newer', createdAt: at(3) },
      {
        code: 'test-abcde-fghij',
        uses: 4,
        createdAt: at(2),
        forAccount: didOf('carol.test'),
        usedBy: [
          { did: alice, usedAt: at(3) },
          { did: gone, usedAt: at(4) },
          { did: bob, usedAt: at(5) },
        ],
      },
    ],
  })
const row = {
  code: 'test-abcde-fghij',
  status: 'used',
  uses: 4,
  available: 1,
  disabled: false,
  forAccount: didOf('carol.test'),
  forHandle: 'carol.test',
  createdBy: 'admin',
  createdAt: at(2),
  madeBy: null,
  reason: null,
  usedBy: [
    { handle: 'alice.test', did: alice, status: 'active', usedAt: at(3) },
    { handle: null, did: gone, status: 'deleted', usedAt: at(4) },
    { handle: 'bob.test', did: bob, status: 'takendown', usedAt: at(5) },
  ],
}

describe('invite info', () => {
  test('tells who used a code and what became of each, whatever the trail says', async () => {
    const host = scriptedHost().on('# read the trail', { code: 1, stderr: 'no' })
    const ran = await scriptedWorld({ pds: pds(), host }).run('invite', 'info', 'test-abcde-fghij', '--json')
    expect(ran).toMatchObject({ code: 0, ...nothing })
    expect(rowsOf(ran)).toEqual([row])
  })

  test('tells which operator made it and why', async () => {
    const world = scriptedWorld()
    await world.run('invite', 'create', '--reason', 'for the meetup')
    const ran = await world.run('invite', 'info', 'scripted-test-00001', '--json')
    expect(rowsOf(ran)).toMatchObject([
      { status: 'unused', madeBy: 'ana@laptop as ops@pds.test:22', reason: 'for the meetup', usedBy: [] },
    ])
  })

  test('a code that is not there', async () => {
    const ran = await scriptedWorld({ pds: pds() }).run('invite', 'info', 'nowhere', '--json')
    expect(ran).toMatchObject({ code: 1, stdout: '', ...nothing })
    expect(errorOf(ran)).toMatchObject({ code: 'invite-not-found' })
  })
})
