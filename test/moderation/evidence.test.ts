import { describe, expect, test } from 'vitest'
import { unreachable } from '../../src/base/failure.ts'
import { gatherEvidence } from '../../src/moderation/evidence.ts'
import { listAccounts, named } from '../../src/pds/accounts/accounts.ts'
import { type ScriptedPds, scriptedPds } from '../support/scripted-pds.ts'
import type { ScriptedAccount } from '../support/scripted-state.ts'
import { viewsOf } from '../support/views.ts'

const code = 'test-abcde-fghij'
/** A wave of an hour before the clock of the views, one account a minute. */
const wave = (count: number): ScriptedAccount[] =>
  Array.from({ length: count }, (_, index) => ({
    handle: `bot${index}.test`,
    email: `bot${index}@spam.example`,
    emailConfirmedAt: null,
    inviteCode: code,
    createdAt: new Date(Date.UTC(2026, 10, 22, 17, index)).toISOString(),
  }))

async function gathered(accounts: readonly ScriptedAccount[], change: (pds: ScriptedPds) => void = () => {}) {
  const pds = scriptedPds({ accounts: [...accounts], invites: [{ code, uses: 1000 }] })
  const all = await Array.fromAsync(listAccounts(pds))
  change(pds)
  const before = pds.asked.length
  const evidence = await gatherEvidence(all, viewsOf({ pds }))
  const differ = all.flatMap((account) => {
    const { differs = [] } = evidence.of.get(named(account)) ?? {}
    return differs.length > 0 ? [[account.handle, ...differs]] : []
  })
  return { all, evidence, differ, asked: pds.asked.slice(before) }
}

describe('evidence', () => {
  test('tells what judges each account', async () => {
    const { all, evidence } = await gathered(wave(2))
    expect(all.map((account) => evidence.of.get(named(account)))).toEqual([
      { facts: ['bot0@spam.example', 'made 1 h ago', `code ${code}`], words: null, differs: [] },
      { facts: ['bot1@spam.example', 'made 59 min ago', `code ${code}`], words: null, differs: [] },
    ])
    expect(evidence.totals.slice(0, 2)).toEqual([
      'made from 2026-11-22 17:00 to 2026-11-22 17:01 UTC',
      '0 confirmed; 1 mail domain; 1 invite code',
    ])
  })

  test('finds nothing to differ in a wave, nor among what has nothing in common', async () => {
    expect((await gathered(wave(40))).differ).toEqual([])
    const motley = wave(6).map(({ inviteCode: _, ...it }, index) => ({
      ...it,
      email: `a@${index}.example`,
      emailConfirmedAt: index % 2 === 0 ? null : '2026-11-22T17:30:00.000Z',
    }))
    expect((await gathered(motley)).differ).toEqual([])
  })

  test.each([
    ['confirmed its address', { emailConfirmedAt: '2026-11-22T17:30:00.000Z' }, 'confirmed its address'],
    ['is older', { createdAt: '2026-03-01T00:00:00.000Z' }, 'made 2026-03-01, long before the rest'],
    ['has another address', { email: 'ida@club.example' }, 'mail at club.example'],
    ['came without a code', { inviteCode: undefined }, 'came without a code'],
  ])('finds the one that %s', async (_, more, differs) => {
    const [first, ...rest] = wave(20)
    expect((await gathered([{ ...first, ...more } as ScriptedAccount, ...rest])).differ).toEqual([
      ['bot0.test', differs],
    ])
  })

  test('looks into 250 repositories at most, those of the oldest, and says so', async () => {
    const { asked, evidence } = await gathered(wave(300))
    expect(asked.filter((nsid) => nsid === 'com.atproto.sync.getRepo')).toHaveLength(250)
    expect(evidence.totals.at(-1)).toContain('50 were not looked into, the newest')
  })

  test('a repository that is too large has many records, and differs', async () => {
    const { differ } = await gathered(wave(10), (pds) => {
      const get = pds.get.bind(pds)
      pds.get = (nsid, params, options) =>
        params.did === pds.state.accounts[3]?.did
          ? Promise.reject(unreachable('answer-too-large', 'too large'))
          : get(nsid, params, options)
    })
    expect(differ).toEqual([['bot3.test', 'has many records']])
  })
})
