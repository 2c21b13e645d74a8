import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { createAccount } from '../../rig/pds/accounts.ts'
import { answer, type FaultProxy, faultProxy } from '../support/fault-proxy.ts'
import { entryFor } from '../support/host-entry.ts'
import { stateOf, takenDown, trailOf } from '../support/rig-state.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { ended, problem, type Ran, run, start } from './cli.ts'
import { faultOf } from './fault.ts'

let rig: RigHost
let place: Scratch
let proxy: FaultProxy
/** The environment in which the tool meets the PDS through the proxy. */
let env: Record<string, string>
let dids: string[]

const change = 'com.atproto.admin.updateSubjectStatus'
const limited = { error: 'RateLimitExceeded', message: 'Rate Limit Exceeded' }

beforeAll(async () => {
  ;[rig, place] = await Promise.all([startRig({ bypassKey: 'let-me-through' }), scratch()])
  proxy = await faultProxy(rig.pdsPort)
  env = await entryFor(place, rig, { port: proxy.port })
  const handles = ['alice.test', 'bob.test', 'carol.test']
  dids = (await Promise.all(handles.map((handle) => createAccount(rig, { handle })))).map((it) => it.did)
})
afterAll(async () => {
  await Promise.all([proxy, place].map((it) => it?.[Symbol.asyncDispose]()))
  await rig?.stop()
})

/** A 429 as the PDS gives it, with a reset so many seconds from now. */
const limit = (seconds: number) =>
  answer(429, JSON.stringify(limited), {
    'content-type': 'application/json',
    'ratelimit-reset': String(Math.floor(Date.now() / 1000) + seconds),
  })

/** Starts a run and sends SIGINT once standard error says this. */
async function interrupted(args: readonly string[], at: RegExp): Promise<Ran> {
  const child = start(rig, args, { env })
  let seen = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    seen += chunk
    if (at.test(seen)) child.kill('SIGINT')
  })
  return await ended(child)
}

test('the requests that are left are told with --verbose, as the real PDS counts them', async () => {
  const counting = await startRig()
  try {
    const ran = await run(counting, ['account', 'list', '--verbose'])
    expect(ran.stderr).toMatch(/^2,9\d\d of 3,000 requests left until \d\d:\d\d:\d\d UTC$/m)
  } finally {
    await counting.stop()
  }
})

test('a limit that ends long from now is an error that says when, and nothing is done', async () => {
  const before = stateOf(rig)
  proxy.at('*', limit(3_600))
  const { message, hint } = faultOf(
    await run(rig, ['account', 'takedown', 'alice.test', '--yes', '--json'], { env }),
    5,
    'rate-limited',
  )
  expect(message).toMatch(/takes no more requests until \d\d:\d\d:\d\d UTC/)
  expect(hint).toContain('PDS_RATE_LIMIT_BYPASS_KEY')
  expect(stateOf(rig)).toEqual(before)
  proxy.heal()
})

test('a limit that ends soon is waited for, which is told', async () => {
  proxy.at(change, limit(1), 1)
  const ran = await run(rig, ['account', 'takedown', 'alice.test', '--yes', '--json'], { env })
  expect(ran.code).toBe(0)
  expect(ran.stderr).toMatch(/limits requests: going on at \d\d:\d\d:\d\d UTC/)
  expect(takenDown(rig)).toEqual([dids[0]])
  proxy.heal()
})

test('Ctrl-C ends the wait of a change at once; the report and the trail say what was done', async () => {
  await run(rig, ['account', 'restore', ...dids, '--yes'])
  const from = trailOf(rig).length
  let asked = 0
  proxy.at(change, async (standing) => {
    if (asked++ === 0) standing.give(await standing.forward())
    else limit(240)(standing)
  })
  const ran = await interrupted(['account', 'takedown', ...dids, '--yes', '--json'], /going on at/)
  expect(ran.code).toBe(130)
  const report = problem(ran) as unknown as {
    code: string
    done: string[]
    failed: unknown[]
    notTried: string[]
  }
  const [down = ''] = takenDown(rig)
  expect(takenDown(rig)).toHaveLength(1)
  expect(report).toMatchObject({ code: 'interrupted', failed: [], done: [expect.stringContaining(down)] })
  expect(report.notTried).toHaveLength(2)
  const lines = trailOf(rig).slice(from)
  expect(lines.filter(({ event }) => event === 'intent')).toHaveLength(3)
  expect(lines.filter(({ outcome }) => outcome === 'ok').map((line) => line.did)).toEqual([down])
  proxy.heal()
  const again = await run(rig, ['account', 'takedown', ...dids, '--yes', '--json'], { env })
  expect(again.code).toBe(0)
  expect(takenDown(rig)).toEqual([...dids].sort())
})

test('the real limit: with the bypass key in pds.env it does not hold, without it the tool waits', async () => {
  const url = `${rig.pdsUrl}/xrpc/com.atproto.server.describeServer`
  // All of this machine counts as one client, which has 3,000 requests in five minutes.
  const drain = async (): Promise<void> => {
    for (let status = 200; status !== 429; ) {
      const burst = await Promise.all(Array.from({ length: 100 }, () => fetch(url)))
      for (const one of burst) await one.arrayBuffer()
      status = burst.at(-1)?.status ?? 0
    }
  }
  await drain()
  expect(await run(rig, ['account', 'list', '--json'])).toMatchObject({ code: 0 })

  const file = join(rig.pdsDir, 'pds.env')
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^PDS_RATE_LIMIT_BYPASS_KEY=.*\n/m, ''))
  const before = stateOf(rig)
  const create = ['account', 'create', 'dave@example.com', 'dave', '--json']
  const waiting = await interrupted(create, /going on at/)
  expect({ code: waiting.code, stdout: waiting.stdout }).toEqual({ code: 130, stdout: '' })
  expect(problem(waiting).code).toBe('interrupted')
  expect(stateOf(rig)).toEqual(before)
  const late = await run(rig, [...create, '--timeout', '3s'])
  expect(faultOf(late, 5, 'timeout').message).toContain('com.atproto.server.describeServer')
})
