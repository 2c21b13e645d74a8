import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { entryFor } from '../support/host-entry.ts'
import { withoutRoot } from '../support/local-host.ts'
import { stateOf } from '../support/rig-state.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { bin, ended, type Ran, row, run } from './cli.ts'
import { faultOf } from './fault.ts'

let place: Scratch
beforeAll(async () => {
  place = await scratch()
})
afterAll(() => place?.[Symbol.asyncDispose]())

const list = async (rig: RigHost, changes: Record<string, string> = {}): Promise<Ran> =>
  await run(rig, ['account', 'list', '--json'], { env: await entryFor(place, rig, changes) })
const create = ['account', 'create', 'a@example.com', 'alice', '--json']

// Only root can make the users of these hosts.
describe.skipIf(withoutRoot)('a host user with sudo', () => {
  let rig: RigHost
  beforeAll(async () => {
    rig = await startRig()
  })
  afterAll(() => rig?.stop())

  test('is root by it where that is needed, and where the config says always', async () => {
    for (const sudo of ['auto', 'always']) {
      const ran = await run(rig, ['health', '--json'], { env: await entryFor(place, rig, { sudo }) })
      expect(row<{ checks: { summary: string }[] }>(ran).checks[0]?.summary).toContain('pds.env read by sudo')
    }
  })

  test('is not where the config says never', async () => {
    const { message, hint } = faultOf(await list(rig, { sudo: 'never' }), 5, 'pds-env-denied')
    expect(message).toContain(`${rig.pdsDir}/pds.env may not be read by this user`)
    expect(hint).toContain('“sudo: auto”')
  })
})

describe.skipIf(withoutRoot)('a host user without sudo', () => {
  let rig: RigHost
  beforeAll(async () => {
    rig = await startRig({ sudo: 'none' })
  })
  afterAll(() => rig?.stop())

  test('is told so, and nothing is done', async () => {
    const before = stateOf(rig)
    const { message, hint } = faultOf(await run(rig, create), 5, 'sudo-password-needed')
    expect(message).toContain(`${rig.ssh.user}@127.0.0.1:${rig.ssh.port}: sudo wants a password, or refuses`)
    expect(hint).toContain('NOPASSWD')
    expect(stateOf(rig)).toEqual(before)
  })

  test('who may read pds.env but not write beside it cannot keep the trail: nothing is done', async () => {
    const before = stateOf(rig)
    chmodSync(rig.pdsDir, 0o755)
    chmodSync(join(rig.pdsDir, 'pds.env'), 0o644)
    const entry = await entryFor(place, rig, { sudo: 'never' })
    expect(await run(rig, ['account', 'list', '--json'], { env: entry })).toMatchObject({ code: 0 })
    const { message } = faultOf(await run(rig, create, { env: entry }), 1, 'trail-not-writable')
    expect(message).toContain(`${rig.pdsDir}/kimbia-ops/trail.jsonl cannot be written`)
    expect(stateOf(rig)).toEqual(before)
    chmodSync(rig.pdsDir, 0o700)
  })
})

describe.skipIf(withoutRoot)('a host user whose sudo wants a password', () => {
  let rig: RigHost
  beforeAll(async () => {
    rig = await startRig({ sudo: 'password' })
  })
  afterAll(() => rig?.stop())

  test('and nobody there to give it: an error that says how to go on', async () => {
    const before = stateOf(rig)
    const { message, hint } = faultOf(await run(rig, create), 5, 'sudo-password-needed')
    expect(message).toMatch(/sudo wants a password, or refuses: sudo: /)
    expect(hint).toContain('run it on a terminal')
    expect(stateOf(rig)).toEqual(before)
  })

  test('and a person who gives it: it is never shown, and all goes through it', async () => {
    const password = rig.ssh.sudoPassword ?? ''
    const { screen, stdout, code } = await onTerminal(rig, create, `${password}\r`)
    expect(code).toBe(0)
    expect(screen).toContain('? sudo password on')
    expect(screen).not.toContain(password)
    const made = JSON.parse(stdout)
    expect(made).toMatchObject({ handle: 'alice.test', changed: true })
    const trail = readFileSync(join(rig.pdsDir, 'kimbia-ops/trail.jsonl'), 'utf8')
    expect(trail).not.toContain(password)
    expect(stateOf(rig)).toMatchObject({ trail: 2, accounts: expect.stringContaining('alice.test') })
  })

  test('and a person who gives a wrong one: refused, and nothing is done', async () => {
    const before = stateOf(rig)
    const { screen, stdout, code } = await onTerminal(rig, create, 'wrong horse\r')
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' })
    expect(screen).toContain('sudo does not take the password')
    expect(screen).not.toContain('wrong horse')
    expect(stateOf(rig)).toEqual(before)
  })

  test('and a person who presses Ctrl-C at the question', async () => {
    const before = stateOf(rig)
    const { screen, stdout, code } = await onTerminal(rig, create, '\x03')
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
    expect(screen).toContain('interrupted')
    expect(stateOf(rig)).toEqual(before)
  })

  test('is not asked with --no-input', async () => {
    const { screen, code } = await onTerminal(rig, [...create, '--no-input'], '')
    expect(code).toBe(5)
    expect(screen).toContain('sudo-password-needed')
    expect(screen).not.toContain('? sudo password')
  })
})

/** Runs the program on a terminal of its own, but for standard output, and types once it is asked for the password. */
async function onTerminal(
  rig: RigHost,
  args: readonly string[],
  typed: string,
): Promise<{ screen: string; stdout: string; code: number | null }> {
  const out = place.file('stdout')
  const quoted = [process.execPath, bin, ...args].map((word) => `'${word}'`).join(' ')
  const child: ChildProcess = spawn('script', ['-qec', `${quoted} >'${out}'`, '/dev/null'], {
    env: { ...process.env, ...rig.env, CI: '', TERM: 'xterm', SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let seen = ''
  let left = typed
  child.stdout?.on('data', (chunk: Buffer) => {
    seen += chunk
    if (left === '' || !seen.includes('sudo password on')) return
    child.stdin?.write(left)
    left = ''
  })
  const { code, stdout: screen } = await ended(child)
  return { code, screen, stdout: readFileSync(out, 'utf8') }
}
