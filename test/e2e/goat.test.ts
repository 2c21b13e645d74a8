import { readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { createAccount } from '../../rig/pds/accounts.ts'
import { withoutRoot } from '../support/local-host.ts'
import { realGoat } from '../support/real-goat.ts'
import { trailOf } from '../support/rig-state.ts'
import { run } from './cli.ts'
import { endScreens, onScreen } from './screen.ts'

const goat = await realGoat()
const name = goat === undefined ? 'the real goat, which is not to be had from Debian' : 'the real goat'

describe.skipIf(goat === undefined || withoutRoot)(name, () => {
  let rig: RigHost
  beforeAll(async () => {
    rig = await startRig()
    symlinkSync(goat ?? '', join(rig.dir, 'bin/goat'))
  })
  afterAll(async () => {
    endScreens()
    await rig?.stop()
  })

  test('has its own output and exit codes', async () => {
    const version = await run(rig, ['goat', '--version'])
    expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^goat version v/), stderr: '' })
    const wrong = await run(rig, ['goat', 'resolve', 'nobody.invalid'])
    expect(wrong.code).not.toBe(0)
    expect(wrong.stdout + wrong.stderr).toContain('disallowed')
    expect(trailOf(rig).at(-1)).toMatchObject({ command: 'goat', event: 'outcome', outcome: 'failed' })
  })

  test('looks at the very PDS', async () => {
    const ran = await run(rig, ['goat', 'pds', 'describe', rig.pdsUrl])
    expect(ran.code, ran.stderr).toBe(0)
    expect(ran.stdout).toContain('did:web:localhost')
  })

  test('streams on a terminal until it is told to stop; no password is in any argument list', async () => {
    const screen = onScreen(rig, [
      'goat',
      'firehose',
      '--cursor',
      '0',
      '--relay-host',
      rig.pdsUrl.replace('http', 'ws'),
    ])
    const { did } = await createAccount(rig, { handle: 'walker.test' })
    await screen.shows(did)
    const running = readdirSync('/proc').filter(
      (pid) => /^\d+$/.test(pid) && read(pid, 'cmdline').includes('firehose'),
    )
    const lines = running.map((pid) => read(pid, 'cmdline'))
    expect(lines.length).toBeGreaterThan(1)
    for (const line of lines) expect(line).not.toContain(rig.adminPassword)
    expect(
      running.some((pid) => read(pid, 'environ').includes(`PDS_ADMIN_PASSWORD=${rig.adminPassword}`)),
    ).toBe(true)
    screen.type('\x03')
    expect(await screen.ended).not.toBe(0)
    const left = () => running.filter((pid) => read(pid, 'cmdline').includes('firehose'))
    await expect.poll(left, { timeout: 10_000 }).toEqual([])
  })
})

/** A file of a process; empty where that has ended. */
function read(pid: string, file: string): string {
  try {
    return readFileSync(join('/proc', pid, file), 'utf8')
  } catch {
    return ''
  }
}
