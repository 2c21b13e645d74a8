import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { createAccount } from '../../rig/pds/accounts.ts'
import { type FaultProxy, faultProxy } from '../support/fault-proxy.ts'
import { byPort, entryFor } from '../support/host-entry.ts'
import { type Relay, relayTo } from '../support/relay.ts'
import { stateOf, takenDown, trailOf } from '../support/rig-state.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { problem, rows, run } from './cli.ts'
import { faultOf } from './fault.ts'

let rig: RigHost
let place: Scratch
/** Between the tool and sshd, and between sshd and the PDS. */
let wire: Relay
let proxy: FaultProxy
/** The environment in which the tool goes through both. */
let env: Record<string, string>
let dids: string[]

const change = 'com.atproto.admin.updateSubjectStatus'
const read = 'com.atproto.admin.getSubjectStatus'

beforeAll(async () => {
  ;[rig, place] = await Promise.all([startRig({ rateLimits: false }), scratch()])
  ;[wire, proxy] = await Promise.all([relayTo(rig.ssh.port), faultProxy(rig.pdsPort)])
  env = await entryFor(place, rig, { ...(await byPort(place, rig, wire.port)), port: proxy.port })
  const names = Array.from({ length: 12 }, (_, index) => `bot${index}.test`)
  dids = (await Promise.all(names.map((handle) => createAccount(rig, { handle })))).map(({ did }) => did)
})
afterAll(async () => {
  await Promise.all([wire, proxy, place].map((it) => it?.[Symbol.asyncDispose]()))
  await rig?.stop()
})
beforeEach(() => proxy.heal())

const takedown = (...accounts: string[]) =>
  run(rig, ['account', 'takedown', ...accounts, '--yes', '--json'], { env })
const restore = () => run(rig, ['account', 'restore', ...dids, '--yes', '--json', '--quiet'])

/** What `--json` says on stderr of a command with several targets. */
interface Shortfall {
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly done: string[]
  readonly failed: { subject: string; code: string; message: string }[]
  readonly notTried: string[]
}

/** The DID in `handle (did)`. */
const didIn = (subject: string): string => /\((did:[^)]+)\)$/.exec(subject)?.[1] ?? subject

const intents = (from: number): string[] =>
  trailOf(rig)
    .slice(from)
    .filter(({ event }) => event === 'intent')
    .map(({ did }) => did ?? '')
    .sort()

describe('a link that is cut', () => {
  test('before anything is asked: one error, and nothing is done', async () => {
    const before = stateOf(rig)
    proxy.at('com.atproto.identity.resolveHandle', () => wire.cut())
    const { message } = faultOf(await takedown('bot0.test'), 5, 'link-lost')
    expect(message).toContain(`the connection to ${rig.ssh.user}@127.0.0.1:${wire.port} is lost`)
    expect(stateOf(rig)).toEqual(before)
  })

  test('in the middle of a long list: no row is invented, and the end is no success', async () => {
    proxy.at('com.atproto.admin.getAccountInfos', () => wire.cut())
    faultOf(await run(rig, ['account', 'list', '--json'], { env }), 5, 'link-lost')
  })

  test('during the change, which the PDS does not get: nothing stands, and the trail has the intent', async () => {
    const [before, from] = [takenDown(rig), trailOf(rig).length]
    proxy.at(change, () => wire.cut())
    const { message, hint } = faultOf(await takedown('bot0.test'), 5, 'answer-lost')
    expect(message).toContain('may or may not have been done')
    expect(hint).toContain('run the same command again')
    expect(takenDown(rig)).toEqual(before)
    expect(intents(from)).toEqual([dids[0]])
  })

  test('during the change, which the PDS makes: it is not told as undone', async () => {
    proxy.at(change, async ({ forward }) => {
      await forward()
      wire.cut()
    })
    const { message } = faultOf(await takedown('bot0.test'), 5, 'answer-lost')
    expect(message).toContain('may or may not have been done')
    expect(takenDown(rig)).toEqual([dids[0]])
    proxy.heal()
    const again = await takedown('bot0.test')
    expect(rows(again)).toMatchObject([{ did: dids[0], status: 'takendown', changed: false }])
  })

  test('after the change, at reading back: accepted, not proven, exit code 6', async () => {
    await restore()
    const from = trailOf(rig).length
    proxy.at(change, async ({ forward, give }) => {
      proxy.at(read, () => wire.cut())
      give(await forward())
    })
    const { message } = faultOf(await takedown('bot0.test'), 6, 'link-lost')
    expect(message).toContain('it was accepted, but could not be read back')
    expect(takenDown(rig)).toEqual([dids[0]])
    expect(intents(from)).toEqual([dids[0]])
  })
})

/** Resolves once answers are through the relay. */
const answersGiven = async (all: readonly Promise<unknown>[]): Promise<void> => {
  await Promise.all(all)
  await new Promise((resolve) => setTimeout(resolve, 300))
}

describe('a takedown of 12 accounts', () => {
  test.each([
    ['before the first is done', 0],
    ['in the middle', 5],
    ['near the end', 10],
  ])('cut %s: the report is true, and the same command does the rest', async (_, answered) => {
    await restore()
    const from = trailOf(rig).length
    const forwarded: Promise<unknown>[] = []
    let asked = 0
    proxy.at(change, ({ forward, give }) => {
      const turn = asked++
      if (turn < answered) forwarded.push(forward().then(give))
      // All are asked at once: near the end, those before have had their answers.
      else if (turn === answered)
        void (answered === 10 ? answersGiven(forwarded) : Promise.resolve()).then(wire.cut)
    })
    const ran = await takedown(...dids)
    // The PDS goes on with what it has, whatever became of the line.
    await Promise.all(forwarded)
    const report = problem(ran) as unknown as Shortfall
    const down = takenDown(rig)
    const failed = report.failed.map(({ subject }) => didIn(subject))
    const notTried = report.notTried.map(didIn)

    expect([...report.done.map(didIn), ...failed, ...notTried].sort()).toEqual([...dids].sort())
    // Done is proven by reading back, which no line was left for; what is down was accepted, or is told as unknown.
    expect(report.done).toEqual([])
    expect(ran.stdout).toBe('')
    for (const { subject, message } of report.failed)
      if (down.includes(didIn(subject)))
        expect(message).toMatch(/it was accepted, but could not be read back|may or may not have been done/)
    for (const { subject, message } of report.failed)
      if (message.includes('accepted')) expect(down).toContain(didIn(subject))
    if (answered === 10) expect(report.failed.some(({ message }) => message.includes('accepted'))).toBe(true)
    for (const did of notTried) expect(down).not.toContain(did)
    expect(down.length).toBeLessThanOrEqual(answered)
    // Of calls without an answer nobody on this side knows, so something may stand in every case.
    expect({ exit: ran.code, code: report.code }).toEqual({ exit: 6, code: 'partial' })
    expect(report.hint).toBe('run the same command again: what is done is left alone')
    expect(report.message).toContain(
      `0 done, 0 already so, ${failed.length} failed, ${notTried.length} not tried`,
    )
    // Every account that was touched has its intent, and those that have none were not touched.
    const told = intents(from)
    for (const did of told) expect(failed).toContain(did)
    for (const did of down) expect(told).toContain(did)
    for (const { subject, code } of report.failed)
      if (!told.includes(didIn(subject))) expect(code).toBe('link-lost')

    proxy.heal()
    const again = await takedown(...dids)
    expect(again).toMatchObject({ code: 0 })
    expect(takenDown(rig)).toEqual([...dids].sort())
    const changed = rows<{ did: string; changed: boolean }>(again).filter((row) => row.changed)
    expect(changed.map(({ did }) => did).sort()).toEqual(dids.filter((did) => !down.includes(did)).sort())
  })

  test('cut while they are looked up: no change is asked for', async () => {
    await restore()
    const before = takenDown(rig)
    proxy.at('com.atproto.admin.getAccountInfos', async ({ forward, give }) => {
      proxy.at(read, () => wire.cut())
      give(await forward())
    })
    faultOf(await takedown(...dids), 5, 'link-lost')
    expect(takenDown(rig)).toEqual(before)
    expect(proxy.called).not.toContain(change)
  })
})
