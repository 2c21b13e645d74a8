import { expect, test } from 'vitest'
import { type ScriptedPds, scriptedPds } from '../../support/scripted-pds.ts'
import { didOf } from '../../support/scripted-state.ts'
import {
  changedBy,
  closingNote,
  errorOf,
  nothing,
  rowsOf,
  scriptedWorld,
  statusChange,
  told,
  unchanged,
} from '../../support/world.ts'
import { xrpcError } from '../../support/xrpc-error.ts'

const did = didOf('alice.test')
const named = `alice.test (${did})`
const change = statusChange(did, { applied: false })
const alice = (status: 'active' | 'takendown' | 'deactivated' = 'takendown'): ScriptedPds =>
  scriptedPds({ accounts: [{ handle: 'alice.test', status }] })
const restore = ['account', 'restore', 'alice', '--json']

test.each(['alice', '@alice.test', did, 'alice@example.com', 'https://bsky.app/profile/alice.test/post/3k'])(
  'a taken-down account is found as %s and restored',
  async (name) => {
    const ran = await scriptedWorld({ pds: alice() }).run('account', 'restore', name, '--json', '--yes')
    expect(ran).toMatchObject({ code: 0, stderr: closingNote(1, 'undo'), changes: [change] })
    expect(rowsOf(ran)).toEqual([{ handle: 'alice.test', did, status: 'active', ...changedBy(1) }])
    expect(told(ran)).toEqual([`intent ${named}`, `ok ${named}`])
  },
)

test('the reason is kept in the trail, and no ref is set', async () => {
  const ran = await scriptedWorld({ pds: alice() }).run(...restore, '-y', '--reason', 'appeal')
  expect(ran.changes).toEqual([change])
  expect(ran.trail.map(({ reason }) => reason)).toEqual(['appeal', 'appeal'])
})

test.each(['active', 'deactivated'] as const)('an account that is %s is left alone', async (status) => {
  const ran = await scriptedWorld({ pds: alice(status) }).run(...restore)
  expect(ran).toMatchObject({ code: 0, asked: [], ...nothing })
  expect(rowsOf(ran)).toEqual([{ handle: 'alice.test', did, status, ...unchanged }])
})

test('a dry run', async () => {
  const ran = await scriptedWorld({ pds: alice() }).run(...restore, '--dry-run')
  expect(ran).toMatchObject({ code: 0, stderr: '', ...nothing })
  const does = `POST com.atproto.admin.updateSubjectStatus ${JSON.stringify(change.input)}`
  expect(rowsOf(ran)).toMatchObject([{ dryRun: true, subject: named, steps: [{ does }] }])
})

test.each([
  ['says no', { interactive: true, answers: ['n'] }, [`y/N Restore ${named}?`]],
  ['is not there', {}, []],
])('the operator %s', async (_, terminal, asked) => {
  const ran = await scriptedWorld({ pds: alice(), terminal }).run(...restore)
  expect(ran).toMatchObject({ code: 4, stdout: '', asked, ...nothing })
})

test('it fails', async () => {
  const pds = alice()
  pds.faults.push({ change: 1, failure: xrpcError('InvalidRequest', 'no') })
  const ran = await scriptedWorld({ pds }).run(...restore, '--yes')
  expect(ran).toMatchObject({ code: 1, stdout: '', changes: [change] })
  expect(told(ran)[1]).toMatch(/^failed alice\.test/)
})

test('the PDS answers success, but the account is still down', async () => {
  const ran = await scriptedWorld({ pds: alice(), between: async () => ({}) }).run(...restore, '--yes')
  expect(ran).toMatchObject({ code: 1, stdout: '' })
  expect(errorOf(ran)).toMatchObject({ code: 'not-proven' })
  expect(told(ran)[1]).toMatch(/^failed .* is takendown, not active$/)
})
