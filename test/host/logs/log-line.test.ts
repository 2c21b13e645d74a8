import { expect, test } from 'vitest'
import { readLogLine } from '../../../src/host/logs/log-line.ts'

const stamp = '2026-11-22T18:00:00.123456789Z'
const logged = (object: object) => `${stamp} ${JSON.stringify(object)}`
const time = Date.UTC(2026, 10, 22, 17, 59, 59, 250)
const base = { level: 30, time, pid: 7, hostname: 'vm', name: 'pds' }
const request = {
  ...base,
  req: { id: 1, method: 'GET', url: '/xrpc/_health?x=1', headers: { host: 'pds.test' } },
  res: { statusCode: 200 },
  responseTime: 12,
  msg: 'request completed',
}

test.each<[string, string, object]>([
  [
    'a message',
    logged({ ...base, msg: 'pds has started' }),
    { time: '2026-11-22T17:59:59.250Z', level: 'info', name: 'pds', message: 'pds has started' },
  ],
  [
    'a request',
    logged(request),
    {
      message: 'GET /xrpc/_health?x=1 200 12 ms',
      request: { method: 'GET', path: '/xrpc/_health', status: 200, ms: 12 },
    },
  ],
  [
    'an error, with where it came from',
    logged({
      ...base,
      level: 50,
      msg: 'could not send',
      err: {
        type: 'MailError',
        message: 'refused',
        stack: 'MailError: refused\n    at send (mailer.js:3:4)\n    at x',
      },
    }),
    { level: 'error', message: 'could not send: MailError: refused at send (mailer.js:3:4)' },
  ],
  [
    'an error that the message tells already',
    logged({ ...base, level: 50, msg: 'InvalidToken (Token expired)', err: { message: 'Token expired' } }),
    { message: 'InvalidToken (Token expired)' },
  ],
  [
    'an event without a message',
    logged({ ...base, name: 'pds:events', eventName: 'account.created', invited: true }),
    { name: 'pds:events', message: 'eventName=account.created invited=true' },
  ],
  [
    'Caddy',
    logged({ level: 'warn', ts: time / 1000, logger: 'tls', msg: 'no certificate', error: 'rate limited' }),
    { time: '2026-11-22T17:59:59.250Z', level: 'warn', name: 'tls', message: 'no certificate: rate limited' },
  ],
  [
    'Watchtower',
    `${stamp} time="2026-11-22T18:00:00Z" level=warning msg="Found new \\"pds\\" image"`,
    { time: '2026-11-22T18:00:00.123Z', level: 'warn', message: 'Found new "pds" image' },
  ],
  [
    'the last words of a crash',
    `${stamp} Error: Must configure a JWT secret`,
    { time: '2026-11-22T18:00:00.123Z', level: null, message: 'Error: Must configure a JWT secret' },
  ],
  ['what only begins like JSON', `${stamp} {oops`, { level: null, message: '{oops' }],
  ['docker’s own words', 'Error response from daemon', { time: null, message: 'Error response from daemon' }],
])('reads %s', (_, line, wanted) => {
  expect(readLogLine(line)).toMatchObject(wanted)
})

test('a line that docker has cut into pieces is one again', () => {
  const long = JSON.stringify({ ...base, msg: 'k'.repeat(20_000) })
  const cut = `${stamp} ${long.slice(0, 16_384)}${stamp} ${long.slice(16_384)}`
  expect(readLogLine(cut)).toMatchObject({ level: 'info', message: 'k'.repeat(20_000) })
})

const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkaWQ6cGxjOmEifQ.c2VjcmV0c2lnbmF0dXJl'
test.each<[string, string]>([
  ['a JSON Web Token', logged({ ...base, msg: `bad token ${token}` })],
  [
    'a token in a header',
    logged({ ...request, req: { ...request.req, headers: { authorization: `Bearer ${token}` } } }),
  ],
  [
    'Basic credentials',
    logged({ ...base, headers: { authorization: 'Basic YWRtaW46czNjcmV0LXBhc3N3b3Jk' } }),
  ],
  ['a DPoP proof', `${stamp} DPoP s3cret-AAAAAAAAAAAA`],
  ['a cookie', logged({ ...request, req: { ...request.req, headers: { cookie: 'a=b; device=s3cret' } } })],
  ['cookies that are set', logged({ ...base, headers: { 'set-cookie': ['a=s3cret', 'b=s3cret'] } })],
  ['a password of a body', logged({ ...base, body: { identifier: 'alice', password: 's3cret' } })],
  ['a body as a text', logged({ ...base, body: JSON.stringify({ password: 's3c"ret\\', x: 1 }) })],
  ['a refresh token', logged({ ...base, session: { refreshJwt: 's3cret', accessJwt: 's3cret' } })],
  ['a setting', `${stamp} PDS_ADMIN_PASSWORD=s3cret is too short`],
  ['a private key', logged({ ...base, env: { PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: 's3cret' } })],
  ['the address of the mail server', logged({ ...base, msg: 'connect smtps://user:s3cret@mail.test:465' })],
  ['its password with a slash', logged({ ...base, msg: 'connect smtps://user:s3c/ret@mail.test:465' })],
  ['one that begins like a port', `${stamp} SMTPS smtps://user:12/s3cret@mail.test`],
  ['auth of a mailer', `${stamp} auth: { user: 'a', pass: "s3cret" }`],
  ['the same as JSON', `${stamp} options {"user":"a","pass":"s3cret"}`],
  ['the same in fields', logged({ ...base, auth: { user: 'a', pass: 's3cret' } })],
  ['the key of an API', `${stamp} x-api-key: s3cret`],
  ['the same in a header', logged({ ...base, headers: { 'x-api-key': 's3cret' } })],
  ['a text that was cut off', `${stamp} {"password":"s3cret and m`],
  ['a query', logged({ ...base, msg: 'GET /confirm?token=s3cret&x=1' })],
  [
    'a value of pds.env, wherever it is',
    logged({ ...base, msg: 'value known-s3cret-of-pds-env is refused' }),
  ],
])('masks %s', (_, line) => {
  const read = JSON.stringify(readLogLine(line, ['known-s3cret-of-pds-env']))
  expect(read).not.toMatch(/s3c|YWRtaW46|eyJ|c2VjcmV0/)
  expect(read).toContain('‹secret›')
})

test.each([
  'Basic authentication required',
  'Invalid identifier or password',
  'alice@example.com signed up with pds-test-abcde-fghij',
  'Bearer did:plc:abc',
  'Basic admin:***',
  'GET http://localhost:3000/xrpc/x?actor=@alice.test',
  'mail to a@b.test by smtps://mail.test:465/x',
  'bypass the compass, passed by',
])('leaves “%s” as it is', (message) => {
  expect(readLogLine(logged({ ...base, msg: message })).message).toBe(message)
})

test.each([
  ['a long address', `GET /x?${'a'.repeat(2_000_000)}&token=s3cret`],
  ['what looks like many tokens', `${'eyJ-'.repeat(250_000)} token=s3cret`],
  ['many addresses', `${'a://b:'.repeat(100_000)} token=s3cret`],
  ['a long message', `level=info msg="${'a'.repeat(2_000_000)} token=s3cret"`],
])('%s is masked in one go', (_, text) => {
  expect(readLogLine(`${stamp} ${text}`).message).not.toContain('s3cret')
})
