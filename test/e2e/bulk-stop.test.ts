import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { type Seeded, seedAccounts } from '../../rig/pds/seed.ts'
import { takenDown, trailOf } from '../support/rig-state.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { ended, problem, rows, run, start } from './cli.ts'
import { endScreens, onScreen } from './screen.ts'

let rig: RigHost
let place: Scratch

beforeAll(async () => {
  ;[rig, place] = await Promise.all([startRig({ bypassKey: 'not-counted' }), scratch()])
})
afterAll(async () => {
  endScreens()
  await Promise.all([rig.stop(), place[Symbol.asyncDispose]()])
})

const count = 400

/** A wave of its own, and the command that takes it down. */
async function wave(prefix: string) {
  const accounts = await seedAccounts(rig, count, { prefix })
  const file = place.file(prefix)
  await writeFile(file, accounts.map(({ did }) => `${did}\n`).join(''))
  return { accounts, args: ['account', 'takedown', '--from', file, '--confirm', String(count)] }
}

const down = (accounts: readonly Seeded[]): string[] => {
  const all = new Set(takenDown(rig))
  return accounts.map(({ did }) => did).filter((did) => all.has(did))
}

/** Waits until the trail has so many lines more than these; a line that is just being written does not count. */
async function begun(after: number, n: number): Promise<void> {
  const file = join(rig.pdsDir, 'kimbia-ops/trail.jsonl')
  const lines = () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0)
  while (lines() < after + n) await turn()
}

const didIn = (subject: unknown): string => /did:plc:[a-z2-7]{24}/.exec(String(subject))?.[0] ?? ''

/** The process of the PDS, which can be frozen and thawed. */
function pdsProcess(): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      if (words.includes('pds-process') && words.includes(rig.pdsDir)) return Number(pid)
    } catch {
      // It has ended meanwhile.
    }
  }
  throw new Error('the PDS is not running')
}

describe('a bulk takedown is stopped in the middle', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    'by %s: what was done is reported exactly, and the same command does the rest',
    async (signal) => {
      const { accounts, args } = await wave(signal.toLowerCase())
      const before = trailOf(rig).length
      const child = start(rig, [...args, '--json'])
      const end = ended(child)
      await begun(before, 40)
      child.kill(signal)
      const ran = await end
      expect(ran.code).toBe(130)
      const { code, done, failed, notTried, hint } = problem(ran)
      expect({ code, failed }).toEqual({ code: 'interrupted', failed: [] })
      expect(hint).toContain('run the same command again')
      const [did, not] = [(done as string[]).map(didIn), (notTried as string[]).map(didIn)]
      expect(did.length).toBeGreaterThan(0)
      expect(not.length).toBeGreaterThan(0)
      expect(did.toSorted()).toEqual(down(accounts).toSorted())
      expect(rows(ran).map((row) => row.did)).toEqual(did)
      expect([...did, ...not].sort()).toEqual(accounts.map((it) => it.did).sort())
      const lines = trailOf(rig).slice(before)
      expect(
        lines
          .filter(({ outcome }) => outcome === 'ok')
          .map((line) => line.did)
          .sort(),
      ).toEqual(did.toSorted())
      expect(lines.filter(({ event }) => event === 'intent')).toHaveLength(did.length)

      const again = await run(rig, [...args, '--json'])
      expect(again.code).toBe(0)
      expect(again.stderr).toMatch(/^note: operation (\S+); to undo it: kimbia-ops undo \1\n$/)
      expect(
        rows(again)
          .filter(({ changed }) => changed)
          .map((row) => row.did),
      ).toEqual(not)
      expect(down(accounts)).toHaveLength(count)
    },
  )

  test('by a second Ctrl-C it ends at once, even when the PDS no longer answers', async () => {
    const { accounts, args } = await wave('second')
    const before = trailOf(rig).length
    const screen = onScreen(rig, args)
    await begun(before, 40)
    const pds = pdsProcess()
    process.kill(pds, 'SIGSTOP')
    try {
      screen.type('\u0003')
      await screen.shows('Ctrl-C again ends at once')
      screen.type('\u0003')
      expect(await screen.ended).toBe(130)
    } finally {
      process.kill(pds, 'SIGCONT')
    }
    expect(screen.text()).not.toContain('not tried')
    expect(screen.text()).toMatch(/ended at once: \d+ of 400 targets had been done/)
    expect(screen.text()).toContain('kimbia-ops trail')
    expect(await run(rig, args)).toMatchObject({ code: 0 })
    expect(down(accounts)).toHaveLength(count)
  })

  test('by a second signal, told as JSON where that was asked for', async () => {
    const { args } = await wave('twice')
    const before = trailOf(rig).length
    const child = start(rig, [...args, '--json'])
    const end = ended(child)
    await begun(before, 40)
    const pds = pdsProcess()
    process.kill(pds, 'SIGSTOP')
    try {
      child.kill('SIGINT')
      await new Promise((resolve) => setTimeout(resolve, 500))
      child.kill('SIGINT')
      const ran = await end
      expect(ran.code).toBe(130)
      expect(problem(ran)).toMatchObject({
        code: 'ended-at-once',
        message: expect.stringContaining('of 400 targets'),
      })
    } finally {
      process.kill(pds, 'SIGCONT')
    }
    expect(await run(rig, args)).toMatchObject({ code: 0 })
  })

  test('by kill -9: the trail tells the cut-off ones as unknown, and the same command completes', async () => {
    const { accounts, args } = await wave('killed')
    const before = trailOf(rig).length
    const child = start(rig, args)
    const end = ended(child)
    await begun(before, 60)
    child.kill('SIGKILL')
    expect((await end).code).toBe(null)

    const again = await run(rig, [...args, '--json'])
    expect(again.code).toBe(0)
    expect(down(accounts)).toHaveLength(count)
    const changed = new Set(
      rows(again)
        .filter((row) => row.changed)
        .map((row) => row.did),
    )
    expect(changed.size).toBeLessThan(count)
    const history = rows(await run(rig, ['trail', '--subject', 'killed', '--json']))
    const of = (outcome: string) =>
      new Set(history.filter((row) => row.outcome === outcome).map((row) => row.did))
    const [unknown, ok] = [of('unknown'), of('ok')]
    expect(unknown.size).toBeGreaterThan(0)
    expect(accounts.filter(({ did }) => changed.has(did) && !ok.has(did))).toEqual([])
    expect(accounts.filter(({ did }) => !changed.has(did) && !ok.has(did) && !unknown.has(did))).toEqual([])
  })
})

describe('a bulk takedown meets a PDS that restarts', () => {
  test('what was accepted is read back once it is there again, and is on stdout', async () => {
    const { accounts, args } = await wave('restart')
    const before = trailOf(rig).length
    const child = start(rig, [...args, '--json'])
    const end = ended(child)
    await begun(before, 60)
    await rig.restartPds()
    const ran = await end
    const standing = down(accounts)
    expect(standing.length).toBeGreaterThan(0)
    expect(new Set(rows(ran).map(({ did }) => did))).toEqual(new Set(standing))
    expect(ran.stderr).not.toContain('could not be read back')
    expect([0, 6]).toContain(ran.code)
    expect(await run(rig, [...args, '--json'])).toMatchObject({ code: 0 })
    expect(down(accounts)).toHaveLength(count)
  })
})
