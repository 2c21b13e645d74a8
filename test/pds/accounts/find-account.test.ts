import { describe, expect, test } from 'vitest'
import { parseAccountRef } from '../../../src/pds/accounts/account-ref.ts'
import { findAccount, findAccounts } from '../../../src/pds/accounts/find-account.ts'
import { notFound } from '../../../src/pds/accounts/missing.ts'
import { failureOf } from '../../support/failing.ts'
import { type ScriptedPds, scriptedPds } from '../../support/scripted-pds.ts'
import { didOf } from '../../support/scripted-state.ts'
import { xrpcError } from '../../support/xrpc-error.ts'

const elsewhere = 'did:plc:elsewhereelsewhereelsewh'
const kimbia = () =>
  scriptedPds({
    hostname: 'kimbia.social',
    domains: ['.kimbia.social', '.kimbia.run'],
    elsewhere: { 'bsky.app': elsewhere },
    pageSize: 100,
    accounts: [
      ...Array.from({ length: 250 }, (_, i) => ({ handle: `runner${i}.kimbia.social` })),
      { handle: 'alice.kimbia.social', email: 'alice@example.com' },
      { handle: 'spam.kimbia.social', status: 'takendown' as const },
      { handle: 'tired.example.com', status: 'deactivated' as const },
      { handle: 'twin.kimbia.social' },
      { handle: 'twin.kimbia.run', email: 'other@example.com', status: 'takendown' as const },
      { handle: 'bob.kimbia.run' },
    ],
  })
const find = (text: string, pds = kimbia(), options = {}) => findAccount(pds, parseAccountRef(text), options)

describe('findAccount', () => {
  test.each([
    ['alice.kimbia.social', 'alice.kimbia.social', 'active'],
    ['@Alice.Kimbia.Social', 'alice.kimbia.social', 'active'],
    ['alice', 'alice.kimbia.social', 'active'],
    ['bob', 'bob.kimbia.run', 'active'],
    [didOf('alice.kimbia.social'), 'alice.kimbia.social', 'active'],
    ['https://bsky.app/profile/alice.kimbia.social/post/3jui7', 'alice.kimbia.social', 'active'],
    ['ALICE@example.com', 'alice.kimbia.social', 'active'],
    ['spam.kimbia.social', 'spam.kimbia.social', 'takendown'],
    ['spam', 'spam.kimbia.social', 'takendown'],
    ['spam@example.com', 'spam.kimbia.social', 'takendown'],
    [didOf('spam.kimbia.social'), 'spam.kimbia.social', 'takendown'],
    ['tired.example.com', 'tired.example.com', 'deactivated'],
  ])('%s', async (text, handle, status) => {
    expect(await find(text)).toMatchObject({ handle, did: didOf(handle), status })
  })

  test.each([
    ['nobody.kimbia.social', 'no account nobody.kimbia.social on the PDS kimbia.social', 'nobody'],
    ['nobody', 'no account nobody on the PDS kimbia.social', 'nobody'],
    ['nobody@example.com', 'no account nobody@example.com on the PDS kimbia.social', 'nobody'],
    [elsewhere, `no account ${elsewhere} on the PDS kimbia.social`, 'did:plc:elsewh'],
  ])('%s is not there', async (text, message, pattern) => {
    const failure = await failureOf(find(text))
    expect(failure).toMatchObject({ outcome: 'failed', code: 'account-not-found', message })
    expect(failure.hint?.split('; ')).toEqual([
      `kimbia-ops account list --match ${pattern}`,
      ...(text === elsewhere
        ? []
        : ['an account without a repo, as when it moves in, is found by its DID only']),
    ])
  })

  test('a handle of another PDS is not an account of this one', async () => {
    const failure = await failureOf(find('bsky.app'))
    expect(failure.code).toBe('account-not-found')
    expect(failure.message).toBe(`bsky.app is ${elsewhere}, an account of another PDS than kimbia.social`)
  })

  test('an active account costs a handful of requests, whatever the size of the PDS', async () => {
    const pds = kimbia()
    await find('alice.kimbia.social', pds)
    expect(pds.asked).toEqual([
      'com.atproto.identity.resolveHandle',
      'com.atproto.admin.getAccountInfos',
      'com.atproto.admin.getSubjectStatus',
    ])
  })

  test('the domain of bare names can be given', async () => {
    const pds = kimbia()
    expect(await find('bob', pds, { domain: 'kimbia.run' })).toMatchObject({ handle: 'bob.kimbia.run' })
    expect(pds.asked).not.toContain('com.atproto.server.describeServer')
    expect(await failureOf(find('bob', pds, { domain: '.kimbia.social' }))).toMatchObject({
      code: 'account-not-found',
    })
  })

  test.each([
    ['a broken PDS', 'InternalServerError', 500, 'unreachable', 'pds-error'],
    ['a proxy in front of one', 'UpstreamFailure', 502, 'unreachable', 'pds-error'],
    ['a PDS without the method', 'MethodNotImplemented', 501, 'failed', 'method-not-found'],
    ['another refusal', 'InvalidHandle', 400, 'failed', 'invalid-handle'],
    ['a name of its own for an error', 'InvalidRequest', 403, 'failed', 'invalid-request'],
  ])('%s does not make an account one that is not there', async (_, error, status, outcome, code) => {
    const pds = unresolving(xrpcError(error, 'Unable to resolve handle', status))
    expect(await failureOf(find('alice.kimbia.social', pds))).toMatchObject({ outcome, code })
    expect(await failureOf(find('alice', pds))).toMatchObject({ outcome, code })
  })

  test.each(['HandleNotFound', 'InvalidRequest'])('%s is no handle, whatever it says', async (error) => {
    const pds = unresolving(xrpcError(error, 'words'))
    expect(await find('spam.kimbia.social', pds)).toMatchObject({ status: 'takendown' })
  })

  test.each([
    ['alice@example.com', [0, 100, 200]],
    ['spam', [0, 100, 200]],
    ['alice.kimbia.social', []],
    [didOf('alice.kimbia.social'), []],
  ])('looking for %s tells how far it is', async (text, told) => {
    const seen: number[] = []
    await find(text, kimbia(), { searching: (count: number) => void seen.push(count) })
    expect(seen).toEqual(told)
  })

  test('nothing is changed by looking', async () => {
    const pds = kimbia()
    await find('spam', pds)
    expect(pds.changes).toEqual([])
  })
})

/** A PDS that fails at every handle. */
function unresolving(failure: Error): ScriptedPds {
  const pds = kimbia()
  const query = pds.query.bind(pds)
  pds.query = (nsid, ...rest) =>
    nsid === 'com.atproto.identity.resolveHandle' ? Promise.reject(failure) : query(nsid, ...rest)
  return pds
}

describe('a bare name of two accounts', () => {
  const twins = () =>
    scriptedPds({
      domains: ['.kimbia.social', '.kimbia.run'],
      accounts: [{ handle: 'twin.kimbia.social' }, { handle: 'twin.kimbia.run' }],
    })

  test('is neither', async () => {
    const failure = await failureOf(find('twin', twins()))
    expect(failure).toMatchObject({ outcome: 'failed', code: 'account-ambiguous' })
    expect(failure.message).toBe('twin may be any of twin.kimbia.social, twin.kimbia.run')
  })

  test('not even when one of them is taken down', async () => {
    expect(await failureOf(find('twin'))).toMatchObject({ code: 'account-ambiguous' })
  })

  test('while the whole handle is one', async () => {
    expect(await find('twin.kimbia.run')).toMatchObject({ handle: 'twin.kimbia.run' })
  })
})

describe('findAccounts', () => {
  const refs = (texts: string[]) => texts.map(parseAccountRef)

  test('each account once, in the order it was asked for, and who is missing', async () => {
    const texts = [
      'spam',
      'nobody',
      'alice@example.com',
      didOf('runner7.kimbia.social'),
      'alice.kimbia.social',
      'bsky.app',
      'https://bsky.app/profile/spam.kimbia.social',
    ]
    const { accounts, missing } = await findAccounts(kimbia(), refs(texts))
    expect(accounts.map(({ handle }) => handle)).toEqual([
      'spam.kimbia.social',
      'alice.kimbia.social',
      'runner7.kimbia.social',
    ])
    expect(missing.map(({ ref }) => ref.text)).toEqual(['nobody', 'bsky.app'])
    expect(missing.map((it) => notFound(it).code)).toEqual(['account-not-found', 'account-not-found'])
  })

  test('many handles are found in the list of all', async () => {
    const pds = kimbia()
    const handles = Array.from({ length: 200 }, (_, i) => `runner${i}.kimbia.social`)
    const { accounts, missing } = await findAccounts(pds, refs([...handles, 'spam.kimbia.social']))
    expect(accounts.map(({ handle }) => handle)).toEqual([...handles, 'spam.kimbia.social'])
    expect(missing).toEqual([])
    expect(pds.asked).not.toContain('com.atproto.identity.resolveHandle')
    expect(pds.asked.length).toBeLessThan(20)
  })

  test('many DIDs', async () => {
    const pds = kimbia()
    const dids = Array.from({ length: 240 }, (_, i) => didOf(`runner${i}.kimbia.social`))
    const { accounts } = await findAccounts(pds, refs([...dids, didOf('gone.test')]))
    expect(accounts.map(({ did }) => did)).toEqual(dids)
    expect(pds.asked.length).toBeLessThan(15)
  })

  test('none', async () => {
    expect(await findAccounts(kimbia(), [])).toEqual({ accounts: [], missing: [] })
  })
})
