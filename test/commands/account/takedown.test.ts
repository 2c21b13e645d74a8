import { describe, expect, test } from 'vitest'
import { failed, unreachable } from '../../../src/base/failure.ts'
import { type ScriptedPds, scriptedPds } from '../../support/scripted-pds.ts'
import { didOf } from '../../support/scripted-state.ts'
import {
  changedBy,
  closingNote,
  errorOf,
  nothing,
  operationId,
  rowsOf,
  scriptedWorld,
  statusChange,
  told,
  unchanged,
} from '../../support/world.ts'
import { xrpcError } from '../../support/xrpc-error.ts'

const did = didOf('alice.test')
const named = `alice.test (${did})`
const alice = (): ScriptedPds =>
  scriptedPds({ accounts: [{ handle: 'alice.test' }, { handle: 'bob.test' }, { handle: 'carol.test' }] })
const takedown = ['account', 'takedown', 'alice', '--json']

describe('one account', () => {
  test('is taken down, which is proven before it is told', async () => {
    const ran = await scriptedWorld({ pds: alice() }).run(...takedown, '--yes')
    expect(ran).toMatchObject({
      code: 0,
      stderr: closingNote(1, 'undo'),
      asked: [],
      acts: ['# keep the trail'],
    })
    expect(rowsOf(ran)).toEqual([{ handle: 'alice.test', did, status: 'takendown', ...changedBy(1) }])
    expect(ran.changes).toEqual([statusChange(did, { applied: true })])
    expect(told(ran)).toEqual([`intent ${named}`, `ok ${named}`])
    expect(ran.happened.slice(ran.happened.indexOf('intent'))).toEqual([
      'intent',
      'change updateSubjectStatus',
      'read getSubjectStatus',
      'outcome ok',
      'stdout',
    ])
  })

  test('with a reason, which the PDS and the trail keep', async () => {
    const ran = await scriptedWorld({ pds: alice() }).run(...takedown, '--yes', '--reason', 'spam, ticket 42')
    expect(ran.changes).toEqual([statusChange(did, { applied: true, ref: 'spam, ticket 42' })])
    expect(ran.trail[0]).toEqual({
      time: '2026-11-22T18:00:00.000Z',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      operation: operationId(1),
      event: 'intent',
      operator: { user: 'ana', machine: 'laptop', ssh: 'ops@pds.test:22' },
      command: 'account takedown',
      subject: named,
      did,
      status: { from: 'active', to: 'takendown' },
      reason: 'spam, ticket 42',
      version: '1.2.3',
      steps: [
        `POST com.atproto.admin.updateSubjectStatus ${JSON.stringify(statusChange(did, { applied: true, ref: 'spam, ticket 42' }).input)}`,
      ],
    })
    expect(ran.trail[1]).toMatchObject({ event: 'outcome', reason: 'spam, ticket 42', did })
  })

  test('already down: nothing is done', async () => {
    const pds = scriptedPds({ accounts: [{ handle: 'alice.test', status: 'takendown' }] })
    const ran = await scriptedWorld({ pds }).run(...takedown)
    expect(ran).toMatchObject({ code: 0, asked: [], ...nothing })
    expect(rowsOf(ran)).toEqual([{ handle: 'alice.test', did, status: 'takendown', ...unchanged }])
  })

  test('a dry run shows the exact call, and makes none', async () => {
    const world = scriptedWorld({ pds: alice() })
    const ran = await world.run(...takedown, '--reason', 'spam', '--dry-run')
    expect(ran).toMatchObject({ code: 0, stderr: '', asked: [], ...nothing })
    expect(rowsOf(ran)).toMatchObject([
      {
        dryRun: true,
        subject: named,
        did,
        steps: [
          {
            does: `POST com.atproto.admin.updateSubjectStatus ${JSON.stringify(statusChange(did, { applied: true, ref: 'spam' }).input)}`,
          },
        ],
      },
    ])
    const text = await world.run('account', 'takedown', 'alice', '-n', '-v')
    expect(text).toMatchObject({ code: 0, ...nothing })
    expect(text.stdout).toContain(named)
    expect(text.stdout).toContain('POST com.atproto.admin.updateSubjectStatus {')
  })

  test.each([
    ['says no', { interactive: true, answers: ['n'] }, [], 'declined', [`y/N Take down ${named}?`]],
    ['is not there', {}, [], 'consent-missing', []],
    ['may not be asked', { interactive: true }, ['--no-input'], 'consent-missing', []],
  ] as const)('the operator %s: nothing is done', async (_, terminal, flags, code, asked) => {
    const ran = await scriptedWorld({ pds: alice(), terminal }).run(...takedown, ...flags)
    expect(ran).toMatchObject({ code: 4, stdout: '', asked, ...nothing })
    expect(errorOf(ran)).toMatchObject({ code })
  })

  test('the operator says yes', async () => {
    const terminal = { interactive: true, answers: ['y'] }
    const ran = await scriptedWorld({ pds: alice(), terminal }).run(...takedown)
    expect(ran).toMatchObject({ code: 0, asked: [`y/N Take down ${named}?`] })
    expect(ran.changes).toHaveLength(1)
  })

  test.each([
    ['the PDS refuses', xrpcError('InvalidRequest', 'no'), 1, 'failed', 'invalid-request'],
    ['the PDS breaks', xrpcError('InternalServerError', 'oh', 500), 1, 'failed', 'pds-error'],
    ['the way there breaks', unreachable('link-lost', 'gone'), 5, 'unreachable', 'link-lost'],
  ])('%s: it failed, and the trail says so', async (_, failure, code, outcome, word) => {
    const pds = alice()
    pds.faults.push({ change: 1, failure })
    const ran = await scriptedWorld({ pds }).run(...takedown, '--yes')
    expect(ran).toMatchObject({ code, stdout: '', changes: [statusChange(did, { applied: true })] })
    expect(errorOf(ran)).toMatchObject({ code: word, message: failure.message })
    expect(told(ran)).toEqual([`intent ${named}`, `${outcome} ${named}: ${word}: ${failure.message}`])
  })

  test.each([
    ['and it is done', true, 0, `ok ${named}`],
    ['and it is not', undefined, 5, `unreachable ${named}: answer-lost: it may or may not be done`],
  ] as const)('the answer is lost, %s: reading back tells', async (_, done, code, outcome) => {
    const pds = alice()
    const failure = unreachable('answer-lost', 'it may or may not be done')
    pds.faults.push({ change: 1, failure, ...(done && { done }) })
    const ran = await scriptedWorld({ pds }).run(...takedown, '--yes')
    expect(ran.code).toBe(code)
    expect(rowsOf(ran)).toHaveLength(done ? 1 : 0)
    expect(told(ran)).toEqual([`intent ${named}`, outcome])
  })

  test('the PDS answers success, but the account is not down', async () => {
    const ran = await scriptedWorld({ pds: alice(), between: async () => ({}) }).run(...takedown, '--yes')
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(errorOf(ran)).toMatchObject({
      code: 'not-proven',
      message: `the PDS answered success, but ${did} is active, not takendown`,
    })
    expect(told(ran)[1]).toMatch(/^failed alice\.test \(.*: not-proven: /)
  })

  test('it was accepted, but cannot be read back', async () => {
    const pds = alice()
    const between = async (_: unknown, make: () => Promise<unknown>) => {
      await make()
      pds.query = async () => {
        throw unreachable('link-lost', 'gone')
      }
    }
    const ran = await scriptedWorld({ pds, between }).run(...takedown, '--yes')
    expect(ran).toMatchObject({ code: 6, stdout: '' })
    expect(errorOf(ran).message).toBe('it was accepted, but could not be read back: gone')
    expect(told(ran)[1]).toMatch(/^partial /)
  })
})

describe('many accounts', () => {
  const [a, b, c] = ['alice.test', 'bob.test', 'carol.test'].map(didOf) as [string, string, string]
  const all = [a, b, c].map((one) => statusChange(one, { applied: true }))

  test.each([
    ['as words', ['alice', '@BOB.test', c], {}],
    ['twice', ['alice', a, `at://${a}`, 'bob', 'https://bsky.app/profile/carol.test'], {}],
    [
      'of a file',
      ['--from', 'bots.txt'],
      { 'bots.txt': '# bots\nalice\tx\r\nbob.test\n\ncarol@example.com' },
    ],
    [
      'of a list as JSON',
      ['--from', 'l'],
      { l: [a, b, c].map((one) => JSON.stringify({ did: one })).join('\n') },
    ],
  ])('%s', async (_, words, files) => {
    const ran = await scriptedWorld({ pds: alice(), files }).run(
      'account',
      'takedown',
      ...words,
      '-y',
      '--json',
    )
    expect(ran.code).toBe(0)
    expect(ran.stderr).toBe(closingNote(1, 'undo'))
    expect(ran.changes).toEqual(all)
    expect(rowsOf(ran).map(({ did, changed }) => [did, changed])).toEqual([a, b, c].map((one) => [one, true]))
  })

  test('from standard input', async () => {
    const world = scriptedWorld({ pds: alice(), stdin: 'alice\ncarol\n' })
    const ran = await world.run('account', 'takedown', '--from', '-', '--yes')
    expect(ran.changes).toEqual([all[0], all[2]])
  })

  test('one is not there, one is down: the others are done, and the report says which', async () => {
    const pds = alice()
    await scriptedWorld({ pds }).run('account', 'takedown', 'bob', '--yes')
    const ran = await scriptedWorld({ pds }).run(
      'account',
      'takedown',
      'alice',
      'bob',
      'nobody',
      'carol',
      '-y',
      '--json',
    )
    expect(ran.code).toBe(6)
    expect(ran.changes).toEqual([all[0], all[2]])
    expect(rowsOf(ran).map(({ handle, changed }) => [handle, changed])).toEqual([
      ['alice.test', true],
      ['bob.test', false],
      ['carol.test', true],
    ])
    expect(errorOf(ran)).toMatchObject({
      code: 'partial',
      done: [named, `carol.test (${c})`],
      unchanged: 1,
      failed: [{ subject: 'nobody', code: 'account-not-found' }],
      notTried: [],
    })
  })

  test('on a terminal a line at the end says what has become of them', async () => {
    const pds = alice()
    await scriptedWorld({ pds }).run('account', 'takedown', 'bob', '--yes')
    pds.faults.push({ change: 3, failure: failed('invalid-request', 'not this one') })
    const words = ['account', 'takedown', 'alice', 'bob', 'carol', '--yes']
    const ran = await scriptedWorld({ pds, terminal: { interactive: true } }).run(...words)
    expect(ran.stderr).toContain('\n1 taken down, 1 already so, 1 failed, read back, 0.0 s\nnote: operation ')
    const again = await scriptedWorld({ pds, terminal: { interactive: true } }).run(...words)
    expect(again.stderr).toContain(`take down carol.test (${c}) on kimbia`)
    expect(again.stderr).toContain('1 taken down, 2 already so, 0 failed, read back, ')
    expect((await scriptedWorld({ pds }).run(...words)).stderr).not.toContain('already so')
  })

  test('one fails: the others are done all the same', async () => {
    const pds = alice()
    pds.faults.push({ change: 2, failure: failed('invalid-request', 'not this one') })
    const ran = await scriptedWorld({ pds }).run(
      'account',
      'takedown',
      'alice',
      'bob',
      'carol',
      '-y',
      '--json',
    )
    expect(ran.code).toBe(6)
    expect(rowsOf(ran)).toHaveLength(2)
    const { done, failed: misses } = errorOf(ran) as { done: string[]; failed: { subject: string }[] }
    expect(done).toHaveLength(2)
    expect(misses).toMatchObject([{ code: 'invalid-request', message: 'not this one' }])
    expect(done).not.toContain(misses[0]?.subject)
  })

  test.each([
    ['no account at all', [], {}, 'no account was named'],
    ['an empty reason', ['alice', '--reason', ' '], {}, 'it is empty'],
    ['an empty file', ['--from', 'f'], { f: '\n# none\n' }, 'f names no account'],
    ['a file that is not there', ['--from', 'g'], {}, 'cannot read g'],
    ['a line that is none', ['--from', 'f'], { f: 'alice\nno body\n' }, 'f, line 2: '],
    ['JSON without a DID', ['--from', 'f'], { f: '{"handle":"alice.test"}' }, 'f, line 1: '],
    ['broken JSON', ['--from', 'f'], { f: '{"did":' }, 'f, line 1: '],
  ])('%s is a usage error', async (_, words, files, message) => {
    const ran = await scriptedWorld({ pds: alice(), files }).run('account', 'takedown', ...words, '-y')
    expect(ran).toMatchObject({ code: 2, stdout: '', happened: [], ...nothing })
    expect(ran.stderr).toContain(message)
  })
})
