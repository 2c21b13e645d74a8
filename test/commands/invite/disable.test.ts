import { describe, expect, test } from 'vitest'
import { unreachable } from '../../../src/base/failure.ts'
import { type ScriptedPds, scriptedPds } from '../../support/scripted-pds.ts'
import { didOf } from '../../support/scripted-state.ts'
import {
  changedBy,
  closingNote,
  errorOf,
  nothing,
  rowsOf,
  scriptedWorld,
  told,
  unchanged,
} from '../../support/world.ts'
import { xrpcError } from '../../support/xrpc-error.ts'

const did = didOf('alice.test')
const pds = (): ScriptedPds =>
  scriptedPds({
    pageSize: 2,
    accounts: [{ handle: 'alice.test' }],
    invites: [
      { code: 'a-1', createdAt: '2026-01-05T00:00:00.000Z' },
      { code: 'a-2', uses: 3, usedBy: [{ did, usedAt: '2026-01-02T00:00:00.000Z' }] },
      { code: 'a-3', disabled: true },
      { code: 'f-1', forAccount: did },
      { code: 'f-2', forAccount: did, disabled: true },
    ],
  })
const gone = didOf('gone.test')
const disable = ['invite', 'disable', '--json']
const change = (...codes: string[]) => ({ nsid: 'com.atproto.admin.disableInviteCodes', input: { codes } })
const row = (code: string, changed: boolean, more: object = {}) => ({
  code,
  available: 1,
  disabled: true,
  forAccount: code.startsWith('f') ? did : 'admin',
  ...(changed ? changedBy(1) : unchanged),
  ...more,
})

describe('disables', () => {
  test.each([
    ['one code', ['a-1'], ['a-1'], [row('a-1', true)]],
    [
      'several, in one call',
      ['a-2', 'a-1'],
      ['a-1', 'a-2'],
      [row('a-1', true), row('a-2', true, { available: 2 })],
    ],
    ['those of an account', ['--for', 'alice'], ['f-1'], [row('f-1', true), row('f-2', false)]],
    [
      'those of the admin',
      ['--all-admin'],
      ['a-1', 'a-2'],
      [row('a-1', true), row('a-2', true, { available: 2 }), row('a-3', false)],
    ],
    [
      'those by which accounts of a file came',
      ['--used-by', 'bots'],
      ['a-2'],
      [row('a-2', true, { available: 2 })],
    ],
  ])('%s', async (_, words, codes, rows) => {
    const ran = await scriptedWorld({ pds: pds(), files: { bots: 'alice.test\n' } }).run(
      ...disable,
      ...words,
      '--yes',
    )
    expect(ran).toMatchObject({ code: 0, stderr: closingNote(1) })
    const asked = ran.changes.map(({ nsid, input }) => [
      nsid,
      (input as { codes: string[] }).codes.toSorted(),
    ])
    expect(asked).toEqual([['com.atproto.admin.disableInviteCodes', codes]])
    expect(rowsOf(ran).toSorted((a, b) => (String(a.code) < String(b.code) ? -1 : 1))).toEqual(rows)
    expect(told(ran)).toEqual([expect.stringMatching(/^intent /), expect.stringMatching(/^ok /)])
    for (const code of codes) expect(ran.trail[0]?.subject).toContain(code)
    expect(ran.happened.slice(-2)).toEqual(['outcome ok', 'stdout'])
  })

  test('those of accounts that are gone, of none, and that others used as well, which is said', async () => {
    const files = { bots: `${JSON.stringify({ did: gone })}\n${didOf('alice.test')}\nnobody.test\n` }
    const [came, late] = [
      { did: gone, usedAt: '2026-01-02T00:00:00.000Z' },
      { did: didOf('late.test'), usedAt: '2026-01-03T00:00:00.000Z' },
    ]
    const world = scriptedWorld({
      pds: scriptedPds({
        accounts: [{ handle: 'alice.test' }],
        invites: [{ code: 'b-1', uses: 3, usedBy: [came, late] }],
      }),
      files,
    })
    const ran = await world.run(...disable, '--used-by', 'bots', '--yes', '--reason', 'wave')
    expect(ran).toMatchObject({ code: 6, changes: [change('b-1')] })
    expect(ran.stderr).toContain('1 account came without an invite code')
    expect(ran.stderr).toContain('1 other account came by these codes as well')
    expect(ran.trail.map(({ reason }) => reason)).toEqual(['wave', 'wave'])
    expect(errorOf(ran)).toMatchObject({ failed: [{ subject: 'nobody.test', code: 'account-not-found' }] })
  })

  test.each([['a-3'], ['a-3 f-2']])('nothing, when %s is disabled already', async (codes) => {
    const ran = await scriptedWorld({ pds: pds() }).run(...disable, ...codes.split(' '))
    expect(ran).toMatchObject({ code: 0, asked: [], ...nothing })
    expect(rowsOf(ran).map(({ disabled, changed }) => [disabled, changed])).toEqual(
      codes.split(' ').map(() => [true, false]),
    )
  })

  test('nothing in a dry run', async () => {
    const ran = await scriptedWorld({ pds: pds() }).run(...disable, 'a-1', '--dry-run')
    expect(ran).toMatchObject({ code: 0, stderr: '', ...nothing })
    const { nsid, input } = change('a-1')
    expect(rowsOf(ran)).toMatchObject([
      { subject: 'a-1', steps: [{ does: `POST ${nsid} ${JSON.stringify(input)}` }] },
    ])
  })

  test.each([
    ['says no', { interactive: true, answers: ['n'] }, ['y/N Disable the invite code a-1?']],
    ['is not there', {}, []],
  ])('nothing when the operator %s', async (_, terminal, asked) => {
    const ran = await scriptedWorld({ pds: pds(), terminal }).run(...disable, 'a-1')
    expect(ran).toMatchObject({ code: 4, stdout: '', asked, ...nothing })
  })

  test.each([
    ['nothing is named', [], 2, 'usage'],
    ['codes and an owner are named', ['a-1', '--for', 'alice'], 2, 'usage'],
    ['two owners are named', ['--all-admin', '--for', 'alice'], 2, 'usage'],
    ['one code is not there', ['a-1', 'nowhere'], 1, 'invite-not-found'],
  ])('nothing when %s', async (_, words, code, word) => {
    const ran = await scriptedWorld({ pds: pds() }).run(...disable, ...words, '--yes')
    expect(ran).toMatchObject({ code, stdout: '', ...nothing })
    expect(errorOf(ran)).toMatchObject({ code: word })
  })
})

describe('fails', () => {
  test.each([
    ['the PDS refuses', xrpcError('InvalidRequest', 'no'), 1, 'failed'],
    ['the way there breaks', unreachable('link-lost', 'gone'), 5, 'unreachable'],
  ])('when %s', async (_, failure, code, outcome) => {
    const world = scriptedWorld({ pds: pds() })
    world.pds.faults.push({ change: 1, failure })
    const ran = await world.run(...disable, 'a-1', '--yes')
    expect(ran).toMatchObject({ code, stdout: '', changes: [change('a-1')] })
    expect(told(ran)[1]).toBe(`${outcome} a-1: ${failure.code}: ${failure.message}`)
  })

  test('when the PDS answers success, but a code is still open', async () => {
    const ran = await scriptedWorld({ pds: pds(), between: async () => undefined }).run(
      ...disable,
      'a-1',
      '-y',
    )
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(errorOf(ran)).toMatchObject({
      code: 'not-proven',
      message: 'the PDS answered success, but a-1 can still be used',
    })
    expect(told(ran)[1]).toMatch(/^failed a-1: not-proven: /)
  })

  test('when it cannot be read back: it stands', async () => {
    const world = scriptedWorld({
      pds: pds(),
      async between(_, make) {
        await make()
        world.pds.query = () => Promise.reject(unreachable('link-lost', 'gone'))
      },
    })
    const ran = await world.run(...disable, 'a-1', '--yes')
    expect(ran.code).toBe(6)
    expect(told(ran)[1]).toBe('partial a-1: link-lost: it was accepted, but could not be read back: gone')
  })
})
