import type { ServerResponse } from 'node:http'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { unreachable } from '../../../src/base/failure.ts'
import { Secret } from '../../../src/base/secret.ts'
import type { Params } from '../../../src/pds/xrpc/client.ts'
import { failureOf } from '../../support/failing.ts'
import { faultyPds } from '../../support/faulty-pds.ts'
import { json } from '../../support/http-server.ts'

const did = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const page = { repos: [], cursor: '1::did:plc:x' }
const ok = (response: ServerResponse) => json(response, page)
const empty = (response: ServerResponse) => void response.writeHead(200).end()
const refuse =
  (status: number, error: string, message = 'because') =>
  (response: ServerResponse) =>
    json(response, { error, message }, status)
const body =
  (text: string, type = 'text/html', status = 200) =>
  (response: ServerResponse) =>
    void response.writeHead(status, { 'content-type': type }).end(text)
const limited = (headers: Record<string, string>) => (response: ServerResponse) =>
  json(response, { error: 'RateLimitExceeded', message: 'slow down' }, 429, headers)

const list = 'com.atproto.sync.listRepos'

describe('what is sent', () => {
  test('a query is a GET with repeated parameters, as the admin where the method is the admin’s', async () => {
    await using faulty = await faultyPds([(response) => json(response, { infos: [] })])
    const dids = [did, 'did:web:a.test:b&c']
    expect(await faulty.pds.query('com.atproto.admin.getAccountInfos', { dids })).toEqual({ infos: [] })
    const [got] = faulty.got
    expect(got?.method).toBe('GET')
    const url = new URL(got?.url ?? '', 'http://pds')
    expect(url.pathname).toBe('/xrpc/com.atproto.admin.getAccountInfos')
    expect(url.searchParams.getAll('dids')).toEqual(dids)
    expect(got?.headers.authorization).toBe(`Basic ${btoa('admin:correct horse')}`)
  })

  test('a method that is nobody’s gets no password, and one on a token gets that', async () => {
    await using faulty = await faultyPds([(response) => json(response, { did })])
    const nsid = 'com.atproto.identity.resolveHandle'
    await faulty.pds.query(nsid, { handle: 'alice.test' })
    await faulty.pds.query(nsid, { handle: 'alice.test' }, { as: { bearer: new Secret('token') } })
    expect(faulty.got.map(({ headers }) => headers.authorization)).toEqual([undefined, 'Bearer token'])
  })

  test('a procedure is a POST of JSON, in which a Secret is its value', async () => {
    await using faulty = await faultyPds([empty])
    const input = { did, password: new Secret('hunter2') as unknown as string }
    await faulty.pds.call('com.atproto.admin.updateAccountPassword', input)
    expect(faulty.got[0]).toMatchObject({ method: 'POST', body: `{"did":"${did}","password":"hunter2"}` })
    expect(faulty.got[0]?.headers['content-type']).toBe('application/json')
  })

  test('the bypass key goes with every request, when there is one', async () => {
    await using faulty = await faultyPds([ok], { bypassKey: new Secret('key') })
    await faulty.pds.query(list, {})
    expect(faulty.got[0]?.headers['x-ratelimit-bypass']).toBe('key')
  })

  test('raw requests go and come as they are', async () => {
    await using faulty = await faultyPds([
      body('{"version":"1"}', 'application/json'),
      body('ok', 'text/plain'),
    ])
    const health = await faulty.pds.get('_health', {})
    expect({ ...health, body: Buffer.from(health.body).toString() }).toEqual({
      status: 200,
      contentType: 'application/json',
      body: '{"version":"1"}',
    })
    await faulty.pds.post('app.example.upload', Buffer.from([1, 2]), 'image/png')
    expect(faulty.got[1]).toMatchObject({ url: '/xrpc/app.example.upload', body: '\x01\x02' })
    expect(faulty.got[1]?.headers['content-type']).toBe('image/png')
  })
})

describe('what is told', () => {
  test('a note for each call, with harmless parameters and no secret', async () => {
    await using faulty = await faultyPds([ok, (response) => json(response, { infos: [] }), empty])
    await faulty.pds.query(list, { limit: 10 })
    await faulty.pds.query('com.atproto.admin.getAccountInfos', { dids: [did, did] })
    await faulty.pds.get('com.example.login', { token: 'hunter2', limit: 1 } satisfies Params)
    await faulty.pds.call('com.atproto.admin.updateAccountPassword', { did, password: 'hunter2' })
    expect(faulty.notes).toEqual([
      'GET com.atproto.sync.listRepos limit=10',
      'GET com.atproto.admin.getAccountInfos dids=(2)',
      'GET com.example.login token=… limit=1',
      'POST com.atproto.admin.updateAccountPassword',
    ])
  })

  test('no failure holds the password, however it is looked at', async () => {
    await using faulty = await faultyPds([refuse(401, 'AuthenticationRequired')], {
      bypassKey: new Secret('the key'),
    })
    const failure = await failureOf(faulty.pds.query('com.atproto.admin.getInviteCodes', {}))
    const shown = inspect(failure, { depth: 10, showHidden: true }) + JSON.stringify(failure)
    for (const secret of ['correct horse', btoa('admin:correct horse'), 'the key'])
      expect(shown).not.toContain(secret)
    expect(inspect(faulty.pds, { depth: 10, showHidden: true })).not.toContain('correct horse')
  })
})

describe('ending', () => {
  test('a signal ends a call, with its own Failure where it has one', async () => {
    await using faulty = await faultyPds([() => {}])
    const stop = new AbortController()
    const call = failureOf(faulty.pds.query(list, {}, { signal: stop.signal }))
    setTimeout(() => stop.abort(), 5)
    expect(await call).toMatchObject({ outcome: 'interrupted', code: 'interrupted' })
    const late = unreachable('time-limit', 'the run took too long')
    expect(await failureOf(faulty.pds.query(list, {}, { signal: AbortSignal.abort(late) }))).toMatchObject({
      code: 'time-limit',
      message: `the run took too long: ${list} of the PDS on kimbia.social`,
    })
  })

  test('dispose closes the channels', async () => {
    await using faulty = await faultyPds([ok])
    await faulty.pds.query(list, {})
    faulty.pds.dispose()
    expect(await failureOf(faulty.pds.query(list, {}))).toMatchObject({ code: 'tunnel-closed' })
    await expect.poll(() => faulty.server.open).toBe(0)
  })
})

describe('accepts', () => {
  const session = { did, handle: 'alice.test', accessJwt: 'access', refreshJwt: 'refresh' }

  test('logs in and ends the session', async () => {
    await using faulty = await faultyPds([(response) => json(response, session), empty])
    expect(await faulty.pds.accepts('alice.test', new Secret('hunter2'))).toEqual({ ok: true, did })
    const [login, logout] = faulty.got
    expect(JSON.parse(login?.body ?? '')).toEqual({ identifier: 'alice.test', password: 'hunter2' })
    expect(login?.headers.authorization).toBeUndefined()
    expect(logout?.url).toBe('/xrpc/com.atproto.server.deleteSession')
    expect(logout?.headers.authorization).toBe('Bearer refresh')
  })

  test('a session that cannot be ended does not make the password wrong', async () => {
    await using faulty = await faultyPds([
      (response) => json(response, session),
      refuse(500, 'InternalServerError'),
    ])
    expect(await faulty.pds.accepts('alice.test', new Secret('hunter2'))).toEqual({ ok: true, did })
  })

  test.each(['AuthenticationRequired', 'AccountTakedown'])('%s is an answer', async (error) => {
    await using faulty = await faultyPds([refuse(401, error)])
    expect(await faulty.pds.accepts('alice.test', new Secret('x'))).toMatchObject({ ok: false, error })
  })

  test('a PDS that will not look at it is a failure, not a no', async () => {
    await using broken = await faultyPds([refuse(500, 'InternalServerError')])
    expect(await failureOf(broken.pds.accepts('a.test', new Secret('x')))).toMatchObject({
      code: 'pds-error',
    })
    await using busy = await faultyPds([limited({ 'retry-after': '9999' })])
    expect(await failureOf(busy.pds.accepts('a.test', new Secret('x')))).toMatchObject({
      code: 'rate-limited',
    })
  })
})
