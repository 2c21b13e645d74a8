import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { run } from './cli.ts'
import { endScreens, onScreen } from './screen.ts'

describe('init on a terminal', { timeout: 60_000 }, () => {
  let rig: RigHost
  let place: Scratch

  beforeAll(async () => {
    ;[rig, place] = await Promise.all([startRig(), scratch()])
  })
  afterEach(endScreens)
  afterAll(async () => {
    await Promise.all([rig?.stop(), place?.[Symbol.asyncDispose]()])
  })

  const begin = (known: string, config: string) => {
    const words = [
      'init',
      'new',
      '--ssh',
      `${rig.ssh.user}@127.0.0.1:${rig.ssh.port}`,
      '--known-hosts',
      known,
    ]
    const env = { KIMBIA_OPS_CONFIG: config }
    return onScreen(rig, [...words, '--identity', rig.ssh.identity, '--port', String(rig.pdsPort)], {
      env,
      columns: 400,
    })
  }

  test('an unknown host key is shown, and kept after the word yes; a directory that is elsewhere is asked for', async () => {
    const [known, config] = [place.file('known_hosts'), place.file('config.yaml')]
    writeFileSync(known, 'other.example ssh-ed25519 AAAA')
    const screen = begin(known, config)
    await screen.shows(/host key of \S+ is not known: \S+ SHA256:/)
    await screen.shows('(yes, or Enter)')
    expect(existsSync(config)).toBe(false)
    screen.type('yes\r')
    await screen.shows('In which directory is pds.env?')
    screen.type(`${rig.pdsDir}\r`)
    expect(await screen.ended).toBe(0)
    expect(screen.text()).toContain('next: kimbia-ops status')
    expect(readFileSync(known, 'utf8')).toMatch(
      /^other\.example ssh-ed25519 AAAA\n\[127\.0\.0\.1\]:\d+ \S+ \S+\n$/,
    )
    const used = await run(rig, ['account', 'list', '--json'], { env: { KIMBIA_OPS_CONFIG: config } })
    expect(used.code, used.stderr).toBe(0)
  })

  test('any other word leaves the host unknown, and nothing is written', async () => {
    const [known, config] = [place.file('none'), place.file('none.yaml')]
    const screen = begin(known, config)
    await screen.shows('(yes, or Enter)')
    screen.type('y\r')
    expect(await screen.ended).toBe(5)
    expect([existsSync(known), existsSync(config)]).toEqual([false, false])
  })
})
