import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { parseAccountRef } from '../../src/pds/accounts/account-ref.ts'
import { listAccounts } from '../../src/pds/accounts/accounts.ts'
import { describeAccount } from '../../src/pds/accounts/describe-account.ts'
import { findAccount } from '../../src/pds/accounts/find-account.ts'
import { readStatuses } from '../../src/pds/accounts/statuses.ts'
import { inviteState, listInvites } from '../../src/pds/invites.ts'
import type { Pds } from '../../src/pds/xrpc/client.ts'
import { XrpcFailure } from '../../src/pds/xrpc/failures.ts'
import { failureOf } from '../support/failing.ts'
import { realPds } from '../support/real-pds.ts'
import { scriptedPds } from '../support/scripted-pds.ts'

const ways: Record<string, () => Promise<AsyncDisposable & { readonly pds: Pds }>> = {
  scripted: async () => ({ pds: scriptedPds({ hostname: 'localhost' }), async [Symbol.asyncDispose]() {} }),
  real: () => realPds({ inviteRequired: true }),
}

const unknown = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const subjectOf = (did: string) => ({ $type: 'com.atproto.admin.defs#repoRef' as const, did })
const errorOf = async (work: Promise<unknown>) => {
  const failure = await failureOf(work)
  return failure instanceof XrpcFailure ? `${failure.status} ${failure.error} ${failure.code}` : failure.code
}

describe.each(Object.entries(ways))('a %s PDS', (_way, start) => {
  let held: Awaited<ReturnType<typeof start>>
  let pds: Pds
  beforeAll(async () => {
    held = await start()
    pds = held.pds
  })
  afterAll(() => held[Symbol.asyncDispose]())

  const invite = async (useCount = 1) =>
    (await pds.call('com.atproto.server.createInviteCode', { useCount })).code
  const account = async (name: string, inviteCode?: string) =>
    pds.call('com.atproto.server.createAccount', {
      handle: `${name}.test`,
      email: `${name}@example.com`,
      password: `pw-${name}`,
      inviteCode: inviteCode ?? (await invite()),
    })
  const takedown = (did: string, applied: boolean, ref?: string) =>
    pds.call('com.atproto.admin.updateSubjectStatus', {
      subject: subjectOf(did),
      takedown: { applied, ...(ref === undefined ? {} : { ref }) },
    })
  const statusOf = async (did: string) => (await readStatuses(pds, [did])).get(did)

  test('an invite is made, used, used up, and shown with who used it', async () => {
    const code = await invite(2)
    const find = async () => (await Array.fromAsync(listInvites(pds))).find((it) => it.code === code)
    expect(await find()).toMatchObject({
      uses: 2,
      available: 2,
      disabled: false,
      forAccount: 'admin',
      createdBy: 'admin',
    })
    const { did } = await account('inv-one', code)
    const used = await find()
    expect(used).toMatchObject({ uses: 2, available: 1, usedBy: [{ did, usedAt: expect.any(String) }] })
    expect(used && inviteState(used)).toBe('used')
    await account('inv-two', code)
    const spent = await find()
    expect(spent && inviteState(spent)).toBe('exhausted')
    expect(await errorOf(account('inv-three', code))).toBe('400 InvalidInviteCode invalid-invite-code')
  })

  test('invites for accounts, and disabling them', async () => {
    const { did } = await account('inviter')
    const make = (forAccounts?: string[]) =>
      pds.call('com.atproto.server.createInviteCodes', {
        codeCount: 2,
        useCount: 1,
        ...(forAccounts ? { forAccounts } : {}),
      })
    const made = { codes: [...(await make([did])).codes, ...(await make()).codes] }
    expect(await errorOf(make(['admin']))).toBe('400 InvalidRequest invalid-request')
    expect(made.codes.map((it) => [it.account, it.codes.length])).toEqual([
      [did, 2],
      ['admin', 2],
    ])
    const guest = await account('invitee', made.codes[0]?.codes[0])
    const info = await findAccount(pds, parseAccountRef(guest.did))
    expect(info.invitedBy).toBe(did)
    const disable = (input: { codes?: string[]; accounts?: string[] }) =>
      pds.call('com.atproto.admin.disableInviteCodes', input)
    await disable({ accounts: [did] })
    await disable({ codes: [made.codes[1]?.codes[0] ?? '', 'unknown-code'] })
    const disabled = (await Array.fromAsync(listInvites(pds)))
      .filter((it) => it.disabled)
      .map(({ code }) => code)
    expect(disabled.sort()).toEqual([...(made.codes[0]?.codes ?? []), made.codes[1]?.codes[0]].sort())
    expect(await errorOf(account('late', made.codes[0]?.codes[1]))).toBe(
      '400 InvalidInviteCode invalid-invite-code',
    )
    expect(await errorOf(disable({ accounts: ['admin'] }))).toBe('400 InvalidRequest invalid-request')
  })

  test('accounts that cannot be made', async () => {
    const made = await account('unique')
    const make = async (
      handle: string,
      email: string,
      inviteCode?: string,
      as: 'nobody' | 'admin' = 'nobody',
    ) =>
      errorOf(
        pds.call(
          'com.atproto.server.createAccount',
          { handle, email, password: 'x', ...(inviteCode ? { inviteCode } : {}) },
          { as },
        ),
      )
    const code = await invite(9)
    expect(await make('other.example.com', 'a1@example.com', code)).toBe(
      '400 UnsupportedDomain unsupported-domain',
    )
    expect(await make('guest.test', 'a0@example.com', code)).toBe(
      '400 HandleNotAvailable handle-not-available',
    )
    expect(await make('ab.test', 'a2@example.com', code)).toBe('400 InvalidHandle invalid-handle')
    expect(await make(made.handle, 'a3@example.com', code)).toBe('400 InvalidRequest invalid-request')
    expect(await make('unique-too.test', 'unique@example.com', code)).toBe(
      '400 InvalidRequest invalid-request',
    )
    expect(await make('no-invite.test', 'a4@example.com')).toBe('400 InvalidInviteCode invalid-invite-code')
    expect(await make('bad-invite.test', 'a5@example.com', 'nope')).toBe(
      '400 InvalidInviteCode invalid-invite-code',
    )
    expect(await make('admin-made.test', 'a6@example.com', code, 'admin')).toBe(
      '401 AuthenticationRequired admin-password-refused',
    )
  })

  test('it tells what keeps an account from being made, and neither makes one nor uses a code up', async () => {
    const holder = await account('holder')
    const code = await invite()
    const wanted = { handle: 'nobody.test', email: 'nobody@example.com', inviteCode: code }
    const before = (await Array.fromAsync(listAccounts(pds))).length
    const refused = async (more: Partial<typeof wanted> | { inviteCode: undefined }) =>
      (await pds.refusesAccount({ ...wanted, ...more }))?.message
    expect(await refused({})).toBeUndefined()
    expect(await refused({ inviteCode: undefined })).toBeUndefined()
    expect(await refused({ handle: 'admin.test', inviteCode: undefined })).toContain('Reserved handle')
    expect(await refused({ handle: 'ab.test', inviteCode: undefined })).toContain('Handle too short')
    expect(await refused({ handle: holder.handle })).toContain(`Handle already taken: ${holder.handle}`)
    expect(await refused({ email: 'holder@example.com' })).toContain('Email already taken')
    expect(await Array.fromAsync(listAccounts(pds))).toHaveLength(before)
    const found = (await Array.fromAsync(listInvites(pds))).find((it) => it.code === code)
    expect(found).toMatchObject({ available: 1, usedBy: [] })
  })

  test('a new account is listed last, as what it is', async () => {
    const { did, handle } = await account('newest')
    const last = (await Array.fromAsync(listAccounts(pds))).at(-1)
    expect(last).toEqual({
      did,
      handle,
      email: 'newest@example.com',
      emailConfirmedAt: null,
      status: 'active',
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]+\.\d{3}Z$/),
      invitedBy: 'admin',
      inviteCode: expect.any(String),
    })
    const since = new Date(last?.createdAt ?? '')
    expect((await Array.fromAsync(listAccounts(pds, { since }))).map((it) => it.did)).toContain(did)
    const after = new Date(since.getTime() + 1)
    expect(await Array.fromAsync(listAccounts(pds, { since: after }))).toEqual([])
  })

  test('pages are cut where they are said to be, and a cursor that is none is refused', async () => {
    await account('page-one')
    await account('page-two')
    const dids: string[] = []
    let cursor: string | undefined
    do {
      const page = await pds.query('com.atproto.sync.listRepos', { limit: 2, ...(cursor ? { cursor } : {}) })
      expect(page.repos.length).toBeLessThanOrEqual(2)
      dids.push(...page.repos.map(({ did }) => did))
      cursor = page.cursor
    } while (cursor)
    expect(dids).toEqual((await Array.fromAsync(listAccounts(pds))).map(({ did }) => did))
    expect(await errorOf(pds.query('com.atproto.sync.listRepos', { cursor: 'x' }))).toBe(
      '400 InvalidRequest invalid-request',
    )
  })

  test('a takedown, seen from all sides, and its end', async () => {
    const { did, handle } = await account('spammer')
    await takedown(did, true, 'ticket-7')
    expect(await statusOf(did)).toBe('takendown')
    expect(await errorOf(pds.query('com.atproto.identity.resolveHandle', { handle }))).toBe(
      '400 HandleNotFound handle-not-found',
    )
    expect(await findAccount(pds, parseAccountRef('spammer'))).toMatchObject({
      did,
      handle,
      status: 'takendown',
    })
    expect(await findAccount(pds, parseAccountRef('Spammer@Example.com'))).toMatchObject({ did })
    const { takedown: state } = await pds.query('com.atproto.admin.getSubjectStatus', { did })
    expect(state).toEqual({ applied: true, ref: 'ticket-7' })
    expect(await pds.query('com.atproto.sync.getRepoStatus', { did })).toMatchObject({
      active: false,
      status: 'takendown',
    })
    expect(await pds.accepts(handle, new Secret('pw-spammer'))).toMatchObject({
      ok: false,
      error: 'AccountTakedown',
    })
    expect(await pds.accepts(handle, new Secret('wrong'))).toMatchObject({
      ok: false,
      error: 'AuthenticationRequired',
    })
    expect(await describeAccount(pds, await findAccount(pds, parseAccountRef(did)))).toMatchObject({
      takedownRef: 'ticket-7',
      blobs: 0,
    })
    await takedown(did, false)
    expect(await statusOf(did)).toBe('active')
    expect(await pds.query('com.atproto.identity.resolveHandle', { handle })).toEqual({ did })
    expect(await pds.accepts(handle, new Secret('pw-spammer'))).toEqual({ ok: true, did })
  })

  test('a new password replaces the old one', async () => {
    const { did, handle } = await account('forgetful')
    await pds.call('com.atproto.admin.updateAccountPassword', { did, password: 'new-password' })
    expect(await pds.accepts('forgetful@example.com', new Secret('new-password'))).toEqual({ ok: true, did })
    expect(await pds.accepts(handle, new Secret('pw-forgetful'))).toMatchObject({
      ok: false,
      error: 'AuthenticationRequired',
    })
  })

  test('a new email is kept in lower case, not confirmed; a new handle is found, a taken one refused', async () => {
    const { did } = await account('mover')
    await account('settled')
    await pds.call('com.atproto.admin.updateAccountEmail', { account: did, email: 'New@Example.com' })
    await pds.call('com.atproto.admin.updateAccountHandle', { did, handle: 'moved.test' })
    expect(await findAccount(pds, parseAccountRef('moved'))).toMatchObject({
      did,
      email: 'new@example.com',
      emailConfirmedAt: null,
    })
    expect(await failureOf(findAccount(pds, parseAccountRef('mover')))).toMatchObject({
      code: 'account-not-found',
    })
    const take = pds.call('com.atproto.admin.updateAccountHandle', { did, handle: 'settled.test' })
    expect(await errorOf(take)).toBe('400 HandleNotAvailable handle-not-available')
  })

  test('a taken-down account cannot be given another handle', async () => {
    const { did } = await account('stuck')
    await takedown(did, true)
    const change = pds.call('com.atproto.admin.updateAccountHandle', { did, handle: 'unstuck.test' })
    expect(await errorOf(change)).toBe('400 InvalidRequest invalid-request')
  })

  test('deleted is gone', async () => {
    const { did } = await account('leaver')
    await pds.call('com.atproto.admin.deleteAccount', { did })
    expect(await statusOf(did)).toBe('deleted')
    expect(await failureOf(findAccount(pds, parseAccountRef(did)))).toMatchObject({
      code: 'account-not-found',
      message: `no account ${did} on the PDS localhost`,
    })
    expect(await pds.accepts('leaver.test', new Secret('pw-leaver'))).toMatchObject({
      ok: false,
      error: 'AuthenticationRequired',
    })
  })

  test('a DID it does not know is no error for most changes', async () => {
    await takedown(unknown, true)
    await pds.call('com.atproto.admin.updateAccountPassword', { did: unknown, password: 'x' })
    await pds.call('com.atproto.admin.deleteAccount', { did: unknown })
    const email = pds.call('com.atproto.admin.updateAccountEmail', {
      account: unknown,
      email: 'x@example.com',
    })
    expect(await errorOf(email)).toBe('400 InvalidRequest invalid-request')
    const handle = pds.call('com.atproto.admin.updateAccountHandle', { did: unknown, handle: 'whoever.test' })
    expect(await errorOf(handle)).toBe('400 InvalidRequest invalid-request')
  })

  test('a DID it does not know, asked about', async () => {
    const { did } = await account('known')
    const notFound = '400 NotFound not-found'
    expect(await errorOf(pds.query('com.atproto.admin.getAccountInfo', { did: unknown }))).toBe(notFound)
    expect(await errorOf(pds.query('com.atproto.admin.getSubjectStatus', { did: unknown }))).toBe(notFound)
    const noRepo = '400 RepoNotFound repo-not-found'
    expect(await errorOf(pds.query('com.atproto.sync.getRepoStatus', { did: unknown }))).toBe(noRepo)
    expect(await errorOf(pds.query('com.atproto.sync.getLatestCommit', { did: unknown }))).toBe(noRepo)
    expect(await errorOf(pds.query('com.atproto.sync.listBlobs', { did: unknown }))).toBe(noRepo)
    expect(await errorOf(pds.get('com.atproto.sync.getRepo', { did: unknown }))).toBe(noRepo)
    const { infos } = await pds.query('com.atproto.admin.getAccountInfos', { dids: [unknown, did] })
    expect(infos.map((info) => info.did)).toEqual([did])
    expect(await statusOf(unknown)).toBe('deleted')
  })

  test('a password reset by mail is for those it knows', async () => {
    await account('mailed')
    await pds.call('com.atproto.server.requestPasswordReset', { email: 'Mailed@example.com' })
    const other = pds.call('com.atproto.server.requestPasswordReset', { email: 'nobody@example.com' })
    expect(await errorOf(other)).toBe('400 InvalidRequest invalid-request')
  })

  test('raw requests', async () => {
    const server = await pds.get('com.atproto.server.describeServer', {}, { as: 'nobody' })
    expect(server).toMatchObject({ status: 200, contentType: 'application/json; charset=utf-8' })
    expect(JSON.parse(Buffer.from(server.body).toString())).toMatchObject({
      did: 'did:web:localhost',
      availableUserDomains: ['.test'],
    })
    const body = Buffer.from(JSON.stringify({ useCount: 3 }))
    const made = await pds.post('com.atproto.server.createInviteCode', body, 'application/json')
    const { code } = JSON.parse(Buffer.from(made.body).toString())
    expect((await Array.fromAsync(listInvites(pds))).find((it) => it.code === code)).toMatchObject({
      uses: 3,
    })
  })
})
