import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import {
  accountStatus,
  canLogIn,
  createAccount,
  post,
  uploadBlob,
  xrpcGet,
  xrpcPost,
} from '../../rig/pds/accounts.ts'
import { ended, problem, row, rows, run, start } from './cli.ts'

let rig: RigHost

beforeAll(async () => {
  rig = await startRig()
})
afterAll(() => rig.stop())

/** A look into the databases of the PDS, past the PDS and the tool. */
const sql = (database: string, query: string): string =>
  execFileSync('sqlite3', ['-readonly', join(rig.pdsDir, database), query], { encoding: 'utf8' }).trim()

const events = (): number => Number(sql('sequencer.sqlite', 'select count(*) from repo_seq'))
const inviteCodes = (where = '1'): number =>
  Number(sql('account.sqlite', `select count(*) from invite_code where ${where}`))
const trailLines = (): Record<string, unknown>[] => {
  try {
    const text = readFileSync(join(rig.pdsDir, 'kimbia-ops/trail.jsonl'), 'utf8')
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  } catch {
    return []
  }
}

describe('account create', () => {
  test('makes an account with an invite of its own, and its password logs in', async () => {
    const made = await run(rig, ['account', 'create', 'alice@example.com', 'alice', '--json'])
    expect(made).toMatchObject({ code: 0 })
    const { handle, did, email, password, changed } = row<Record<string, string>>(made)
    expect({ handle, email, changed }).toEqual({
      handle: 'alice.test',
      email: 'alice@example.com',
      changed: true,
    })
    expect(await canLogIn(rig, 'alice.test', String(password))).toBe(true)
    expect(sql('account.sqlite', `select handle from actor where did = '${did}'`)).toBe('alice.test')
    expect(inviteCodes('disabled = 0 and code not in (select code from invite_code_use)')).toBe(0)
    // createAccount itself opens one session, and this test another; the tool's own login is ended.
    expect(sql('account.sqlite', `select count(*) from refresh_token where did = '${did}'`)).toBe('2')
  })

  test('takes handle and email in either order, and the password from standard input', async () => {
    const made = await run(
      rig,
      ['account', 'create', 'bob.test', 'bob@example.com', '--password-stdin', '--json'],
      { stdin: 'correct horse battery\r\n' },
    )
    expect(row(made)).toMatchObject({ handle: 'bob.test', password: null })
    expect(await canLogIn(rig, 'bob.test', 'correct horse battery')).toBe(true)
    expect(made.stdout + made.stderr).not.toContain('correct horse')
  })

  test('a handle or address that cannot be had is told before an invite code is made', async () => {
    const codes = inviteCodes()
    const refused = async (email: string, handle: string) => {
      const ran = await run(rig, ['account', 'create', email, handle, '--json'])
      expect(ran.code).toBe(1)
      return problem(ran)
    }
    expect((await refused('alice@example.com', 'alice2')).message).toContain('the address of alice.test')
    expect((await refused('other@example.com', 'alice')).message).toContain('alice.test is taken: by')
    const reserved = await refused('other@example.com', 'admin')
    expect(reserved).toMatchObject({ code: 'handle-not-available' })
    expect(reserved.hint).toContain('account update ACCOUNT --handle admin.test')
    expect((await refused('other@example.com', 'x'.repeat(19))).message).toContain('Handle too long')
    expect(inviteCodes()).toBe(codes)
  })

  test.each([
    ['a handle with a space', ['a@example.com', 'bad handle'], 2],
    ['a handle with shell characters', ['a@example.com', '$(touch pwned)'], 2],
    ['a handle of another domain', ['a@example.com', 'alice.example.com'], 1],
    ['no email', ['alice3'], 2],
    ['two emails', ['a@example.com', 'b@example.com'], 2],
    ['an email without a dot', ['a@example', 'alice3'], 2],
  ])('%s is refused before anything is made', async (_name, words, code) => {
    const before = inviteCodes()
    expect(await run(rig, ['account', 'create', ...words])).toMatchObject({ code, stdout: '' })
    expect(inviteCodes()).toBe(before)
  })

  test('a dry run shows the steps with placeholders, and changes nothing', async () => {
    const [before, trail] = [inviteCodes(), trailLines().length]
    const dry = await run(rig, ['account', 'create', 'dry@example.com', 'dry', '--dry-run', '--verbose'])
    expect(dry).toMatchObject({ code: 0 })
    expect(dry.stdout).toContain('com.atproto.server.createInviteCode')
    expect(dry.stdout).toContain('‹invite.code›')
    expect(dry.stdout).toContain('‹secret›')
    expect([inviteCodes(), trailLines().length]).toEqual([before, trail])
    expect(sql('account.sqlite', "select count(*) from actor where handle = 'dry.test'")).toBe('0')
  })
})

describe('an account found by every name it has', () => {
  test.each([
    ['handle', () => 'alice.test'],
    ['@handle in capitals', () => '@ALICE.test'],
    ['bare name', () => 'alice'],
    ['DID', () => sql('account.sqlite', "select did from actor where handle = 'alice.test'")],
    ['at:// URI', () => 'at://alice.test/app.bsky.feed.post/3kabc'],
    ['profile URL', () => 'https://bsky.app/profile/alice.test'],
    ['post URL', () => 'https://bsky.app/profile/alice.test/post/3kabcdefghijk'],
    ['email', () => 'Alice@Example.com'],
    ['handle with invisible marks', () => '\u202aalice.test\u202c'],
  ])('%s', async (_name, ref) => {
    expect(row(await run(rig, ['account', 'info', ref(), '--json']))).toMatchObject({ handle: 'alice.test' })
  })

  test('account info tells what an on-call person needs', async () => {
    const carol = await createAccount(rig, { handle: 'carol.test', email: 'carol@example.com' })
    await post(rig, carol, 'first words')
    await post(rig, carol, 'evil \u001b[31m words\u202e')
    await uploadBlob(rig, carol, new Uint8Array([1, 2, 3]))
    const info = await run(rig, ['account', 'info', 'carol', '--json'])
    expect(row(info)).toMatchObject({
      did: carol.did,
      email: 'carol@example.com',
      emailConfirmedAt: null,
      status: 'active',
      invitedBy: 'admin',
      takedownRef: null,
      records: 2,
      repoUnreadable: null,
      collections: [{ collection: 'app.bsky.feed.post', records: 2 }],
    })
    expect(row<{ latest: { text: string }[] }>(info).latest.map(({ text }) => text)).toEqual([
      'evil \u001b[31m words\u202e',
      'first words',
    ])
    const plain = await run(rig, ['account', 'info', 'carol'])
    expect(plain.stdout).not.toMatch(/[\u001b\u202e]/)
  })
})

describe('takedown and restore', () => {
  test('stops serving, is found by handle when down, keeps the reason, and comes back', async () => {
    const down = await run(rig, [
      'account',
      'takedown',
      'bob.test',
      '--reason',
      'spam; $(reboot) "42"',
      '--yes',
      '--json',
    ])
    expect(row(down)).toMatchObject({ handle: 'bob.test', status: 'takendown', changed: true })
    const did = String(row(down).did)
    expect(await accountStatus(rig, did)).toBe('takendown')
    expect(sql('account.sqlite', `select takedownRef from actor where did = '${did}'`)).toBe(
      'spam; $(reboot) "42"',
    )
    expect(row(await run(rig, ['account', 'info', 'bob', '--json']))).toMatchObject({
      status: 'takendown',
      takedownRef: 'spam; $(reboot) "42"',
    })

    const again = await run(rig, ['account', 'takedown', 'bob.test', '--yes', '--json'])
    expect(row(again)).toMatchObject({ status: 'takendown', changed: false })

    const up = await run(rig, ['account', 'restore', 'bob.test', '--yes', '--json'])
    expect(row(up)).toMatchObject({ status: 'active', changed: true })
    expect(await accountStatus(rig, did)).toBe('active')
    const lines = trailLines().filter((line) => line.did === did && line.command !== 'account create')
    expect(lines.map(({ command, event, outcome, reason }) => [command, event, outcome, reason])).toEqual([
      ['account takedown', 'intent', undefined, 'spam; $(reboot) "42"'],
      ['account takedown', 'outcome', 'ok', 'spam; $(reboot) "42"'],
      ['account restore', 'intent', undefined, undefined],
      ['account restore', 'outcome', 'ok', undefined],
    ])
  })

  test('restores an account that its holder had deactivated to just that', async () => {
    const { did, accessJwt } = await createAccount(rig, { handle: 'gone-home.test' })
    await xrpcPost(rig, 'com.atproto.server.deactivateAccount', {}, { accessJwt })
    expect(await run(rig, ['account', 'takedown', did, '--yes'])).toMatchObject({ code: 0 })
    expect(await accountStatus(rig, did)).toBe('takendown')
    const up = await run(rig, ['account', 'restore', did, '--yes', '--json'])
    expect(up.code).toBe(0)
    expect(row(up)).toMatchObject({ status: 'deactivated', changed: true })
    expect(await accountStatus(rig, did)).toBe('deactivated')
  })

  test('without a terminal and without --yes it is declined, with the option to give', async () => {
    const [before, trail] = [events(), trailLines().length]
    const asked = await run(rig, ['account', 'takedown', 'bob.test', '--json'], { stdin: 'closed' })
    expect(asked.code).toBe(4)
    expect(problem(asked)).toMatchObject({ code: 'consent-missing', hint: expect.stringContaining('--yes') })
    expect([events(), trailLines().length]).toEqual([before, trail])
  })
})

describe('update and reset-password', () => {
  test('changes email and handle and reads them back', async () => {
    const changed = await run(rig, [
      'account',
      'update',
      'bob',
      '--email',
      'Bobby@Example.com',
      '--handle',
      'bobby',
      '--yes',
      '--json',
    ])
    expect(row(changed)).toMatchObject({ handle: 'bobby.test', email: 'bobby@example.com', changed: true })
    expect(sql('account.sqlite', "select email from account where email like 'bobby%'")).toBe(
      'bobby@example.com',
    )
    const same = await run(rig, [
      'account',
      'update',
      'bobby',
      '--email',
      'bobby@example.com',
      '--yes',
      '--json',
    ])
    expect(row(same)).toMatchObject({ changed: false })
  })

  test('an email that another account has is refused, and nothing is changed', async () => {
    expect(
      await run(rig, ['account', 'update', 'bobby', '--email', 'alice@example.com', '--yes']),
    ).toMatchObject({ code: 1 })
    expect(sql('account.sqlite', "select count(*) from account where email = 'bobby@example.com'")).toBe('1')
  })

  test('a handle that is taken leaves the email as it was', async () => {
    const ran = await run(rig, [
      'account',
      'update',
      'bobby',
      '--email',
      'bob3@example.com',
      '--handle',
      'alice',
      '--yes',
      '--json',
    ])
    expect(ran.code).toBe(1)
    expect(sql('account.sqlite', "select count(*) from account where email = 'bobby@example.com'")).toBe('1')
  })

  test('a new password works, the old one does not', async () => {
    const reset = await run(rig, ['account', 'reset-password', 'bobby', '--yes', '--json'])
    const { password } = row<{ password: string }>(reset)
    expect(await canLogIn(rig, 'bobby.test', password)).toBe(true)
    expect(await canLogIn(rig, 'bobby.test', 'correct horse battery')).toBe(false)
    expect(reset.stderr).toContain('OAuth sessions')
    expect(JSON.stringify(trailLines())).not.toContain(password)
  })

  test('a new password that cannot be written is told as set, and partial', async () => {
    const child = start(rig, ['account', 'reset-password', 'bobby', '--yes', '--json'], {
      stdout: '/dev/full',
    })
    const full = await ended(child)
    expect(full.code).toBe(6)
    expect(problem(full)).toMatchObject({
      code: 'result-lost',
      hint: expect.stringContaining('reset once more'),
    })
  })

  test('a reset mail is asked for without changing the password', async () => {
    const mail = await run(rig, ['account', 'reset-password', 'alice', '--send-mail', '--yes', '--json'])
    expect(row(mail)).toMatchObject({ mailed: true, password: null })
    expect(sql('account.sqlite', "select count(*) from email_token where purpose = 'reset_password'")).toBe(
      '1',
    )
  })
})

describe('delete', () => {
  test('--yes is not enough; a wrong --confirm is refused; the handle deletes', async () => {
    expect(await run(rig, ['account', 'delete', 'bobby', '--yes'])).toMatchObject({ code: 4 })
    expect(await run(rig, ['account', 'delete', 'bobby', '--confirm', 'alice.test'])).toMatchObject({
      code: 4,
    })
    const did = sql('account.sqlite', "select did from actor where handle = 'bobby.test'")
    const gone = await run(rig, ['account', 'delete', 'bobby', '--confirm', 'bobby.test', '--json'])
    expect(row(gone)).toMatchObject({ did, status: 'deleted', changed: true })
    expect(sql('account.sqlite', `select count(*) from actor where did = '${did}'`)).toBe('0')
    await expect(xrpcGet(rig, 'com.atproto.admin.getAccountInfo', { did }, 'admin')).rejects.toMatchObject({
      code: 'NotFound',
    })
  })
})

describe('an account that does not exist', () => {
  const did = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
  test.each([
    ['info', [did]],
    ['info', ['nobody.test']],
    ['info', ['nobody@example.com']],
    ['takedown', [did, '--yes']],
    ['takedown', ['nobody', '--yes']],
    ['restore', [did, '--yes']],
    ['reset-password', [did, '--yes']],
    ['reset-password', [did, '--send-mail', '--yes']],
    ['update', [did, '--email', 'x@example.com', '--yes']],
    ['delete', [did, '--confirm', 'nobody.test']],
  ])('account %s %j is an error, and the network hears nothing', async (verb, args) => {
    const before = events()
    const ran = await run(rig, ['account', verb, ...args, '--json'])
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(problem(ran).code).toBe('account-not-found')
    expect(events()).toBe(before)
  })
})

describe('account list', () => {
  test('filters by status, text and confirmation, and counts on stderr', async () => {
    await run(rig, ['account', 'takedown', 'carol', '--yes'])
    const down = await run(rig, ['account', 'list', '--status', 'takendown', '--json'])
    expect(rows(down).map(({ handle }) => handle)).toEqual(['carol.test'])
    expect(down.stderr).toBe('1 account\n')
    expect(
      rows(await run(rig, ['account', 'list', '--match', 'a*@example.com', '--json'])).map(
        ({ handle }) => handle,
      ),
    ).toEqual(['alice.test'])
    expect(rows(await run(rig, ['account', 'list', '--limit', '1', '--json']))).toHaveLength(1)
    expect(rows(await run(rig, ['account', 'list', '--since', '2099-01-01', '--json']))).toEqual([])
    const piped = await run(rig, ['account', 'list', '--quiet'])
    expect(piped.stderr).toBe('')
    expect(piped.stdout.split('\n')[0]?.split('\t').slice(0, 1)).toEqual(['alice.test'])
  })
})
