import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { withoutDocker } from '../support/local-host.ts'
import { ended, type Ran, row, run, start } from './cli.ts'

/** The steps of a rotation; that they are all is tested against the plan itself. */
const stepCount = 8
/** What is cut off: the tool alone, or what works on the host as well. */
const cuts = ['the tool', 'both sides'] as const

describe.skipIf(withoutDocker)('a rotation that is cut off', { timeout: 180_000 }, () => {
  let rig: RigHost
  let home: string
  let store: string
  let config: string

  beforeAll(async () => {
    rig = await startRig({ docker: {}, rateLimits: false })
    home = mkdtempSync(join(tmpdir(), 'kimbia-pw-'))
    store = join(home, 'password')
    config = join(home, 'config.yaml')
    const lines = `\n    admin_password:\n      store: 'file:${store}'\n`
    writeFileSync(config, `${readFileSync(rig.configFile, 'utf8').trimEnd()}${lines}`)
    writeFileSync(store, `${inEnv()}\n`, { mode: 0o600 })
  }, 180_000)
  afterAll(async () => {
    await rig?.stop()
    if (home) rmSync(home, { recursive: true, force: true })
  }, 120_000)

  const ours = (name: string) => join(rig.pdsDir, 'kimbia-ops', name)
  const textOf = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '')
  const inEnv = () => /^PDS_ADMIN_PASSWORD=(.*)$/m.exec(textOf(join(rig.pdsDir, 'pds.env')))?.[1] ?? ''
  const asks = async (password: string): Promise<number> => {
    const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`
    const url = `${rig.pdsUrl}/xrpc/com.atproto.admin.getInviteCodes?limit=1`
    return (await fetch(url, { headers: { authorization } })).status
  }
  const args = (...words: string[]) => [...words, '--config', config, '--json']
  const journal = () => textOf(ours('change/journal')).split('\n').slice(0, -1)

  /** Kills it once the journal has this line, or once it has ended by itself. */
  async function cutAt(line: string, what: (typeof cuts)[number]): Promise<Ran> {
    const child = start(rig, args('admin-password', 'rotate', '--yes'))
    const end = ended(child)
    const limit = Date.now() + 60_000
    while (child.exitCode === null && Date.now() < limit) {
      if (journal().includes(line)) break
      await sleep(1)
    }
    child.kill('SIGKILL')
    if (what === 'both sides') killRunner()
    return await end
  }

  /** What carries the steps out on the host, as long as it does. */
  function killRunner(): void {
    const [, pid = '0'] = /"token":"(\d+)\./.exec(textOf(ours('change/runner'))) ?? []
    if (Number(pid) <= 1 || journal().some((line) => line.startsWith('end '))) return
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It was quicker.
    }
  }

  /** The host may go on by itself for a while. */
  async function recover(...more: string[]): Promise<Ran> {
    for (const limit = Date.now() + 90_000; ; await sleep(200)) {
      const ran = await run(rig, args('recover', '--yes', ...more))
      if (ran.code !== 7 || Date.now() > limit) return ran
    }
  }

  /** The lock may seem to be held for a moment. */
  async function dailyRefused(): Promise<void> {
    for (const limit = Date.now() + 30_000; ; await sleep(200)) {
      const ran = await run(rig, args('admin-password', 'rotate', '--if-due', '--yes'))
      if (!ran.stderr.includes('"cut-off"') && Date.now() < limit) continue
      expect(ran.stderr).toContain('"cut-off"')
      return expect(ran.code).toBe(7)
    }
  }

  const expectOneThatWorks = async (before: string): Promise<void> => {
    const now = inEnv()
    expect(now).not.toBe('')
    expect({ pds: await asks(now), store: textOf(store) }).toEqual({ pds: 200, store: `${now}\n` })
    if (now !== before) expect(await asks(before)).toBe(401)
    expect(existsSync(`${store}.pending`)).toBe(false)
    expect([existsSync(ours('lock')), existsSync(ours('change'))]).toEqual([false, false])
  }

  test('has the steps that are cut at here', async () => {
    const ran = await run(rig, args('admin-password', 'rotate', '--dry-run'))
    expect(row<{ steps: unknown[] }>(ran).steps).toHaveLength(stepCount)
  })

  const lines = Array.from({ length: stepCount }, (_, index) => [`begin ${index}`, `done ${index}`]).flat()
  for (const what of cuts)
    test.each(lines)(`${what}, killed at “%s”`, async (line) => {
      const before = inEnv()
      const cut = await cutAt(line, what)
      expect(cut.code, cut.stderr).not.toBe(1)
      const taken = await recover()
      expect(taken.code, taken.stderr).toBe(0)
      await expectOneThatWorks(before)
    })

  test.each(['begin 3', 'done 5'])('at “%s” it is undone where that is asked for', async (line) => {
    const before = inEnv()
    await cutAt(line, 'both sides')
    await dailyRefused()
    const taken = await recover('--undo')
    expect(taken.code, taken.stderr).toBe(0)
    await expectOneThatWorks(before)
    expect(inEnv()).toBe(before)
  })
})
