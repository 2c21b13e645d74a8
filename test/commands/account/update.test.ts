import { describe, expect, test } from 'vitest'
import { unreachable } from '../../../src/base/failure.ts'
import { type ScriptedPds, scriptedPds } from '../../support/scripted-pds.ts'
import { didOf, type Fault } from '../../support/scripted-state.ts'
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
const named = `alice.test (${did})`
const alice = (faults: Fault[] = []): ScriptedPds =>
  scriptedPds({ accounts: [{ handle: 'alice.test' }, { handle: 'bob.test' }], faults })
const update = ['account', 'update', 'alice', '--json']
const both = ['--email', 'New@example.com', '--handle', 'alice2']
const emailTo = (email: string) => ({
  nsid: 'com.atproto.admin.updateAccountEmail',
  input: { account: did, email },
})
const handleTo = (handle: string) => ({
  nsid: 'com.atproto.admin.updateAccountHandle',
  input: { did, handle },
})

describe('changes', () => {
  test.each([
    ['the email', ['--email', 'New@example.com'], [emailTo('New@example.com')], { email: 'new@example.com' }],
    ['the handle', ['--handle', 'alice2'], [handleTo('alice2.test')], { handle: 'alice2.test' }],
    ['to a handle elsewhere', ['--handle', 'a.example'], [handleTo('a.example')], { handle: 'a.example' }],
    [
      'both',
      both,
      [handleTo('alice2.test'), emailTo('New@example.com')],
      { email: 'new@example.com', handle: 'alice2.test' },
    ],
  ])('%s', async (_, flags, changes, now) => {
    const ran = await scriptedWorld({ pds: alice() }).run(...update, ...flags, '--yes')
    expect(ran).toMatchObject({ code: 0, stderr: closingNote(1) })
    expect(ran.changes).toEqual(changes)
    expect(rowsOf(ran)).toEqual([
      { handle: 'alice.test', did, email: 'alice@example.com', ...now, ...changedBy(1) },
    ])
    expect(told(ran)).toEqual([`intent ${named}`, `ok ${named}`])
    expect(ran.happened.slice(-3)).toEqual(['read getAccountInfo', 'outcome ok', 'stdout'])
  })

  test.each([
    ['the same email', ['--email', 'Alice@Example.com']],
    ['the same handle', ['--handle', '@alice.test']],
    ['the same of both', ['--handle', 'alice', '--email', 'alice@example.com']],
  ])('nothing with %s', async (_, flags) => {
    const ran = await scriptedWorld({ pds: alice() }).run(...update, ...flags)
    expect(ran).toMatchObject({ code: 0, asked: [], ...nothing })
    expect(rowsOf(ran)).toEqual([{ handle: 'alice.test', did, email: 'alice@example.com', ...unchanged }])
  })

  test('nothing in a dry run', async () => {
    const ran = await scriptedWorld({ pds: alice() }).run(...update, ...both, '--dry-run')
    expect(ran).toMatchObject({ code: 0, stderr: '', ...nothing })
    expect(rowsOf(ran)).toMatchObject([
      {
        subject: named,
        steps: [handleTo('alice2.test'), emailTo('New@example.com')].map(({ nsid, input }) => ({
          does: `POST ${nsid} ${JSON.stringify(input)}`,
        })),
      },
    ])
  })

  test.each([
    ['says no', { interactive: true, answers: ['n'] }, 1],
    ['is not there', {}, 0],
  ])('nothing when the operator %s', async (_, terminal, asked) => {
    const ran = await scriptedWorld({ pds: alice(), terminal }).run(...update, ...both)
    expect(ran).toMatchObject({ code: 4, stdout: '', ...nothing })
    expect(ran.asked).toHaveLength(asked)
  })

  test.each([
    ['nothing is named', [], 2, 'usage'],
    ['the email is none', ['--email', 'nobody'], 2, 'invalid-value'],
    ['the handle is none', ['--handle', 'al ice'], 2, 'invalid-value'],
    ['the email is taken', ['--email', 'BOB@example.com'], 1, 'email-taken'],
  ])('nothing when %s', async (_, flags, code, word) => {
    const ran = await scriptedWorld({ pds: alice() }).run(...update, ...flags, '--yes')
    expect(ran).toMatchObject({ code, stdout: '', ...nothing })
    expect(errorOf(ran)).toMatchObject({ code: word })
  })
})

describe('fails', () => {
  const refused = xrpcError('InvalidEmail', 'This email address is not supported')

  test('at the first step: nothing more is tried', async () => {
    const pds = alice([{ change: 1, failure: xrpcError('InternalServerError', 'oh', 500) }])
    const ran = await scriptedWorld({ pds }).run(...update, ...both, '--yes')
    expect(ran).toMatchObject({ code: 1, stdout: '', changes: [handleTo('alice2.test')] })
    expect(told(ran)[1]).toMatch(/^failed .*: pds-error: /)
  })

  test('at the second step: the first is undone', async () => {
    const pds = alice([{ change: 2, failure: refused }])
    const ran = await scriptedWorld({ pds }).run(...update, ...both, '--yes')
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(ran.changes).toEqual([handleTo('alice2.test'), emailTo('New@example.com'), handleTo('alice.test')])
    expect(errorOf(ran).message).toContain('undone: Change the handle back to alice.test')
    expect(told(ran)[1]).toMatch(/^failed .*: invalid-email: step 2 failed/)
    expect(pds.state.find(did)).toMatchObject({ email: 'alice@example.com', handle: 'alice.test' })
  })

  test('at the second step, and at the undo: the handle stands', async () => {
    const pds = alice([
      { change: 2, failure: refused },
      { change: 3, failure: unreachable('link-lost', 'gone') },
    ])
    const ran = await scriptedWorld({ pds }).run(...update, ...both, '--yes')
    expect(ran).toMatchObject({ code: 6, stdout: '' })
    expect(errorOf(ran).message).toContain('NOT undone: Change the handle back to alice.test: gone')
    expect(told(ran)[1]).toMatch(/^partial /)
  })

  test('when the PDS answers success, but the handle is the old one', async () => {
    const ran = await scriptedWorld({ pds: alice(), between: async () => undefined }).run(
      ...update,
      ...both,
      '-y',
    )
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(ran.changes).toEqual([handleTo('alice2.test'), handleTo('alice.test')])
    expect(errorOf(ran)).toMatchObject({ code: 'not-proven' })
  })
})
