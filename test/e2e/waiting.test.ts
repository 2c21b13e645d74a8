import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { seedAccounts } from '../../rig/pds/seed.ts'
import { byPort, entryFor } from '../support/host-entry.ts'
import { blackHole, relayTo } from '../support/relay.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { finallyShown } from '../support/terminal-text.ts'
import { run } from './cli.ts'
import { endScreens, onScreen } from './screen.ts'

let rig: RigHost
let place: Scratch

beforeAll(async () => {
  ;[rig, place] = await Promise.all([startRig(), scratch()])
  await seedAccounts(rig, 300, { prefix: 'wave' })
})
afterAll(async () => {
  endScreens()
  await Promise.all([rig.stop(), place[Symbol.asyncDispose]()])
})

describe('while nothing comes', () => {
  test('a terminal says what is waited for', async () => {
    await using hole = await blackHole()
    const env = await entryFor(place, rig, await byPort(place, rig, hole.port))
    const screen = onScreen(rig, ['account', 'list'], { env })
    await screen.shows('connecting to rig')
    screen.type('\u0003')
    expect(await screen.ended).toBe(130)
  })

  test.each([
    ['the terminal', ''],
    ['a pipe', '| cat'],
  ])('through a slow link as well, and the line is gone when the result comes to %s', async (_, shell) => {
    await using link = await relayTo(rig.ssh.port, { delay: 150 })
    const env = await entryFor(place, rig, await byPort(place, rig, link.port))
    const screen = onScreen(rig, ['account', 'list'], { env, shell })
    await screen.shows('connecting to rig')
    await screen.shows('asking rig')
    await screen.shows('reading accounts: ')
    expect(await screen.ended).toBe(0)
    const lines = finallyShown(screen.text())
    expect(lines).not.toMatch(/connecting|asking|reading/)
    expect(lines.match(/^wave\d+\.test\s/gm)).toHaveLength(300)
  })

  test('nothing is said in a pipe', async () => {
    expect(await run(rig, ['account', 'list', '--limit', '1'])).toMatchObject({ stderr: '1 account\n' })
  })
})
