import { describe, expect, test } from 'vitest'
import { Secret } from '../../../src/base/secret.ts'
import { scriptedHost } from '../../support/scripted-host.ts'
import { type ScriptedPds, scriptedPds } from '../../support/scripted-pds.ts'
import { didOf } from '../../support/scripted-state.ts'
import { errorOf, nothing, rowsOf, scriptedWorld } from '../../support/world.ts'
import { xrpcError } from '../../support/xrpc-error.ts'

const pds = (): ScriptedPds =>
  scriptedPds({
    pageSize: 2,
    accounts: [
      { handle: 'alice.test', createdAt: '2026-01-01T00:00:00.000Z', inviteCode: 'code-1' },
      { handle: 'bob.test', createdAt: '2026-02-01T00:00:00.000Z', status: 'takendown', takedownRef: 't42' },
      { handle: 'carol.test', createdAt: '2026-03-01T00:00:00.000Z', status: 'deactivated', email: null },
      {
        handle: 'dave.test',
        createdAt: '2026-04-01T00:00:00.000Z',
        emailConfirmedAt: null,
        email: 'd@spam.example',
      },
      { handle: 'erin.test', createdAt: '2026-05-01T00:00:00.000Z' },
    ],
    invites: [
      { code: 'code-1', uses: 3, usedBy: [{ did: didOf('alice.test'), usedAt: '2026-01-01T00:00:00.000Z' }] },
    ],
  })
const all = ['alice', 'bob', 'carol', 'dave', 'erin']

describe('account list', () => {
  test('gives every account of every page, with all its fields', async () => {
    const ran = await scriptedWorld({ pds: pds() }).run('account', 'list', '--json')
    expect(ran).toMatchObject({ code: 0, stderr: '5 accounts\n', ...nothing })
    expect(rowsOf(ran).map(({ handle, status }) => [handle, status])).toEqual([
      ['alice.test', 'active'],
      ['bob.test', 'takendown'],
      ['carol.test', 'deactivated'],
      ['dave.test', 'active'],
      ['erin.test', 'active'],
    ])
    expect(rowsOf(ran)[0]).toEqual({
      handle: 'alice.test',
      did: didOf('alice.test'),
      email: 'alice@example.com',
      status: 'active',
      createdAt: '2026-01-01T00:00:00.000Z',
      emailConfirmedAt: '2026-01-01T00:00:00.000Z',
      invitedBy: 'admin',
      inviteCode: 'code-1',
    })
    expect(rowsOf(ran)[2]).toMatchObject({ email: null, invitedBy: null })
  })

  test('in a pipe it is tab-separated and whole', async () => {
    const ran = await scriptedWorld({ pds: pds() }).run('account', 'list', '--limit', '1', '--quiet')
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(ran.stdout).toBe(
      `alice.test\t${didOf('alice.test')}\talice@example.com\tactive\t2026-01-01T00:00:00.000Z\n`,
    )
  })

  test.each([
    ['--status takendown', ['bob']],
    ['--status active', ['alice', 'dave', 'erin']],
    ['--unconfirmed', ['dave']],
    ['--invite code-1', ['alice']],
    ['--newest 2', ['erin', 'dave']],
    ['--newest 9', all.toReversed()],
    ['--newest 1 --status takendown', ['bob']],
    ['--newest 9 --since 2026-02-01 --until 2026-04-01', ['carol', 'bob']],
    ['--match alice.test', ['alice']],
    [`--match ${didOf('bob.test')}`, ['bob']],
    ['--invite code-1 --since 2026-02-01', []],
    ['--match SPAM.example', ['dave']],
    ['--match *.test', all],
    ['--match ?a*.test', ['carol', 'dave']],
    ['--match alice.tes', ['alice']],
    ['--match .tes?', []],
    ['--since 2026-02-01', ['bob', 'carol', 'dave', 'erin']],
    ['--until 2026-02-01T00:00:00Z', ['alice']],
    ['--since 2026-02-01 --until 2026-04-01 --status takendown', ['bob']],
    ['--match erin@', ['erin']],
    ['--match `$(x)`', []],
    ['--match [ae]*.test', ['alice', 'erin']],
    ['--match [!a-d]rin', ['erin']],
    ['--not-match a*', ['bob', 'carol', 'dave', 'erin']],
    ['--not-match example.com --status active', ['dave']],
    ['--regex ^(bob|erin)\\.', ['bob', 'erin']],
    ['--regex SPAM\\.', ['dave']],
    [`--match ${didOf('bob.test').slice(0, 20)}`, ['bob']],
    [`--regex ^${didOf('bob.test')}$`, ['bob']],
    [`--match ${didOf('bob.test').slice(8, 20)}`, []],
    ['--limit 2', ['alice', 'bob']],
    ['--limit 99', all],
  ])('%s', async (flags, handles) => {
    const ran = await scriptedWorld({ pds: pds() }).run('account', 'list', ...flags.split(' '), '--json')
    expect(ran.code).toBe(0)
    expect(rowsOf(ran).map(({ handle }) => handle)).toEqual(handles.map((name) => `${name}.test`))
  })

  test.each([
    ['--since 2026-02-01 --until 2026-01-01', '--since is not before --until'],
    ['--status down', 'is not one of active, takendown'],
    ['--since lately', 'is not a time'],
    ['--limit 0', 'is not a whole number'],
    ['--match ^bob', '“^bob” is a regular expression'],
    ['--match bot\\d+', 'give it with --regex'],
    ['--match (a|b)', 'give it with --regex'],
    ['--match bot[0-9]+', 'give it with --regex'],
    ['--match bot[0-9]{7}', 'give it with --regex'],
    ['--match {anna,bert}', 'give it with --regex'],
    ['--match bot\\.test', 'give it with --regex'],
    ['--match bot[0-9', 'a class that begins with [ is never closed'],
    ['--match bot[]', 'the class [] is empty'],
    ['--match [[:digit:]]', 'is not known'],
    ['--match [9-0]', 'is not a pattern'],
    ['--match=', 'it is empty'],
    ['--not-match ^a', 'give it with --regex'],
    ['--regex (', 'is not a pattern'],
  ])('%s is a usage error', async (flags, message) => {
    const ran = await scriptedWorld({ pds: pds() }).run('account', 'list', ...flags.split(' '))
    expect(ran).toMatchObject({ code: 2, stdout: '', happened: [] })
    expect(ran.stderr).toContain(message)
  })
})

describe('a filter that all accounts pass', () => {
  const few = (confirmed: string | null): ScriptedPds =>
    scriptedPds({
      accounts: ['bot1.test', 'bot2.test', 'bot3.test'].map((handle) => ({
        handle,
        emailConfirmedAt: confirmed,
      })),
    })
  const mailing = scriptedHost({
    settings: { text: new Secret('PDS_HOSTNAME=pds.test\nPDS_EMAIL_SMTP_URL=smtps://mail.test\n') },
  })

  test('is told, with its cause where the PDS has no mail', async () => {
    const ran = await scriptedWorld({ pds: few(null) }).run('account', 'list', '--unconfirmed', '--json')
    expect(rowsOf(ran)).toHaveLength(3)
    expect(ran.stderr).toContain(
      'warning: 3 of 3 accounts are unconfirmed, so --unconfirmed tells none from another: mail is not set up on this PDS',
    )
    const quiet = await scriptedWorld({ pds: few(null) }).run('account', 'list', '--unconfirmed', '-q')
    expect(quiet.stderr).toBe('')
  })

  test.each([
    ['--unconfirmed', '3 of 3 accounts are unconfirmed, so --unconfirmed tells none from another\n'],
    ['--match bot', '3 of 3 accounts match “bot”, so --match tells none from another\n'],
    ['--regex \\d', '3 of 3 accounts match “\\d”, so --regex tells none from another\n'],
    ['--not-match alice', '3 of 3 accounts do not match “alice”, so --not-match tells none from another\n'],
    [
      '--unconfirmed --match bot1',
      '3 of 3 accounts are unconfirmed, so --unconfirmed tells none from another\n',
    ],
  ])('%s', async (flags, message) => {
    const ran = await scriptedWorld({ pds: few(null), host: mailing }).run(
      'account',
      'list',
      ...flags.split(' '),
    )
    expect(ran.stderr).toContain(message)
    expect(ran.stderr.match(/warning/g)).toHaveLength(1)
  })

  test.each([
    ['none passes', '--unconfirmed', '2026-01-01T00:00:00.000Z'],
    ['only some pass', '--match bot1', null],
    ['there is none', '', null],
  ])('and nothing is said where %s', async (_, flags, confirmed) => {
    const words = flags.split(' ').filter(Boolean)
    const ran = await scriptedWorld({ pds: few(confirmed) }).run('account', 'list', ...words)
    expect(ran.stderr).not.toContain('warning')
  })
})

test('a whole handle, DID or address is asked for alone, where the host tells whose the address is', async () => {
  for (const match of ['alice.test', didOf('bob.test'), 'd@spam.example']) {
    const world = scriptedWorld({
      pds: pds(),
      host: scriptedHost().on('SELECT did FROM account', `${didOf('dave.test')}\n`),
    })
    expect(rowsOf(await world.run('account', 'list', '--match', match, '--json'))).toHaveLength(1)
    expect(world.pds.asked).not.toContain('com.atproto.sync.listRepos')
  }
})

test('what the host says of an address is proven with the PDS', async () => {
  const host = scriptedHost().on('SELECT did FROM account', `${didOf('bob.test')}\n`)
  const ran = await scriptedWorld({ pds: pds(), host }).run('account', 'info', 'd@spam.example', '--json')
  expect(rowsOf(ran)).toMatchObject([{ handle: 'dave.test' }])
})

describe('account info', () => {
  test.each([
    ['alice', { status: 'active', inviteCode: 'code-1', invitedBy: 'admin', takedownRef: null }],
    ['@BOB.test', { status: 'takendown', takedownRef: 't42', deactivatedAt: null }],
    [didOf('carol.test'), { handle: 'carol.test', status: 'deactivated', email: null }],
    ['d@SPAM.example', { handle: 'dave.test', emailConfirmedAt: null }],
  ])('%s', async (name, expected) => {
    const ran = await scriptedWorld({ pds: pds() }).run('account', 'info', name, '--json')
    expect(ran).toMatchObject({ code: 0, stderr: '', ...nothing })
    // The scripted accounts have no repository: that does not hide the rest.
    const unread = { records: null, collections: [], latest: [], repoUnreadable: expect.any(String) }
    expect(rowsOf(ran)).toMatchObject([{ ...expected, ...unread }])
  })

  test('several, side by side, in the order they were named', async () => {
    const files = { list: `{"did":"${didOf('carol.test')}"}\nalice.test\n` }
    const ran = await scriptedWorld({ pds: pds(), files }).run(
      'account',
      'info',
      'erin',
      '--from',
      'list',
      '--json',
    )
    expect(ran).toMatchObject({ code: 0, stderr: '', ...nothing })
    expect(rowsOf(ran).map(({ handle }) => handle)).toEqual(['erin.test', 'carol.test', 'alice.test'])
  })

  test('a card each on a screen, apart from each other', async () => {
    const ran = await scriptedWorld({ pds: pds(), terminal: { tty: true } }).run(
      'account',
      'info',
      'alice',
      'bob',
    )
    expect(ran.stdout).toMatch(/^handle +alice\.test\n[\s\S]*\n\nhandle +bob\.test\n/)
  })

  test('one that is not there costs itself alone', async () => {
    const ran = await scriptedWorld({ pds: pds() }).run('account', 'info', 'alice', 'nobody', 'bob', '--json')
    expect(ran).toMatchObject({ code: 6, ...nothing })
    expect(rowsOf(ran).map(({ handle }) => handle)).toEqual(['alice.test', 'bob.test'])
    expect(errorOf(ran)).toMatchObject({
      code: 'partial',
      message: expect.stringContaining('2 accounts shown, 1 not\nfailed: nobody: no account nobody'),
      failed: [{ subject: 'nobody', code: 'account-not-found' }],
    })
    const none = await scriptedWorld({ pds: pds() }).run('account', 'info', 'nobody', 'noone', '--json')
    expect(none).toMatchObject({ code: 1, stdout: '' })
  })

  test('none named is asked for, and an error where nobody is there', async () => {
    const ran = await scriptedWorld({ pds: pds() }).run('account', 'info')
    expect(ran).toMatchObject({ code: 2, stdout: '', ...nothing })
    const terminal = { interactive: true, answers: ['alice'] }
    const asked = await scriptedWorld({ pds: pds(), terminal }).run('account', 'info', '--json')
    expect(rowsOf(asked)).toMatchObject([{ handle: 'alice.test' }])
  })

  test('of an account that is not here', async () => {
    const ran = await scriptedWorld({ pds: pds() }).run('account', 'info', 'nobody', '--json')
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(errorOf(ran)).toEqual({
      code: 'account-not-found',
      message: 'no account nobody on the PDS scripted.test',
      hint: expect.stringMatching(/^kimbia-ops account list --match nobody; /),
    })
  })

  test('when the PDS refuses the admin password', async () => {
    const refusing = pds()
    refusing.query = () => Promise.reject(xrpcError('AuthMissing', 'no', 401))
    const ran = await scriptedWorld({ pds: refusing }).run('account', 'info', didOf('alice.test'), '--json')
    expect(ran).toMatchObject({ code: 5, stdout: '' })
    expect(errorOf(ran)).toMatchObject({ code: 'admin-password-refused' })
  })
})
