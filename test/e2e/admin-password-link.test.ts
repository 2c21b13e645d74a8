import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { byPort, entryFor } from '../support/host-entry.ts'
import { withoutDocker } from '../support/local-host.ts'
import { type Relay, relayTo } from '../support/relay.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { ended, problem, type Ran, run, start } from './cli.ts'

describe.skipIf(withoutDocker)('a rotation with trouble on the way', { timeout: 180_000 }, () => {
  let rig: RigHost
  let place: Scratch
  let wire: Relay
  let env: Record<string, string>
  let store: string

  beforeAll(async () => {
    ;[rig, place] = await Promise.all([startRig({ docker: {}, rateLimits: false }), scratch()])
    wire = await relayTo(rig.ssh.port)
    env = await entryFor(place, rig, await byPort(place, rig, wire.port))
    store = join(place.dir, 'secrets/password')
    const config = env.KIMBIA_OPS_CONFIG ?? ''
    const lines = `\n    admin_password:\n      store: 'file:${store}'\n`
    writeFileSync(config, `${readFileSync(config, 'utf8').trimEnd()}${lines}`)
    mkdirSync(join(place.dir, 'secrets'), { mode: 0o700 })
    writeFileSync(store, `${inEnv()}\n`, { mode: 0o600 })
  }, 180_000)
  afterAll(async () => {
    await wire?.[Symbol.asyncDispose]()
    await place?.[Symbol.asyncDispose]()
    await rig?.stop()
  }, 120_000)

  const ours = (name: string) => join(rig.pdsDir, 'kimbia-ops', name)
  const textOf = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '')
  const inEnv = () => /^PDS_ADMIN_PASSWORD=(.*)$/m.exec(textOf(join(rig.pdsDir, 'pds.env')))?.[1] ?? ''
  const tool = (...args: string[]): Promise<Ran> => run(rig, [...args, '--json'], { env })
  const asks = async (password: string): Promise<number> => {
    const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`
    const url = `${rig.pdsUrl}/xrpc/com.atproto.admin.getInviteCodes?limit=1`
    return (await fetch(url, { headers: { authorization } })).status
  }
  const journal = () => textOf(ours('change/journal')).split('\n').slice(0, -1)

  async function recover(): Promise<Ran> {
    for (const limit = Date.now() + 90_000; ; await sleep(200)) {
      const ran = await tool('recover', '--yes')
      if (ran.code !== 7 || Date.now() > limit) return ran
    }
  }

  const expectOneThatWorks = async (before: string): Promise<void> => {
    const now = inEnv()
    expect({ pds: await asks(now), store: textOf(store) }).toEqual({ pds: 200, store: `${now}\n` })
    if (now !== before) expect(await asks(before)).toBe(401)
    expect([existsSync(`${store}.pending`), existsSync(ours('lock'))]).toEqual([false, false])
  }

  /** Cuts the link once the journal has this line. */
  async function cutAt(line: string, ...more: string[]): Promise<Ran> {
    const child = start(rig, ['admin-password', 'rotate', '--yes', '--json', ...more], { env })
    const end = ended(child)
    for (const limit = Date.now() + 60_000; child.exitCode === null && Date.now() < limit; await sleep(1))
      if (journal().includes(line)) break
    wire.cut()
    return await end
  }

  test.each(['begin 0', 'done 1', 'begin 2', 'begin 3', 'begin 5', 'begin 6', 'begin 7'])(
    'the link is cut at “%s”',
    async (line) => {
      const before = inEnv()
      const cut = await cutAt(line)
      expect([0, 1, 5, 6], cut.stderr).toContain(cut.code)
      const taken = await recover()
      expect(taken.code, taken.stderr).toBe(0)
      await expectOneThatWorks(before)
    },
  )

  test('a store that the config does not name is not taken from what stands on the host', async () => {
    const other = join(place.dir, 'secrets/other')
    await cutAt('begin 3', '--store', `file:${other}`)
    const taken = await recover()
    expect([taken.code, problem(taken).code], taken.stderr).toEqual([2, 'store-not-configured'])
    const config = env.KIMBIA_OPS_CONFIG ?? ''
    const text = readFileSync(config, 'utf8')
    try {
      writeFileSync(config, text.replace(`file:${store}`, `file:${other}`))
      expect((await recover()).code).toBe(0)
    } finally {
      writeFileSync(config, text)
    }
    expect([textOf(other), await asks(inEnv())]).toEqual([`${inEnv()}\n`, 200])
    cpSync(other, store)
    chmodSync(store, 0o600)
  })

  test.each([0, 8, 32, 40, 48, 56, 64, 72, 80, 96])(
    'with %d kB left on the disk of the host',
    async (room) => {
      const before = inEnv()
      const dir = ours('')
      mkdirSync(dir, { recursive: true, mode: 0o700 })
      const saved = join(place.dir, `saved-${room}`)
      cpSync(dir, saved, { recursive: true })
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k,mode=700', 'tmpfs', dir])
      try {
        execFileSync('sh', [
          '-c',
          'head -c $((($1) * 1024)) /dev/zero >"$2/fill"',
          'sh',
          String(512 - room),
          `${dir}`,
        ])
        const ran = await tool('admin-password', 'rotate', '--yes')
        expect([0, 1, 5, 6], ran.stderr).toContain(ran.code)
        rmSync(join(dir, 'fill'))
        const taken = await recover()
        expect(taken.code, taken.stderr).toBe(0)
        await expectOneThatWorks(before)
      } finally {
        execFileSync('umount', ['--lazy', dir])
      }
    },
  )
})
