import { describe, expect, test } from 'vitest'
import { type Failure, unreachable } from '../../../src/base/failure.ts'
import { scriptedHost } from '../../support/scripted-host.ts'
import { type ScriptedPds, scriptedPds } from '../../support/scripted-pds.ts'
import type { Fault, PdsScript } from '../../support/scripted-state.ts'
import { didOf } from '../../support/scripted-state.ts'
import { changedBy, errorOf, nothing, type Ran, rowsOf, scriptedWorld, told } from '../../support/world.ts'
import { xrpcError } from '../../support/xrpc-error.ts'

const did = didOf('alice.test')
const code = 'scripted-test-00001'
const password = expect.stringMatching(/^[\w]{6}(-[\w]{6}){3}$/)
const create = ['account', 'create', 'Alice@example.com', 'alice', '--json']
const empty = (script: PdsScript = {}): ScriptedPds => scriptedPds(script)

const inviteMade = { nsid: 'com.atproto.server.createInviteCode', input: { useCount: 1 } }
const inviteDisabled = { nsid: 'com.atproto.admin.disableInviteCodes', input: { codes: [code] } }
const accountMade = (secret: unknown = password) => ({
  nsid: 'com.atproto.server.createAccount',
  input: { handle: 'alice.test', email: 'Alice@example.com', password: secret, inviteCode: code },
  as: 'nobody',
})

/** Everything that is told, but the password that is the result. */
const words = (ran: Ran): string => JSON.stringify([ran.stderr, ran.trail, ran.asked, ran.progress, ran.acts])

describe('makes an account', () => {
  test('with an invite code where one is demanded, and proves it by a login', async () => {
    const ran = await scriptedWorld({ pds: empty() }).run(...create)
    expect(ran).toMatchObject({ code: 0, asked: [], changes: [inviteMade, accountMade()] })
    const [row] = rowsOf(ran)
    expect(row).toEqual({
      handle: 'alice.test',
      did,
      email: 'Alice@example.com',
      password,
      inviteCode: code,
      ...changedBy(1),
    })
    expect(told(ran)).toEqual(['intent alice.test', 'ok alice.test'])
    expect(ran.happened.slice(ran.happened.indexOf('intent'))).toEqual([
      'intent',
      'change createInviteCode',
      'change createAccount',
      'log in',
      'outcome ok',
      'stdout',
    ])
    const secret = String(row?.password)
    expect(ran.changes[1]).toEqual(accountMade(secret))
    expect(ran.stdout.split(secret)).toHaveLength(2)
    expect(words(ran)).not.toContain(secret)
    expect(ran.trail[0]?.steps).toEqual([
      'POST com.atproto.server.createInviteCode {"useCount":1}',
      'POST com.atproto.server.createAccount {"handle":"alice.test","email":"Alice@example.com","password":"‹secret›","inviteCode":"‹invite.code›"}',
    ])
  })

  test('without a code where none is demanded', async () => {
    const ran = await scriptedWorld({ pds: empty({ inviteRequired: false }) }).run(...create)
    const { inviteCode: _, ...input } = accountMade().input
    expect(ran).toMatchObject({ code: 0 })
    expect(ran.changes).toEqual([{ ...accountMade(), input }])
    expect(rowsOf(ran)).toMatchObject([{ inviteCode: null, password }])
  })

  test('with the password of standard input, which is never shown', async () => {
    const world = scriptedWorld({ pds: empty(), stdin: 'correct horse\nbattery\n' })
    const ran = await world.run(...create, '--password-stdin', '--verbose')
    expect(ran).toMatchObject({ code: 0, changes: [inviteMade, accountMade('correct horse')] })
    expect(rowsOf(ran)).toMatchObject([{ password: null }])
    expect(ran.stdout + words(ran)).not.toContain('correct horse')
  })

  test.each([
    ['handle first', ['alice', 'Alice@example.com']],
    ['as flags', ['--email', 'Alice@example.com', '--handle', 'Alice.test']],
    ['one of each', ['--handle', '@alice', 'Alice@example.com']],
  ])('%s', async (_, args) => {
    const ran = await scriptedWorld({ pds: empty() }).run('account', 'create', ...args)
    expect(ran).toMatchObject({ code: 0, changes: [inviteMade, accountMade()] })
  })

  test('and asks for what is missing', async () => {
    const terminal = { interactive: true, answers: ['Alice@example.com', 'alice'] }
    const ran = await scriptedWorld({ pds: empty(), terminal }).run('account', 'create')
    expect(ran).toMatchObject({
      code: 0,
      asked: ['text Email address', 'text Handle (a name alone gets .test)'],
    })
    expect(ran.changes).toEqual([inviteMade, accountMade()])
  })
})

describe('makes none', () => {
  test('in a dry run', async () => {
    const ran = await scriptedWorld({ pds: empty() }).run(...create, '--dry-run')
    expect(ran).toMatchObject({ code: 0, stderr: '', ...nothing })
    expect(rowsOf(ran)[0]?.steps).toMatchObject([
      { does: 'POST com.atproto.server.createInviteCode {"useCount":1}' },
      { does: expect.stringContaining('"password":"‹secret›","inviteCode":"‹invite.code›"') },
    ])
  })

  test.each([
    ['another handle is confirmed', {}, ['--confirm', 'bob.test'], 4],
    ['an email is missing and nobody is there', {}, ['create', 'alice'], 2],
    ['the handle is elsewhere', {}, ['create', 'a@example.com', 'alice.example.com'], 1],
    ['there are two handles', {}, ['create', 'a.test', 'b.test'], 2],
    ['there are two emails', {}, ['create', 'a@example.com', '--email', 'b@example.com'], 2],
    ['the email is none', {}, ['create', 'a@example', 'alice'], 2],
    ['the handle is none', {}, ['create', 'a@example.com', 'bad handle'], 2],
    ['the password is short', { stdin: 'short\n' }, ['--password-stdin'], 2],
    ['the password is very long', { stdin: `${'x'.repeat(257)}\n` }, ['--password-stdin'], 2],
  ])('when %s', async (_, script, args, exit) => {
    const line = args[0] === 'create' ? ['account', ...args, '--json'] : [...create, ...args]
    const ran = await scriptedWorld({ pds: empty(), ...script }).run(...line)
    expect(ran).toMatchObject({ code: exit, stdout: '', ...nothing })
  })
})

describe('asks before it makes an invite code', () => {
  const [taken, good] = [{ handle: 'alice.test', email: 'a@example.com' }, { code: 'good' }]
  test.each<[string, PdsScript, readonly string[], string, string]>([
    ['is reserved', {}, ['b@example.com', 'admin'], 'handle-not-available', 'admin.test is reserved'],
    ['is too short', {}, ['b@example.com', 'al'], 'invalid-handle', 'Handle too short'],
    [
      'is taken',
      { accounts: [taken] },
      ['b@example.com', 'alice'],
      'handle-taken',
      'alice.test is taken: by alice.test (',
    ],
    [
      'is that of an account that is taken down',
      { accounts: [{ ...taken, status: 'takendown' }], invites: [good] },
      ['b@example.com', 'alice'],
      'invalid-request',
      'Handle already taken',
    ],
    [
      'comes with an address that is in use',
      { accounts: [taken], invites: [good] },
      ['A@example.com', 'bob'],
      'invalid-request',
      'Email already taken',
    ],
  ])('whether the handle %s', async (_, script, words, code, message) => {
    for (const flags of [[], ['--dry-run']]) {
      const world = scriptedWorld({ pds: empty(script) })
      const ran = await world.run('account', 'create', ...words, '--json', ...flags)
      expect(ran).toMatchObject({ code: 1, stdout: '', ...nothing })
      expect(errorOf(ran)).toMatchObject({ code, message: expect.stringContaining(message) })
      expect(world.pds.state.invites).toHaveLength(script.invites?.length ?? 0)
    }
  })

  test('whose the address is, by the database of the host', async () => {
    const pds = empty({ accounts: [taken] })
    const host = scriptedHost().on('SELECT did FROM account', `${pds.state.accounts[0]?.did}\n`)
    const ran = await scriptedWorld({ pds, host }).run('account', 'create', 'a@example.com', 'bob', '--json')
    expect(ran).toMatchObject({ code: 1, ...nothing })
    expect(errorOf(ran)).toMatchObject({
      code: 'email-taken',
      message: expect.stringContaining('a@example.com is the address of alice.test ('),
    })
  })

  test('a reserved handle gets its hint', async () => {
    const ran = await scriptedWorld({ pds: empty() }).run(
      'account',
      'create',
      'b@example.com',
      'admin',
      '--json',
    )
    expect(errorOf(ran).hint).toContain('kimbia-ops account update ACCOUNT --handle admin.test')
  })

  test.each([
    ['do_ra', '“_” cannot be in it'],
    ['-dora', 'no part of it may begin or end with a hyphen'],
    ['dora..test', 'a part of it is empty'],
    ['x'.repeat(64), 'it is too long'],
    ['dora.5', 'its last part must begin with a letter'],
  ])('what is wrong with %s', async (handle, message) => {
    const ran = await scriptedWorld({ pds: empty() }).run(
      'account',
      'create',
      'b@example.com',
      '--handle',
      handle,
      '--json',
    )
    expect(ran).toMatchObject({ code: 2, happened: [], ...nothing })
    expect(errorOf(ran).message).toContain(`is not a handle: ${message}`)
  })
})

describe('fails', () => {
  const broken = xrpcError('InternalServerError', 'oh', 500)
  const run = async (faults: Fault[], script: PdsScript = {}) => {
    const pds = empty({ ...script, faults })
    const ran = await scriptedWorld({ pds }).run(...create)
    expect(ran.stdout).toBe('')
    return { ran, error: errorOf(ran), pds }
  }

  test('at the invite code: nothing is left to undo', async () => {
    const { ran } = await run([{ change: 1, failure: broken }])
    expect(ran).toMatchObject({ code: 1, changes: [inviteMade] })
    expect(told(ran)).toEqual([
      'intent alice.test',
      expect.stringMatching(/^failed alice\.test: pds-error: /),
    ])
  })

  test.each<[string, Failure, number, string]>([
    ['a refusal', xrpcError('HandleNotAvailable', 'Reserved handle'), 1, 'failed'],
    ['an error of the PDS', broken, 1, 'failed'],
    ['a lost answer', unreachable('answer-lost', 'it may or may not be done'), 5, 'unreachable'],
  ])('at the account with %s: the invite code is disabled again', async (_, failure, exit, outcome) => {
    const { ran, error, pds } = await run([{ change: 2, failure }])
    expect(ran).toMatchObject({ code: exit, changes: [inviteMade, accountMade(), inviteDisabled] })
    expect(error.message).toBe(
      `step 2 failed: Make the account alice.test\n${failure.message}\nundone: Disable the invite code made for alice.test`,
    )
    expect(told(ran)[1]).toBe(`${outcome} alice.test: ${failure.code}: ${error.message}`)
    expect(pds.state.invites).toMatchObject([{ code, disabled: true }])
  })

  test.each([
    [
      'handle',
      { handle: 'alice.test', email: 'other@example.com', status: 'takendown' } as const,
      'Handle already taken: alice.test',
    ],
    ['email', { handle: 'other.test', email: 'alice@example.com' }, 'Email already taken: Alice@example.com'],
  ])(
    'when the %s is taken, and no code and no database of the host tells beforehand',
    async (_, account, message) => {
      const { ran, error } = await run([], { accounts: [account] })
      expect(ran).toMatchObject({ code: 1, changes: [inviteMade, accountMade(), inviteDisabled] })
      expect(error.message).toContain(message)
      expect(error.message).toContain('undone: Disable the invite code')
    },
  )

  test('and so does the undoing: it is partial, and the code that stands is named', async () => {
    const { ran, error } = await run([
      { change: 2, failure: broken },
      { change: 3, failure: unreachable('link-lost', 'gone') },
    ])
    expect(ran).toMatchObject({ code: 6, changes: [inviteMade, accountMade(), inviteDisabled] })
    expect(error.message).toContain('NOT undone: Disable the invite code made for alice.test: gone')
    expect(told(ran)[1]).toMatch(/^partial alice\.test: /)
  })

  test('when its password does not log in', async () => {
    const pds = empty()
    pds.accepts = async () => ({ ok: false, error: 'AuthenticationRequired', message: 'wrong' })
    const ran = await scriptedWorld({ pds }).run(...create)
    expect(ran).toMatchObject({ code: 6, changes: [inviteMade, accountMade()] })
    expect(rowsOf(ran)).toMatchObject([{ handle: 'alice.test', password, changed: true }])
    expect(errorOf(ran)).toMatchObject({ code: 'not-proven' })
    expect(told(ran)[1]).toMatch(/^partial alice\.test: not-proven: /)
  })

  test('to be proven when the way there breaks: the account stands', async () => {
    const pds = empty()
    pds.accepts = () => Promise.reject(unreachable('link-lost', 'gone'))
    const ran = await scriptedWorld({ pds }).run(...create)
    expect(ran).toMatchObject({ code: 6, changes: [inviteMade, accountMade()] })
    expect(rowsOf(ran)).toMatchObject([{ handle: 'alice.test', password, changed: true }])
    expect(errorOf(ran)).toMatchObject({
      code: 'link-lost',
      message: expect.stringContaining('it was accepted, but could not be read back: gone'),
    })
    expect(told(ran)[1]).toMatch(/^partial alice\.test: link-lost: /)
    expect(pds.state.accounts).toHaveLength(1)
  })
})
