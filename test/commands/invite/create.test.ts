import { describe, expect, test } from 'vitest'
import { unreachable } from '../../../src/base/failure.ts'
import { type ScriptedPds, scriptedPds } from '../../support/scripted-pds.ts'
import { didOf } from '../../support/scripted-state.ts'
import { changedBy, closingNote, errorOf, nothing, rowsOf, scriptedWorld, told } from '../../support/world.ts'
import { xrpcError } from '../../support/xrpc-error.ts'

const did = didOf('alice.test')
const pds = (): ScriptedPds => scriptedPds({ accounts: [{ handle: 'alice.test' }] })
const create = ['invite', 'create', '--json']
const made = (codeCount: number, useCount: number, forAccounts?: string[]) => ({
  nsid: 'com.atproto.server.createInviteCodes',
  input: { codeCount, useCount, ...(forAccounts && { forAccounts }) },
})
const row = (number: number, more: object = {}) => ({
  code: `scripted-test-0000${number}`,
  uses: 1,
  available: 1,
  disabled: false,
  forAccount: 'admin',
  createdBy: 'admin',
  createdAt: `2026-11-22T12:00:0${number - 1}.000Z`,
  usedBy: [],
  ...changedBy(1),
  ...more,
})

describe('makes', () => {
  test.each([
    ['one code of one use', [], made(1, 1), [row(1)]],
    ['one of several uses', ['--uses', '5'], made(1, 5), [row(1, { uses: 5, available: 5 })]],
    [
      'one by the old name of the flag',
      ['--use-count', '2'],
      made(1, 2),
      [row(1, { uses: 2, available: 2 })],
    ],
    ['several, a row each', ['--count', '3'], made(3, 1), [row(1), row(2), row(3)]],
    ['one for an account', ['--for', 'alice'], made(1, 1, [did]), [row(1, { forAccount: did })]],
    [
      'several for an account',
      ['--for', 'https://bsky.app/profile/alice.test', '--count', '2'],
      made(2, 1, [did]),
      [row(1, { forAccount: did }), row(2, { forAccount: did })],
    ],
  ])('%s, and asks nothing', async (_, flags, change, rows) => {
    const ran = await scriptedWorld({ pds: pds() }).run(...create, ...flags)
    expect(ran).toMatchObject({ code: 0, stderr: closingNote(1), asked: [] })
    expect(ran.changes).toEqual([change])
    expect(rowsOf(ran)).toEqual(rows)
    const owner = flags.includes('--for') ? did : 'admin'
    const hidden = rows.map(() => 'scripted-test-…').join(' ')
    const { useCount } = change.input
    const made = `made ${rows.length} ${rows.length === 1 ? 'code' : 'codes'} of ${useCount} ${useCount === 1 ? 'use' : 'uses'} ${hidden}`
    expect(told(ran)).toEqual([`intent invite for ${owner}`, `ok invite for ${owner}: ${made}`])
    expect(ran.happened.slice(-5)).toEqual([
      'intent',
      'change createInviteCodes',
      'read getInviteCodes',
      'outcome ok',
      'stdout',
    ])
  })

  test('with a reason, which the trail keeps', async () => {
    const ran = await scriptedWorld({ pds: pds() }).run(...create, '--reason', 'for the meetup')
    expect(ran.trail.map(({ reason }) => reason)).toEqual(['for the meetup', 'for the meetup'])
    expect(JSON.stringify(ran.trail)).not.toContain('scripted-test-00001')
  })

  test('codes whose time is the PDS’s own, each its own, whatever the clock here', async () => {
    const world = scriptedWorld({ pds: pds(), now: '1999-01-01T00:00:00.000Z' })
    world.pds.state.invite(1, 'admin')
    const ran = await world.run(...create, '--count', '2')
    expect(rowsOf(ran)).toEqual([row(2), row(3)])
  })

  test('codes that cannot be read back: they are told all the same, without their time', async () => {
    const world = scriptedWorld({ pds: pds() })
    const query = world.pds.query.bind(world.pds)
    world.pds.query = (nsid, ...rest) =>
      nsid === 'com.atproto.admin.getInviteCodes'
        ? Promise.reject(unreachable('link-lost', 'lost'))
        : query(nsid, ...rest)
    const ran = await world.run(...create)
    expect(ran.code).toBe(6)
    const { createdAt: _, ...untimed } = row(1)
    expect(rowsOf(ran)).toEqual([untimed])
  })

  test('one for an account that must be searched for, and says so', async () => {
    const ran = await scriptedWorld({ pds: pds() }).run(...create, '--for', 'alice@example.com')
    expect(ran.code).toBe(0)
    expect(ran.progress).toContain('looking through all accounts: 0')
  })

  test('new ones each time', async () => {
    const world = scriptedWorld({ pds: pds() })
    await world.run(...create)
    expect(rowsOf(await world.run(...create))).toEqual([{ ...row(2), ...changedBy(2) }])
  })

  test('one which stands alone in a pipe’s field', async () => {
    const ran = await scriptedWorld({ pds: pds() }).run('invite', 'create')
    expect(ran.stdout.split('\n')[0]).toBe('code\tscripted-test-00001')
  })
})

test.each([[[]], [['--count', '20', '--for', 'alice']]])('a dry run %j', async (flags) => {
  const ran = await scriptedWorld({ pds: pds() }).run(...create, ...flags, '--dry-run')
  expect(ran).toMatchObject({ code: 0, stderr: '', asked: [], ...nothing })
  const { nsid, input } = flags.length === 0 ? made(1, 1) : made(20, 1, [did])
  expect(rowsOf(ran)).toMatchObject([{ steps: [{ does: `POST ${nsid} ${JSON.stringify(input)}` }] }])
})

test('another count is confirmed than is asked for', async () => {
  const ran = await scriptedWorld({ pds: pds() }).run(...create, '--count', '3', '--confirm', '30')
  expect(ran).toMatchObject({ code: 4, stdout: '', ...nothing })
})

test.each([
  ['--count', '0'],
  ['--count', '401'],
  ['--uses', '0'],
  ['--uses', '1.5'],
  ['--for', 'no body'],
])('%s %s is a usage error', async (...flags) => {
  const ran = await scriptedWorld({ pds: pds() }).run(...create, ...flags)
  expect(ran).toMatchObject({ code: 2, stdout: '', happened: [], ...nothing })
})

describe('fails', () => {
  test.each([
    ['the PDS refuses', xrpcError('InvalidRequest', 'no'), 1, 'failed'],
    ['the answer is lost: nobody knows the codes', unreachable('answer-lost', 'lost'), 5, 'unreachable'],
  ])('when %s', async (_, failure, code, outcome) => {
    const world = scriptedWorld({ pds: pds() })
    world.pds.faults.push({ change: 1, failure, done: true })
    const ran = await world.run(...create)
    expect(ran).toMatchObject({ code, stdout: '', changes: [made(1, 1)] })
    expect(told(ran)[1]).toBe(`${outcome} invite for admin: ${failure.code}: ${failure.message}`)
  })

  test.each([
    ['are not there', { codes: ['nowhere-1'] }],
    ['have other uses', undefined],
  ])('when the codes that it answers %s', async (_, codes) => {
    const between = async (_change: unknown, make: () => Promise<unknown>) => {
      const answer = await make()
      return codes ? { codes: [{ account: 'admin', ...codes }] } : answer
    }
    const ran = await scriptedWorld({ pds: pds(), between: codes ? between : halved }).run(
      ...create,
      '--uses',
      '4',
    )
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(errorOf(ran)).toMatchObject({
      code: 'not-proven',
      message: 'the PDS answered success, but com.atproto.admin.getInviteCodes does not show the change',
    })
    expect(told(ran)[1]).toMatch(/^failed invite for admin: not-proven: /)
  })
})

/** A PDS that gives fewer uses than it was asked for. */
async function halved(change: { input: unknown }, make: () => Promise<unknown>): Promise<unknown> {
  const input = change.input as { useCount: number }
  input.useCount /= 2
  return await make()
}
