import { expect, test } from 'vitest'
import { inviteState, listInvites } from '../../src/pds/invites.ts'
import { scriptedPds } from '../support/scripted-pds.ts'

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString()
const usedBy = [{ did: 'did:plc:bob', usedAt: at(9) }]

test('all invites of all pages, newest first, with the uses that are left', async () => {
  const invites = Array.from({ length: 7 }, (_, i) => ({ code: `code-${i}`, createdAt: at(i) }))
  const pds = scriptedPds({
    invites: [...invites, { code: 'party', uses: 5, createdAt: at(8), usedBy }],
    pageSize: 3,
  })
  const all = await Array.fromAsync(listInvites(pds))
  expect(all.map(({ code }) => code)).toEqual(['party', ...invites.map(({ code }) => code).reverse()])
  expect(all[0]).toEqual({
    code: 'party',
    uses: 5,
    available: 4,
    disabled: false,
    forAccount: 'admin',
    createdBy: 'admin',
    createdAt: at(8),
    usedBy,
  })
})

test('no invites', async () => {
  expect(await Array.fromAsync(listInvites(scriptedPds()))).toEqual([])
})

test.each([
  [{ uses: 1 }, 'unused'],
  [{ uses: 2, usedBy }, 'used'],
  [{ uses: 1, usedBy }, 'exhausted'],
  [{ uses: 2, usedBy, disabled: true }, 'disabled'],
  [{ uses: 1, disabled: true }, 'disabled'],
] as const)('%j is %s', async (invite, state) => {
  const pds = scriptedPds({
    invites: [{ code: 'x', ...invite, usedBy: [...('usedBy' in invite ? invite.usedBy : [])] }],
  })
  for await (const it of listInvites(pds)) expect(inviteState(it)).toBe(state)
})
