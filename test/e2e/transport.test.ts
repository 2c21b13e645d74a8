import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { entryFor } from '../support/host-entry.ts'
import { closedPort } from '../support/relay.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { run } from './cli.ts'
import { faultOf } from './fault.ts'

let rig: RigHost
let place: Scratch

beforeAll(async () => {
  ;[rig, place] = await Promise.all([startRig(), scratch()])
})
afterAll(async () => {
  await Promise.all([rig?.stop(), place?.[Symbol.asyncDispose]()])
})

const by = async (transport: string | undefined, ...words: string[]) =>
  run(rig, words, { env: await entryFor(place, rig, { transport }) })

/** The processes of ssh that lead to the rig. */
const left = () =>
  execFileSync('ps', ['-eo', 'args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.startsWith('ssh ') && line.includes(`-p ${rig.ssh.port} `))

test('by the system’s ssh everything is as by the other, and nothing stays behind', async () => {
  for (const words of [
    ['account', 'list', '--json'],
    ['env', 'list', '--json'],
  ]) {
    const [own, system] = [await by(undefined, ...words), await by('openssh', ...words)]
    expect(system.code, system.stderr).toBe(0)
    expect(system.stdout).toBe(own.stdout)
  }
  const made = await by('openssh', 'invite', 'create', '--json')
  expect(made.code, made.stderr).toBe(0)
  await vi.waitFor(() => expect(left()).toEqual([]), { timeout: 5000 })
}, 120_000)

test('what it cannot reach is told by the same code', async () => {
  const port = await closedPort()
  const env = await entryFor(place, rig, { transport: 'openssh', ssh: `${rig.ssh.user}@127.0.0.1:${port}` })
  faultOf(await run(rig, ['account', 'list', '--json'], { env }), 5, 'ssh-refused')
}, 60_000)

test('another word for it is refused', async () => {
  const { code, stderr } = await by('putty', 'account', 'list', '--json')
  expect(code).toBe(2)
  expect(stderr).toMatch(/config-invalid.*transport/)
})
