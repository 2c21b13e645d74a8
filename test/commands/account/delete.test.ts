import { expect, test } from 'vitest'
import { type ScriptedPds, scriptedPds } from '../../support/scripted-pds.ts'
import { didOf } from '../../support/scripted-state.ts'
import { changedBy, errorOf, nothing, rowsOf, scriptedWorld, told } from '../../support/world.ts'
import { xrpcError } from '../../support/xrpc-error.ts'

const did = didOf('alice.test')
const named = `alice.test (${did})`
const change = { nsid: 'com.atproto.admin.deleteAccount', input: { did } }
const alice = (): ScriptedPds => scriptedPds({ accounts: [{ handle: 'alice.test' }, { handle: 'bob.test' }] })
const erase = ['account', 'delete', 'alice', '--json']
const question = `text To delete ${named} for good, type alice.test`
const again = (said: string): string => question.replace('text ', `text “${said}” does not match. `)

test.each([
  ['by --confirm', {}, ['--confirm', 'alice.test'], []],
  ['by typing its handle', { interactive: true, answers: [' alice.test '] }, [], [question]],
  ['by typing, whatever --yes says', { interactive: true, answers: ['alice.test'] }, ['--yes'], [question]],
])('is deleted %s', async (_, terminal, flags, asked) => {
  const world = scriptedWorld({ pds: alice(), terminal })
  const ran = await world.run(...erase, ...flags, '--reason', 'bot')
  expect(ran).toMatchObject({ code: 0, asked, changes: [change] })
  expect(rowsOf(ran)).toEqual([{ handle: 'alice.test', did, status: 'deleted', ...changedBy(1) }])
  expect(told(ran)).toEqual([`intent ${named}`, `ok ${named}`])
  expect(ran.trail[0]).toMatchObject({ command: 'account delete', did, reason: 'bot' })
  expect(world.pds.state.accounts.map(({ handle }) => handle)).toEqual(['bob.test'])
})

test('already gone: it is an error, for nobody knows which account was meant', async () => {
  const world = scriptedWorld({ pds: alice() })
  await world.run(...erase, '--confirm', 'alice.test')
  const ran = await world.run(...erase, '--confirm', 'alice.test')
  expect(ran).toMatchObject({ code: 1, stdout: '', ...nothing })
  expect(errorOf(ran)).toMatchObject({ code: 'account-not-found' })
})

test('a dry run', async () => {
  const ran = await scriptedWorld({ pds: alice() }).run(...erase, '--dry-run')
  expect(ran).toMatchObject({ code: 0, stderr: '', asked: [], ...nothing })
  const does = `POST com.atproto.admin.deleteAccount {"did":"${did}"}`
  expect(rowsOf(ran)).toMatchObject([{ dryRun: true, subject: named, steps: [{ does }] }])
})

test.each([
  [
    'types another handle',
    { interactive: true, answers: ['bob.test', ''] },
    [],
    'declined',
    [question, again('bob.test')],
  ],
  ['types yes', { interactive: true, answers: ['y', ''] }, [], 'declined', [question, again('y')]],
  ['types nothing', { interactive: true, answers: [''] }, [], 'declined', [question]],
  ['is not there', {}, [], 'confirm-missing', []],
  ['is not there, and --yes is not enough', {}, ['--yes'], 'confirm-missing', []],
  ['confirms another', {}, ['--confirm', 'bob.test'], 'confirm-mismatch', []],
  ['confirms wrongly and says --yes', {}, ['--confirm', 'alice', '--yes'], 'confirm-mismatch', []],
])('the operator %s: nothing is done', async (_, terminal, flags, code, asked) => {
  const ran = await scriptedWorld({ pds: alice(), terminal }).run(...erase, ...flags)
  expect(ran).toMatchObject({ code: 4, stdout: '', asked, ...nothing })
  expect(errorOf(ran)).toMatchObject({ code })
})

test.each([
  ['passes the DID', {}, ['--confirm', did]],
  ['types the DID', { interactive: true, answers: [did] }, []],
])('the operator %s: that names the account as well', async (_, terminal, flags) => {
  const ran = await scriptedWorld({ pds: alice(), terminal }).run(...erase, ...flags)
  expect(ran).toMatchObject({ code: 0, changes: [change] })
})

test('an account whose handle does not resolve is named by its DID alone: all of those are called alike', async () => {
  const pds = () => scriptedPds({ accounts: [{ handle: 'handle.invalid', did }] })
  const words = ['account', 'delete', did, '--json']
  const all = await scriptedWorld({ pds: pds() }).run(...words, '--confirm', 'handle.invalid')
  expect(all).toMatchObject({ code: 4, ...nothing })
  expect(errorOf(all).hint).toContain(`--confirm ${did}`)
  expect(await scriptedWorld({ pds: pds() }).run(...words, '--confirm', did)).toMatchObject({ code: 0 })
})

test('it fails', async () => {
  const pds = alice()
  pds.faults.push({ change: 1, failure: xrpcError('InvalidRequest', 'no') })
  const ran = await scriptedWorld({ pds }).run(...erase, '--confirm', 'alice.test')
  expect(ran).toMatchObject({ code: 1, stdout: '', changes: [change] })
  expect(told(ran)[1]).toMatch(/^failed alice\.test/)
})

test('the PDS answers success, but the account is still there', async () => {
  const world = scriptedWorld({ pds: alice(), between: async () => undefined })
  const ran = await world.run(...erase, '--confirm', 'alice.test')
  expect(ran).toMatchObject({ code: 1, stdout: '' })
  expect(errorOf(ran)).toMatchObject({ code: 'not-proven' })
  expect(told(ran)[1]).toMatch(/^failed .* is active, not deleted$/)
})
