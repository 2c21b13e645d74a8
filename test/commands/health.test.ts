import { describe, expect, test } from 'vitest'
import { type Failure, unreachable } from '../../src/base/failure.ts'
import { Secret } from '../../src/base/secret.ts'
import { rotated } from '../support/rotated.ts'
import { scriptedHost } from '../support/scripted-host.ts'
import { type ScriptedPds, scriptedPds } from '../support/scripted-pds.ts'
import { nothing, type Ran, rowsOf, scriptedWorld, type WorldScript } from '../support/world.ts'
import { xrpcError } from '../support/xrpc-error.ts'

const url = 'https://pds.test/xrpc/_health'
const version = (text = '{"version":"0.4.5001"}') => ({
  status: 200,
  contentType: 'application/json',
  body: Buffer.from(text),
})
const pds = (healthy: ReturnType<typeof version> | Failure = version(), hostname = 'pds.test'): ScriptedPds =>
  scriptedPds({ hostname, raw: { _health: healthy }, inviteRequired: false })
const outside = { [url]: { status: 200, text: '{"version":"0.4.5001"}' } }

const health = async (script: WorldScript = {}): Promise<{ ran: Ran; row: Record<string, unknown> }> => {
  const host = rotated(scriptedHost())
  const ran = await scriptedWorld({ pds: pds(), host, outside, ...script }).run('health', '--json')
  expect(ran).toMatchObject({ stderr: '', asked: [], ...nothing })
  const [row] = rowsOf(ran)
  return { ran, row: row as Record<string, unknown> }
}
const statuses = (row: Record<string, unknown>) =>
  (row.checks as { name: string; status: string }[]).map(({ name, status }) => `${name} ${status}`)
const summary = (row: Record<string, unknown>, wanted: string) =>
  (row.checks as { name: string; summary: string }[]).find(({ name }) => name === wanted)?.summary

test('all is well', async () => {
  const { ran, row } = await health()
  expect(ran.code).toBe(0)
  const check = (name: string, text: string) => ({ name, status: 'ok', summary: text, ms: 0 })
  expect(row).toEqual({
    ok: true,
    host: 'kimbia',
    version: '0.4.5001',
    checks: [
      check('ssh', 'ops@pds.test:22, pds.env read by sudo'),
      check('pds', '0.4.5001'),
      check('describe', 'did:web:pds.test, .test, signups open'),
      check('admin', 'accepted'),
      check('public', `${url} answers 0.4.5001`),
      check('password', 'rotated 2026-11-01, due 2027-01-30'),
    ],
  })
})

test.each<[string, WorldScript, string, string]>([
  [
    'the PDS is down',
    { pds: pds(unreachable('pds-unreachable', 'nobody there', 'ps')) },
    'pds',
    'nobody there (ps)',
  ],
  [
    'it is another program',
    { pds: pds(version('<html>')) },
    'pds',
    'the PDS answers _health as no PDS does: 200 application/json: “<html>”',
  ],
  ['it tells no version', { pds: pds(version('{"version":5}')) }, 'pds', 'as no PDS does'],
  ['it answers null', { pds: pds(version('null')) }, 'pds', 'as no PDS does'],
  ['Caddy is broken', { outside: { [url]: { status: 502, text: 'bad' } } }, 'public', 'answers 502'],
  [
    'another site answers',
    { outside: { [url]: { status: 200, text: '{}' } } },
    'public',
    'answers 200, not the health',
  ],
  [
    'a page answers',
    { outside: { [url]: { status: 200, text: '<html>' } } },
    'public',
    'answers 200, not the health',
  ],
  ['DNS is broken', { outside: { [url]: unreachable('dns', 'no such name') } }, 'public', 'no such name'],
])('%s: one check fails', async (_, script, name, words) => {
  const { ran, row } = await health(script)
  expect(ran.code).toBe(3)
  expect(row.ok).toBe(false)
  expect(statuses(row).filter((it) => it.endsWith('fail'))).toEqual([`${name} fail`])
  expect(summary(row, name)).toContain(words)
  expect(row.version).toBe(name === 'pds' ? null : '0.4.5001')
})

test('the admin password is refused', async () => {
  const refusing = pds()
  const { query } = refusing
  refusing.query = (nsid, ...rest) =>
    nsid === 'com.atproto.admin.getInviteCodes'
      ? Promise.reject(xrpcError('AuthMissing', 'no', 401))
      : (query.call(refusing, nsid, ...rest) as never)
  const { ran, row } = await health({ pds: refusing })
  expect(ran.code).toBe(3)
  expect(statuses(row)).toEqual(['ssh ok', 'pds ok', 'describe ok', 'admin fail', 'public ok', 'password ok'])
})

test('SSH is broken: what needs it is skipped, and the public side is still looked at', async () => {
  const host = scriptedHost({ config: { hostname: 'pds.test' } })
  host.fail(unreachable('ssh', 'connection refused'))
  const { ran, row } = await health({ host })
  expect(ran.code).toBe(5)
  expect(statuses(row)).toEqual([
    'ssh fail',
    'pds skip',
    'describe skip',
    'admin skip',
    'public ok',
    'password skip',
  ])
})

test('SSH is broken, and nothing tells the public name', async () => {
  const host = scriptedHost()
  host.fail(unreachable('ssh', 'connection refused'))
  const { row } = await health({ host, outside: {} })
  expect(statuses(row)).toEqual([
    'ssh fail',
    'pds skip',
    'describe skip',
    'admin skip',
    'public skip',
    'password skip',
  ])
})

test('localhost is asked as the PDS is: without TLS, at its port', async () => {
  const host = rotated(scriptedHost({ settings: { hostname: 'localhost', port: 2583 } }))
  const answers = { 'http://localhost:2583/xrpc/_health': { status: 200, text: '{"version":"1"}' } }
  const { ran } = await health({ pds: pds(version(), 'localhost'), host, outside: answers })
  expect(ran.code).toBe(0)
})

describe('the public name', () => {
  const named = (hostname: string | undefined, line = '') =>
    rotated(
      scriptedHost({
        settings: { hostname, text: new Secret(`${line}PDS_ADMIN_PASSWORD=admin-password\n`) },
      }),
    )
  const silent = (): ScriptedPds => {
    const it = pds()
    it.query = () => Promise.reject(unreachable('pds-unreachable', 'nobody there')) as never
    return it
  }

  test('is that of the running PDS, and not what pds.env says otherwise', async () => {
    const { row } = await health({ host: named('old.test', 'PDS_HOSTNAME=old.test\n') })
    expect(summary(row, 'public')).toBe(`${url} answers 0.4.5001`)
  })

  test('is what pds.env says where the PDS does not answer', async () => {
    const { row } = await health({ pds: silent(), host: named('pds.test') })
    expect(statuses(row)).toContain('public ok')
  })

  test('is not known where neither tells: nobody is asked', async () => {
    const host = named(undefined, `PDS_HOSTNAME=\${BASE}\n`)
    const { row } = await health({ pds: silent(), host, outside: {} })
    expect(statuses(row)).toContain('public skip')
    expect(summary(row, 'public')).toContain('the public name is not known')
  })

  test('is not what a service DID of another kind says', async () => {
    const host = named('pds.test', 'PDS_SERVICE_DID=did:web:other.test\n')
    const { row } = await health({ pds: pds(version(), 'other.test'), host })
    expect(summary(row, 'public')).toBe(`${url} answers 0.4.5001`)
  })
})

test('in a pipe and on a terminal, all checks are told', async () => {
  for (const tty of [true, false]) {
    const host = rotated(scriptedHost())
    const ran = await scriptedWorld({ pds: pds(), host, outside, terminal: { tty } }).run('health')
    expect(ran).toMatchObject({ code: 0, ...nothing })
    for (const name of ['ssh', 'pds', 'describe', 'admin', 'public', 'password'])
      expect(ran.stdout).toContain(name)
  }
})

test('a password that is due is a warning, and the service is well all the same', async () => {
  const host = rotated(scriptedHost()).on('# read the record', 'none\n')
  const { ran, row } = await health({ host })
  expect([ran.code, row.ok]).toEqual([0, true])
  expect(statuses(row)).toContain('password warn')
  expect(summary(row, 'password')).toContain('no record of a rotation')
})

test('a rotation that was cut off is a warning, however new its record is', async () => {
  const operator = { user: 'ana', machine: 'laptop', ssh: 'ops' }
  const holder = { operator, command: 'admin-password rotate', time: '2026-11-01T12:00:00.000Z' }
  const standing = { holder, plan: undefined, events: [], end: undefined } as const
  const { row } = await health({ pending: { ...standing, state: 'cut off' } })
  expect(statuses(row)).toContain('password warn')
  expect(summary(row, 'password')).toBe('a rotation was cut off (kimbia-ops recover)')
  expect(statuses((await health({ pending: { ...standing, state: 'working' } })).row)).toContain(
    'password ok',
  )
})

test('Ctrl-C is told as such', async () => {
  const host = rotated(scriptedHost())
  const stop = AbortSignal.abort()
  const ran = await scriptedWorld({ pds: pds(), host, outside, stop }).run('health', '--json')
  expect(ran).toMatchObject({ code: 130, stdout: '', ...nothing })
})
