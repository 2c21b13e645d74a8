import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { appendFile, chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { type Changes, entryFor } from '../support/host-entry.ts'
import { withoutRoot } from '../support/local-host.ts'
import { blackHole } from '../support/relay.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { ended, type Ran, run, start } from './cli.ts'
import { faultOf } from './fault.ts'
import { endScreens, onScreen } from './screen.ts'

const exec = promisify(execFile)

let rig: RigHost
let place: Scratch

beforeAll(async () => {
  ;[rig, place] = await Promise.all([startRig(), scratch()])
  await mkdir(place.file('tmp'))
}, 60_000)
afterAll(async () => {
  await Promise.all([rig?.stop(), place?.[Symbol.asyncDispose]()])
})
afterEach(endScreens)

/** The environment in which the tool connects so, with a directory of its own for what is not to stay. */
const entry = async (changes: Changes = {}) => ({
  ...(await entryFor(place, rig, { transport: 'openssh', ...changes })),
  TMPDIR: place.file('tmp'),
})
const list = async (changes: Changes = {}): Promise<Ran> =>
  await run(rig, ['account', 'list', '--json'], { env: await entry(changes) })

let files = 0
/** An ssh_config with these lines for every host. */
async function sshConfig(...lines: readonly string[]): Promise<string> {
  const file = place.file(`ssh_config-${++files}`)
  await writeFile(file, `Host *\n${lines.map((line) => `  ${line}\n`).join('')}`)
  return file
}

/** The connections to a port that the system's ssh holds or tries, and the files that are there for them. */
async function left(port: number) {
  const { stdout } = await exec('ps', ['-eo', 'args'])
  return {
    processes: stdout.split('\n').filter((line) => line.startsWith('ssh ') && line.includes(` ${port} `)),
    files: readdirSync(place.file('tmp')),
  }
}

test('what a person has in ssh_config for a shell of their own does not get in the way', async () => {
  const ssh_config = await sshConfig(
    'RemoteCommand echo hello; exec sh',
    'RequestTTY force',
    `LocalForward ${place.file('forwarded')} 127.0.0.1:1`,
    'PermitLocalCommand yes',
    'LocalCommand echo local',
    'ControlMaster auto',
    `ControlPath ${place.file('control')}`,
    'ControlPersist 60',
    'ForwardAgent yes',
    'LogLevel QUIET',
  )
  const ran = await list({ ssh_config })
  expect(ran, ran.stderr).toMatchObject({ code: 0, stderr: '0 accounts\n' })
  await expect.poll(() => left(rig.ssh.port), { timeout: 10_000 }).toEqual({ processes: [], files: [] })
})

test('a quiet ssh still tells why it is not let in', async () => {
  const ssh_config = await sshConfig('LogLevel QUIET')
  await exec('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', place.file('stranger')])
  faultOf(await list({ ssh_config, identity: place.file('stranger') }), 5, 'auth-refused')
})

test('no setting of ssh has an unknown host key accepted', async () => {
  const known_hosts = place.file('nothing-known')
  const ssh_config = await sshConfig('StrictHostKeyChecking no')
  const { hint } = faultOf(await list({ ssh_config, known_hosts }), 5, 'host-key-unknown')
  expect(hint).toContain(`UserKnownHostsFile=${known_hosts}`)
  expect(existsSync(known_hosts)).toBe(false)
})

test.skipIf(withoutRoot)('a program of the host has a terminal of the size of the operator’s', async () => {
  const program = join(rig.dir, 'bin/pdsadmin')
  await writeFile(program, '#!/bin/sh\nstty size; read -r answer; echo "got <$answer>"; exit 5\n')
  await chmod(program, 0o755)
  const screen = onScreen(rig, ['pdsadmin'], { env: await entry(), columns: 97 })
  await screen.shows('40 97')
  screen.type('y\r')
  await screen.shows('got <y>')
  expect(await screen.ended).toBe(5)
})

test('a host that accepts and says nothing is given up in the time that our own connection takes', async () => {
  await using silent = await blackHole()
  const from = performance.now()
  faultOf(await list({ ssh: `ops@127.0.0.1:${silent.port}` }), 5, 'ssh-timeout')
  expect(performance.now() - from).toBeLessThan(25_000)
}, 60_000)

test.each(['SIGINT', 'SIGKILL'] as const)(
  '%s while it logs in leaves nothing behind',
  async (signal) => {
    await using silent = await blackHole()
    const env = await entry({ ssh: `ops@127.0.0.1:${silent.port}` })
    const child = start(rig, ['account', 'list', '--json'], { env })
    await expect
      .poll(async () => (await left(silent.port)).processes.length, { timeout: 20_000 })
      .toBeGreaterThan(0)
    child.kill(signal)
    const ran = await ended(child)
    if (signal === 'SIGINT')
      expect(ran).toMatchObject({ code: 130, stderr: expect.stringContaining('"interrupted"') })
    await expect.poll(() => left(silent.port), { timeout: 10_000 }).toEqual({ processes: [], files: [] })
  },
  60_000,
)

test('without an ssh program it says so', async () => {
  await mkdir(place.file('bin'))
  await symlink('/bin/sh', place.file('bin/sh'))
  const env = { ...(await entry({ ssh_config: undefined })), PATH: place.file('bin') }
  faultOf(await run(rig, ['account', 'list', '--json'], { env }), 2, 'no-ssh-client')
})

/** The authenticator that OpenSSH tests itself with, of Debian's package openssh-tests. */
const authenticator = '/usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so'

test.skipIf(!existsSync(authenticator)).each(['ed25519-sk', 'ecdsa-sk'])(
  'a FIDO key of type %s opens the door, and the person is told to touch it',
  async (type) => {
    const identity = place.file(type)
    await exec('ssh-keygen', ['-q', '-t', type, '-w', authenticator, '-N', '', '-f', identity])
    await appendFile(join(rig.dir, 'sshd/authorized_keys'), readFileSync(`${identity}.pub`))
    const own = faultOf(await list({ identity, transport: 'ssh2' }), 5, 'key-unsupported')
    expect(own.hint).toContain('transport: openssh')
    const changes = { identity, ssh_config: await sshConfig(`SecurityKeyProvider ${authenticator}`) }
    expect(await list(changes)).toMatchObject({ code: 0 })
    const screen = onScreen(rig, ['account', 'list'], { env: await entry(changes) })
    await screen.shows(/Confirm user presence for key/)
    expect(await screen.ended).toBe(0)
    // Gone with the key: the device that is not there is not waited for.
    const gone = faultOf(await list({ identity }), 5, 'auth-refused')
    expect(gone.message).toContain('device not found')
  },
  60_000,
)
