import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { unreachable } from '../../../src/base/failure.ts'
import { Secret } from '../../../src/base/secret.ts'
import { XrpcFailure } from '../../../src/pds/xrpc/failures.ts'
import { failureOf } from '../../support/failing.ts'
import { faultyPds } from '../../support/faulty-pds.ts'
import { json } from '../../support/http-server.ts'

const did = 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa'
const page = { repos: [], cursor: '1::did:plc:x' }
const ok = (response: ServerResponse) => json(response, page)
const empty = (response: ServerResponse) => void response.writeHead(200).end()
const cut = (response: ServerResponse) => void response.destroy()
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
const remove = 'com.atproto.admin.deleteAccount'

describe('what a refusal is', () => {
  const cases: [string, number, string, string, string][] = [
    ['an XRPC error', 400, 'HandleNotAvailable', 'failed', 'handle-not-available'],
    ['another', 400, 'InvalidInviteCode', 'failed', 'invalid-invite-code'],
    ['a method the PDS does not have', 501, 'MethodNotImplemented', 'failed', 'method-not-found'],
    ['the same, as 404', 404, 'MethodNotImplemented', 'failed', 'method-not-found'],
    ['the admin password refused', 401, 'AuthenticationRequired', 'unreachable', 'admin-password-refused'],
  ]
  test.each(cases)('%s (%i %s)', async (_what, status, error, outcome, code) => {
    await using faulty = await faultyPds([refuse(status, error, 'the word of the PDS')])
    const failure = await failureOf(
      faulty.pds.call('com.atproto.admin.updateAccountHandle', { did, handle: 'a.test' }),
    )
    expect(failure).toBeInstanceOf(XrpcFailure)
    expect(failure).toMatchObject({ outcome, code, status, error })
    expect(faulty.got.length).toBe(1)
    if (outcome === 'failed' && code !== 'method-not-found') {
      expect(failure.message).toBe(
        `the PDS on kimbia.social refused com.atproto.admin.updateAccountHandle: the word of the PDS (${error})`,
      )
    }
  })

  test.each([
    ['an error of the PDS', refuse(500, 'InternalServerError', 'Internal Server Error'), 'pds-error'],
    ['a failing PDS', refuse(503, 'ServiceUnavailable', 'ServiceUnavailable'), 'pds-error'],
    ["a proxy's page", body('<html>502 Bad Gateway', 'text/html', 502), 'pds-error'],
    ["a proxy's page that says well done", body('<html>Welcome', 'text/html', 200), 'pds-garbage'],
    ['more than any answer', body(`{"x":"${'x'.repeat(65 << 20)}"}`, 'application/json'), 'answer-too-large'],
  ])('%s to a change says nothing of whether it was made', async (_what, answer, cause) => {
    await using faulty = await faultyPds([answer])
    const handle = { did, handle: 'a.test' }
    const failure = await failureOf(faulty.pds.call('com.atproto.admin.updateAccountHandle', handle))
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'answer-lost', cause: { code: cause } })
    expect(failure.message).toContain('it may or may not have been done')
    expect(failure.hint).toContain('read the present state')
    expect(faulty.got.length).toBe(1)
  })

  test('a query that fails in the PDS is told as that', async () => {
    await using faulty = await faultyPds([refuse(500, 'InternalServerError', 'Internal Server Error')])
    const failure = await failureOf(faulty.pds.query(list, {}))
    expect(failure).toBeInstanceOf(XrpcFailure)
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'pds-error', status: 500 })
  })

  test.each([
    ['a health answer of 200 MB', '_health', 'answer-too-large'],
    ['a description of 200 MB', 'com.atproto.server.describeServer', 'answer-too-large'],
  ])('%s is read no further than it may be long', async (_what, nsid, code) => {
    let sent = 0
    const piece = Buffer.alloc(256 * 1024, 0x20)
    const flood = (response: ServerResponse) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const more = (): void => {
        for (; sent < 200 << 20; ) {
          sent += piece.length
          if (!response.write(piece)) return void response.once('drain', more)
        }
        response.end()
      }
      more()
    }
    await using faulty = await faultyPds([flood])
    expect(await failureOf(faulty.pds.get(nsid, {}, { as: 'nobody' }))).toMatchObject({ code })
    expect(sent).toBeLessThan(32 << 20)
  })

  const unsure: [string, (response: ServerResponse) => void, string][] = [
    ['500', refuse(500, 'InternalServerError', 'disk full'), '500 disk full'],
    ['501 without a word of XRPC', body('<html>', 'text/html', 501), '501 text/html: “<html>”'],
    ['502 of a proxy', body('<html>Bad Gateway', 'text/html', 502), '502 “<html>Bad Gateway”'],
    ['a page for 404', body('<html>404', 'text/html', 404), '404 text/html: “<html>404”'],
    ['a redirect', (response) => void response.writeHead(302, { location: '/login' }).end(), '302'],
    ['a page for 200', body('<html>Log in', 'text/html', 200), '200 text/html: “<html>Log in”'],
    ['JSON of another kind', body('{"codes":5}', 'application/json'), '{"codes":5}'],
    ['JSON that is cut off', body('{"code', 'application/json'), '{"code'],
  ]
  test.each(unsure)('%s leaves open whether a change was made', async (_what, answer, said) => {
    await using faulty = await faultyPds([answer])
    const failure = await failureOf(faulty.pds.call('com.atproto.server.createInviteCode', { useCount: 1 }))
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'answer-lost' })
    expect(failure.message).toContain('may or may not have been done')
    expect(failure.message).toContain(said)
    expect(faulty.got.length).toBe(1)
  })

  test('401 to somebody else is not about the admin password', async () => {
    await using faulty = await faultyPds([refuse(401, 'ExpiredToken')])
    const as = { bearer: new Secret('token') }
    const failure = await failureOf(faulty.pds.get('com.atproto.server.getSession', {}, { as }))
    expect(failure).toMatchObject({ outcome: 'failed', code: 'expired-token' })
  })

  const garbled: [string, (response: ServerResponse) => void, string][] = [
    ['a page of HTML', body('<html>\n<h1>Welcome to nginx!</h1>'), '“<html> <h1>Welcome to nginx!</h1>”'],
    ['a page of HTML for an error', body('<html>404', 'text/html', 404), '“<html>404”'],
    ['JSON that is cut', body('{"repos":[', 'application/json'), '“{"repos":[”'],
    ['JSON that the lexicon does not know', body('{"repos":5}', 'application/json'), '“{"repos":5}”'],
    ['nothing', empty, 'an empty body'],
    ['what would move the cursor', body('\x1b[2Jyes\u202e\x07 \x00no'), '“[2Jyes no”'],
  ]
  test.each(garbled)('%s is not the answer of a PDS', async (_what, answer, shown) => {
    await using faulty = await faultyPds([answer])
    const failure = await failureOf(faulty.pds.query(list, {}))
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'pds-garbage' })
    expect(failure.message).toContain(shown)
    expect(failure.message).not.toMatch(/[\x00-\x1f\x7f\u202e]/)
  })

  test('of a long page only the beginning is shown', async () => {
    await using faulty = await faultyPds([body('x'.repeat(10_000))])
    const failure = await failureOf(faulty.pds.query(list, {}))
    expect(failure.message).toContain(`“${'x'.repeat(80)}…”`)
  })

  test('more than was asked for is not read', async () => {
    await using faulty = await faultyPds([body('x'.repeat(10_000), 'application/vnd.ipld.car')])
    const failure = await failureOf(faulty.pds.get('com.atproto.sync.getRepo', { did }, { limit: 999 }))
    expect(failure).toMatchObject({ outcome: 'failed', code: 'answer-too-large' })
  })
})

describe('trying again', () => {
  const passing: [string, (response: ServerResponse) => void][] = [
    ['502', refuse(502, 'UpstreamFailure')],
    ['503', body('busy', 'text/plain', 503)],
    ['504', refuse(504, 'UpstreamTimeout')],
    ['a lost answer', cut],
  ]
  test.each(passing)('a query is repeated after %s, a little later each time', async (_what, answer) => {
    await using faulty = await faultyPds([answer, answer, ok])
    expect(await faulty.pds.query(list, {})).toEqual(page)
    expect(faulty.slept.length).toBe(2)
    for (const [i, ms] of faulty.slept.entries()) expect(ms / 2 ** i).toBeGreaterThanOrEqual(200)
  })

  test('three times at most', async () => {
    await using faulty = await faultyPds([refuse(503, 'ServiceUnavailable')])
    expect(await failureOf(faulty.pds.query(list, {}))).toMatchObject({ code: 'pds-error', status: 503 })
    expect(faulty.got.length).toBe(3)
    await using lost = await faultyPds([cut])
    expect(await failureOf(lost.pds.query(list, {}))).toMatchObject({ code: 'pds-connection-lost' })
    expect(lost.got.length).toBe(3)
  })

  test('an error that will not pass is not tried again', async () => {
    await using faulty = await faultyPds([refuse(500, 'InternalServerError'), ok])
    expect(await failureOf(faulty.pds.query(list, {}))).toMatchObject({ code: 'pds-error' })
    expect(faulty.got.length).toBe(1)
  })

  test('a change whose answer is lost is not made twice', async () => {
    await using faulty = await faultyPds([cut, empty])
    const failure = await failureOf(faulty.pds.call(remove, { did }))
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'answer-lost' })
    expect(failure.message).toContain('may or may not have been done')
    expect(faulty.got.length).toBe(1)
  })

  test('a change over a connection that had died is no lost answer', async () => {
    await using faulty = await faultyPds([ok, empty])
    await faulty.pds.query(list, {})
    faulty.server.hangUp()
    await faulty.pds.call(remove, { did })
    expect(faulty.got.length).toBe(2)
  })

  test.each([
    ['500', refuse(500, 'InternalServerError')],
    ['a page of a proxy', body('<html>', 'text/html', 404)],
  ])('a change that may be made twice is, after %s', async (_what, answer) => {
    await using faulty = await faultyPds([answer, answer, empty])
    await faulty.pds.call(remove, { did }, { repeatable: 'yes' })
    expect(faulty.got.length).toBe(3)
  })

  test('a refusal after a lost answer does not say that nothing was done', async () => {
    await using faulty = await faultyPds([cut, refuse(400, 'InvalidRequest', 'no such account')])
    const failure = await failureOf(faulty.pds.call(remove, { did }, { repeatable: 'yes' }))
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'answer-lost' })
    expect(failure.message).toContain('no such account')
  })

  test('a limit after a lost answer does not say so either', async () => {
    const limit = limited({ 'retry-after': '3600' })
    await using faulty = await faultyPds([cut, limit])
    const failure = await failureOf(faulty.pds.call(remove, { did }, { repeatable: 'yes' }))
    expect(failure).toMatchObject({
      code: 'answer-lost',
      message: expect.stringContaining('no more requests'),
    })
  })

  test('a change that may be made twice is', async () => {
    await using faulty = await faultyPds([cut, empty])
    await faulty.pds.call(remove, { did }, { repeatable: 'yes' })
    expect(faulty.got.length).toBe(2)
  })

  test('a change that was sent may have been made, whatever keeps it from being sent again', async () => {
    const gone = unreachable('link-lost', 'the connection is lost')
    for (const repeatable of ['yes', 'no'] as const) {
      await using faulty = await faultyPds([
        (response) => {
          faulty.server.connect = () => Promise.reject(gone)
          response.destroy()
        },
      ])
      const failure = await failureOf(faulty.pds.call(remove, { did }, { repeatable }))
      expect(failure).toMatchObject({ outcome: 'unreachable', code: 'answer-lost' })
      expect(failure.hint).toContain(repeatable === 'yes' ? 'run the same command again' : 'present state')
    }
  })

  test('over a line that is gone nothing is tried again', async () => {
    await using faulty = await faultyPds([ok])
    const gone = unreachable('link-lost', 'the connection is lost')
    faulty.server.connect = () => Promise.reject(gone)
    expect(await failureOf(faulty.pds.query(list, {}))).toBe(gone)
    expect(faulty.slept).toEqual([])
  })

  test('a query that is not to be repeated is not, and nothing is unknown about it', async () => {
    await using faulty = await faultyPds([cut, ok])
    const failure = await failureOf(faulty.pds.get('com.atproto.sync.getRepo', { did }, { repeatable: 'no' }))
    expect(failure).toMatchObject({ code: 'pds-connection-lost' })
    expect(faulty.got.length).toBe(1)
  })

  test('where no connection came about nothing was done, so any change is tried again', async () => {
    await using faulty = await faultyPds([empty])
    const connect = faulty.server.connect
    const refusals = [
      Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
      unreachable('channel-refused', 'nobody listens on port 3000'),
    ]
    faulty.server.connect = () => {
      const refusal = refusals.pop()
      return refusal ? Promise.reject(refusal) : connect()
    }
    await faulty.pds.call(remove, { did })
    expect(faulty.got.length).toBe(1)
    expect(faulty.slept.length).toBe(2)
  })

  test('a PDS that cannot be reached at all is said as it is', async () => {
    await using faulty = await faultyPds([empty])
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    faulty.server.connect = () => Promise.reject(refused)
    expect(await failureOf(faulty.pds.call(remove, { did }))).toMatchObject({
      code: 'pds-unreachable',
      cause: refused,
    })
    const failure = unreachable('connection-lost', 'the connection is lost')
    faulty.server.connect = () => Promise.reject(failure)
    expect(await failureOf(faulty.pds.call(remove, { did }))).toBe(failure)
  })

  test('a slow PDS is not asked again, and a change it did not answer may have been made', async () => {
    await using faulty = await faultyPds([() => {}], { patience: 20 })
    expect(await failureOf(faulty.pds.query(list, {}))).toMatchObject({
      outcome: 'unreachable',
      code: 'pds-timeout',
    })
    expect(await failureOf(faulty.pds.call(remove, { did }))).toMatchObject({ code: 'answer-lost' })
    expect(faulty.got.length).toBe(2)
  })
})

describe('rate limits', () => {
  const noon = Date.UTC(2026, 10, 22, 12) / 1000
  const date = { date: 'Sun, 22 Nov 2026 12:00:00 GMT' }

  test('a 429 is waited out, changes too, and a person is told', async () => {
    await using faulty = await faultyPds([limited({ ...date, 'ratelimit-reset': String(noon + 90) }), empty])
    await faulty.pds.call(remove, { did })
    expect(faulty.slept).toEqual([91_000])
    expect(faulty.waits).toEqual(['the PDS on kimbia.social limits requests: going on at 12:01:31 UTC'])
    expect(faulty.got.length).toBe(2)
  })

  test('how much of the wait is left is told each second', async () => {
    let now = noon * 1000
    const limit = limited({ ...date, 'ratelimit-reset': String(noon + 90) })
    await using faulty = await faultyPds([limit, ok], {
      clock: () => now,
      async sleep() {
        now += 30_000
        await new Promise((resolve) => setTimeout(resolve, 1_100))
      },
    })
    await faulty.pds.query(list, {})
    expect(faulty.waits).toEqual([
      'the PDS on kimbia.social limits requests: going on at 12:01:31 UTC',
      'the PDS on kimbia.social limits requests: going on at 12:01:31 UTC, in 61 s',
    ])
  })

  test('that they are running out is told once, before they have; what is left at the end of it', async () => {
    const left = (remaining: number) => (response: ServerResponse) => {
      const headers = { ...date, 'ratelimit-limit': '3000', 'ratelimit-reset': String(noon + 200) }
      for (const [name, value] of Object.entries({ ...headers, 'ratelimit-remaining': String(remaining) }))
        response.setHeader(name, value)
      ok(response)
    }
    await using faulty = await faultyPds([left(301), left(299), left(298)], { clock: () => noon * 1000 })
    await faulty.pds.query(list, {})
    expect(faulty.waits).toEqual([])
    await faulty.pds.query(list, {})
    await faulty.pds.query(list, {})
    expect(faulty.waits).toEqual([
      'the PDS on kimbia.social takes 299 more requests until 12:03:21 UTC; what is more waits until then',
    ])
    faulty.pds.dispose()
    expect(faulty.notes.at(-1)).toBe('298 of 3,000 requests left until 12:03:21 UTC')
  })

  test('many requests that wait for the same instant say so once', async () => {
    const limit = limited({ ...date, 'ratelimit-reset': String(noon + 90) })
    await using faulty = await faultyPds([limit, limit, limit, ok], { sleep: async () => {} })
    await Promise.all([1, 2, 3].map(() => faulty.pds.query(list, {})))
    expect(faulty.waits.length).toBe(1)
  })

  test('each request on its own, however late in the run', async () => {
    let now = noon
    const soon = (response: ServerResponse) =>
      limited({ date: new Date(now * 1000).toUTCString(), 'retry-after': '300' })(response)
    await using faulty = await faultyPds([soon, ok, soon, ok, soon, ok], {
      clock: () => now * 1000,
      sleep: async (ms) => {
        now += ms / 1000
      },
    })
    for (const _ of [1, 2, 3]) {
      expect(await faulty.pds.query(list, {})).toEqual(page)
      now += 3600
    }
    expect(faulty.waits.length).toBe(3)
  })

  test('no request waits longer than a window, be it in one go or in many', async () => {
    await using faulty = await faultyPds([limited({ ...date, 'retry-after': '60' })])
    expect(await failureOf(faulty.pds.query(list, {}))).toMatchObject({ code: 'rate-limited' })
    expect(faulty.slept).toEqual(Array.from({ length: 5 }, () => 61_000))
  })

  test('not for longer than a window: it fails at once and says until when', async () => {
    await using faulty = await faultyPds([limited({ ...date, 'ratelimit-reset': String(noon + 400) })])
    const failure = await failureOf(faulty.pds.query(list, {}))
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'rate-limited' })
    expect(failure.message).toContain('until 12:06:41 UTC')
    expect(failure.hint).toContain('PDS_RATE_LIMIT_BYPASS_KEY')
    expect(faulty.slept).toEqual([])
  })

  test('Ctrl-C ends the wait', async () => {
    const stop = new AbortController()
    const sleep = (_ms: number, signal?: AbortSignal) => {
      stop.abort()
      return Promise.reject(signal?.reason)
    }
    await using faulty = await faultyPds([limited({ ...date, 'retry-after': '30' })], {
      signal: stop.signal,
      sleep,
    })
    expect(await failureOf(faulty.pds.query(list, {}))).toMatchObject({ outcome: 'interrupted' })
  })
})
