import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { canLogIn, createAccount } from '../../rig/pds/accounts.ts'
import { answer, type Fault, type FaultProxy, faultProxy, loseAnswer } from '../support/fault-proxy.ts'
import { entryFor } from '../support/host-entry.ts'
import { closedPort } from '../support/relay.ts'
import { sql, stateOf, takenDown, trailOf } from '../support/rig-state.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { problem, type Ran, row, run } from './cli.ts'
import { faultOf } from './fault.ts'

let rig: RigHost
let place: Scratch
let proxy: FaultProxy
/** The environment in which the tool meets the PDS through the proxy. */
let env: Record<string, string>
let did: string

const html = { 'content-type': 'text/html' }
const change = 'com.atproto.admin.updateSubjectStatus'
const read = 'com.atproto.admin.getSubjectStatus'
const repos = 'com.atproto.sync.listRepos'
const signUp = 'com.atproto.server.createAccount'

beforeAll(async () => {
  ;[rig, place] = await Promise.all([startRig({ rateLimits: false }), scratch()])
  proxy = await faultProxy(rig.pdsPort)
  env = await entryFor(place, rig, { port: proxy.port })
  did = (await createAccount(rig, { handle: 'alice.test', password: 'old horse' })).did
})
afterAll(async () => {
  await Promise.all([proxy, place].map((it) => it?.[Symbol.asyncDispose]()))
  await rig?.stop()
})
beforeEach(() => proxy.heal())

const tool = (...args: string[]): Promise<Ran> => run(rig, [...args, '--json'], { env })
const takedown = () => tool('account', 'takedown', 'alice.test', '--yes')
const restore = () => tool('account', 'restore', 'alice.test', '--yes')
const create = (name: string) => tool('account', 'create', `${name}@example.com`, name)
const where = () => `the PDS on ${rig.ssh.user}@127.0.0.1:${rig.ssh.port}, port ${proxy.port}`
const accounts = () => sql(rig, 'select handle from actor order by handle').split('\n')
const lastOutcome = () => trailOf(rig).findLast(({ event }) => event === 'outcome')?.outcome

const sick: [string, Fault, string, string][] = [
  ['500', answer(500, '{"error":"InternalServerError","message":"disk full"}'), 'pds-error', '500 disk full'],
  ['a proxy’s page for 502', answer(502, '<html>Bad Gateway', html), 'pds-error', '502 “<html>Bad Gateway”'],
  ['a page of HTML', answer(200, '<h1>nginx</h1>', html), 'pds-garbage', '200 text/html: “<h1>nginx</h1>”'],
  ['garbage', answer(200, '\x00\x1b[2J\u202e?'), 'pds-garbage', '“[2J ?”'],
  ['JSON that is cut off', answer(200, '{"repos":['), 'pds-garbage', '“{"repos":[”'],
  ['JSON of another kind', answer(200, '{"repos":{}}'), 'pds-garbage', '“{"repos":{}}”'],
  ['nothing, and hangs up', ({ cut }) => cut(), 'pds-connection-lost', 'socket hang up'],
]

describe('a PDS that answers a question with', () => {
  test.each(sick)('%s', async (_, fault, code, said) => {
    proxy.at(repos, fault)
    const { message } = faultOf(await tool('account', 'list'), 5, code)
    expect(message).toContain(where())
    expect(message).toContain(repos)
    expect(message).toContain(said)
    expect(message).not.toMatch(/[\x00-\x1f\u202e]/)
  })

  test('half an answer, and hangs up', async () => {
    proxy.at(repos, ({ response }) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 })
      response.write('{"repos":[', () => response.destroy())
    })
    faultOf(await tool('account', 'list'), 5, 'pds-connection-lost')
  })

  test('502 for a moment: it is asked again', async () => {
    const infos = 'com.atproto.admin.getAccountInfos'
    proxy.at(infos, answer(502, '<html>', html), 2)
    expect(await tool('account', 'list')).toMatchObject({ code: 0 })
    expect(proxy.called.filter((nsid) => nsid === infos)).toHaveLength(3)
  })

  test('nothing at all: --timeout ends the wait, and says for what', async () => {
    proxy.at(repos, () => {})
    const { message, hint } = faultOf(await tool('account', 'list', '--timeout', '3s'), 5, 'timeout')
    expect(message).toBe(`it took longer than --timeout 3s: ${repos} of ${where()}`)
    expect(hint).toContain('--verbose')
  })
})

describe('health', () => {
  interface Health {
    readonly ok: boolean
    readonly version: string | null
    readonly checks: { name: string; status: string; summary: string }[]
  }
  const failing = ({ checks }: Health) =>
    checks.filter(({ status }) => status === 'fail').map(({ name }) => name)

  test.each(sick.filter((_, index) => index % 3 === 0))(
    'of a PDS that answers with %s is a document, exit code 3',
    async (_, fault) => {
      proxy.at('*', fault)
      const ran = await tool('health')
      const health = row<Health>(ran)
      expect({ exit: ran.code, ok: health.ok, version: health.version }).toEqual({
        exit: 3,
        ok: false,
        version: null,
      })
      expect(failing(health)).toEqual(['pds', 'describe', 'admin', 'public'])
    },
  )

  test('of a PDS that hangs ends at --timeout', async () => {
    proxy.at('_health', () => {})
    const ran = await tool('health', '--timeout', '3s')
    expect(ran.code).toBe(3)
    expect(failing(row<Health>(ran))).toEqual(['pds', 'public'])
  })

  test('of a PDS that is down tells where nobody answers, exit code 3', async () => {
    await rig.stopPds()
    try {
      const ran = await run(rig, ['health', '--json'])
      const health = row<Health>(ran)
      expect({ exit: ran.code, ok: health.ok }).toEqual({ exit: 3, ok: false })
      expect(failing(health)).toEqual(['pds', 'describe', 'admin', 'public'])
      expect(health.checks[1]?.summary).toContain(`nothing listens on 127.0.0.1:${rig.pdsPort}`)
      expect(health.checks[4]?.summary).toContain(
        `http://localhost:${rig.pdsPort}/xrpc/_health cannot be reached: ECONNREFUSED`,
      )
      const { message, hint } = faultOf(await run(rig, ['account', 'list', '--json']), 5, 'tunnel-refused')
      expect(message).toContain(`127.0.0.1:${rig.pdsPort}`)
      expect(hint).toContain('kimbia-ops ps')
    } finally {
      await rig.startPds()
    }
  })

  test('of a host that is out of reach is a document, exit code 5', async () => {
    const away = await entryFor(place, rig, { ssh: `ops@127.0.0.1:${await closedPort()}` })
    const ran = await run(rig, ['health', '--json'], { env: away })
    const health = row<Health>(ran)
    expect({ exit: ran.code, ok: health.ok, failing: failing(health) }).toEqual({
      exit: 5,
      ok: false,
      failing: ['ssh'],
    })
    expect(health.checks[0]?.summary).toContain('refused the connection')
    expect(ran.stderr).toBe('')
  })
})

describe('a takedown whose answer is lost', () => {
  test('once: it is asked again, and done', async () => {
    proxy.at(change, loseAnswer, 1)
    expect(row(await takedown())).toMatchObject({ did, status: 'takendown', changed: true })
    expect(takenDown(rig)).toEqual([did])
    expect(proxy.called.filter((nsid) => nsid === change)).toHaveLength(2)
    await restore()
  })

  test('every time, though the PDS does it: reading back tells', async () => {
    proxy.at(change, loseAnswer)
    expect(row(await takedown())).toMatchObject({ did, status: 'takendown', changed: true })
    expect(takenDown(rig)).toEqual([did])
    expect(lastOutcome()).toBe('ok')
    proxy.heal()
    await restore()
  })

  test('every time, and the PDS does nothing: it has failed', async () => {
    proxy.at(change, ({ cut }) => cut())
    const { message } = faultOf(await takedown(), 5, 'answer-lost')
    expect(message).toContain('may or may not have been done')
    expect(takenDown(rig)).toEqual([])
    expect(lastOutcome()).toBe('unreachable')
  })

  test('and nobody can read back: unknown, and told so', async () => {
    proxy.at(change, async ({ forward, cut }) => {
      await forward()
      proxy.at(read, ({ cut: hangUp }) => hangUp())
      cut()
    })
    const { message, hint } = faultOf(await takedown(), 5, 'answer-lost')
    expect(message).toContain('may or may not have been done')
    expect(hint).toContain('run the same command again')
    expect(takenDown(rig)).toEqual([did])
    proxy.heal()
    expect(row(await takedown())).toMatchObject({ changed: false })
    await restore()
    // It was waited for, since it might have been starting.
  }, 120_000)
})

describe('a takedown that the PDS', () => {
  test('fails at has failed, exit code 1', async () => {
    const before = stateOf(rig)
    proxy.at(change, answer(500, '{"error":"InternalServerError","message":"disk full"}'))
    const { message } = faultOf(await takedown(), 1, 'pds-error')
    expect(message).toContain('disk full')
    expect({ ...stateOf(rig), trail: 0 }).toEqual({ ...before, trail: 0 })
    expect(lastOutcome()).toBe('failed')
  })

  test('accepts without doing it is not told as done', async () => {
    proxy.at(change, answer(200, `{"subject":{"$type":"com.atproto.admin.defs#repoRef","did":"${did}"}}`))
    const { message } = faultOf(await takedown(), 1, 'not-proven')
    expect(message).toContain('is active, not takendown')
    expect(takenDown(rig)).toEqual([])
  })
})

describe('an account create whose answer is lost', () => {
  test('is unknown, where the PDS made it: what to look at is named, and helps', async () => {
    proxy.at(signUp, loseAnswer)
    const ran = await create('bob')
    const { message, hint } = faultOf(ran, 5, 'answer-lost')
    expect(message).toContain('step 2 failed: Make the account bob.test')
    expect(message).toContain('may or may not have been done')
    expect(hint).toContain('kimbia-ops account info bob.test')
    expect(hint).toContain('kimbia-ops account reset-password bob.test')
    // What only asks whether the PDS would refuse it names a DID, of which nobody has the key.
    const asked = proxy.sent.filter(({ nsid }) => nsid === signUp)
    expect(asked.filter(({ body }) => !('did' in JSON.parse(body)))).toHaveLength(1)
    expect(accounts()).toEqual(['alice.test', 'bob.test'])
    proxy.heal()
    expect(row(await tool('account', 'info', 'bob.test'))).toMatchObject({ status: 'active' })
    const { password } = row<{ password: string }>(
      await tool('account', 'reset-password', 'bob.test', '--yes'),
    )
    expect(await canLogIn(rig, 'bob.test', password)).toBe(true)
  })

  test('is unknown, where the PDS did not make it: no invite is left open', async () => {
    proxy.at(signUp, ({ cut }) => cut())
    const { message } = faultOf(await create('carol'), 5, 'answer-lost')
    expect(message).toContain('undone: Disable the invite code')
    expect(accounts()).not.toContain('carol.test')
    const open =
      'select count(*) from invite_code where disabled = 0 and code not in (select code from invite_code_use)'
    expect(sql(rig, open)).toBe('0')
  })

  test('and whose invite cannot be disabled either: exit code 6, and the invite is named as standing', async () => {
    proxy.at(signUp, ({ cut }) => cut())
    proxy.at('com.atproto.admin.disableInviteCodes', answer(500, '{}'))
    const ran = await create('carol')
    expect({ exit: ran.code, stdout: ran.stdout }).toEqual({ exit: 6, stdout: '' })
    expect(problem(ran).message).toContain('NOT undone: Disable the invite code made for carol.test')
    expect(lastOutcome()).toBe('partial')
  })
})

test('a password reset whose answer is lost is proven by a login', async () => {
  proxy.at('com.atproto.admin.updateAccountPassword', loseAnswer)
  const reset = await tool('account', 'reset-password', 'alice.test', '--yes')
  const { password } = row<{ password: string }>(reset)
  expect(await canLogIn(rig, 'alice.test', password)).toBe(true)
  expect(await canLogIn(rig, 'alice.test', 'old horse')).toBe(false)
})
