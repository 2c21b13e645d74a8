import { describe, expect, test } from 'vitest'
import { type ScriptedPds, scriptedPds } from '../../support/scripted-pds.ts'
import { didOf } from '../../support/scripted-state.ts'
import { nothing, rowsOf, scriptedWorld } from '../../support/world.ts'

const did = didOf('alice.test')
const used = { did, usedAt: '2026-01-02T00:00:00.000Z' }
const day = (number: number): string => `2026-01-0${number}T00:00:00.000Z`
const pds = (): ScriptedPds =>
  scriptedPds({
    pageSize: 2,
    accounts: [{ handle: 'alice.test', status: 'takendown' }],
    invites: [
      { code: 'unused', createdAt: day(5) },
      { code: 'used', uses: 2, usedBy: [used], createdAt: day(4) },
      { code: 'exhausted', usedBy: [used], createdAt: day(3) },
      { code: 'disabled', disabled: true, createdAt: day(2) },
      { code: 'theirs', forAccount: did, createdAt: day(1) },
    ],
  })
const all = ['unused', 'used', 'exhausted', 'disabled', 'theirs']

describe('invite list', () => {
  test.each([
    ['', all],
    ['--status usable', ['unused', 'used', 'theirs']],
    ['--status unused', ['unused', 'theirs']],
    ['--status used', ['used', 'exhausted']],
    ['--status exhausted', ['exhausted']],
    ['--status disabled', ['disabled']],
    ['--for alice.test', ['theirs']],
    ['--since 2026-01-03', ['unused', 'used', 'exhausted']],
    ['--limit 2', ['unused', 'used']],
    ['--limit 1 --status exhausted', ['exhausted']],
  ])('%s', async (flags, codes) => {
    const words = flags.split(' ').filter((word) => word !== '')
    const ran = await scriptedWorld({ pds: pds() }).run('invite', 'list', ...words, '--json')
    expect(ran).toMatchObject({ code: 0, ...nothing })
    expect(rowsOf(ran).map(({ code }) => code)).toEqual(codes)
  })

  test('has all fields, with uses counted', async () => {
    const ran = await scriptedWorld({ pds: pds() }).run(
      'invite',
      'list',
      '--status',
      'exhausted',
      '--json',
      '-q',
    )
    expect(rowsOf(ran)).toEqual([
      {
        code: 'exhausted',
        uses: 1,
        available: 0,
        disabled: false,
        forAccount: 'admin',
        createdBy: 'admin',
        createdAt: day(3),
        usedBy: [used],
      },
    ])
    expect(ran.stderr).toBe('')
  })
})
