import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { type Changes, entryFor, hostKeysOf } from '../support/host-entry.ts'
import { blackHole, closedPort, listen } from '../support/relay.ts'
import { stateOf } from '../support/rig-state.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { hashHosts, makeKey } from '../support/ssh-keys.ts'
import { type Ran, run } from './cli.ts'
import { faultOf } from './fault.ts'

const exec = promisify(execFile)

let rig: RigHost
let place: Scratch
let name: string
let ed25519: string
let ecdsa: string
let other: { line: string; fingerprint: string }

beforeAll(async () => {
  ;[rig, place] = await Promise.all([startRig(), scratch()])
  name = `[127.0.0.1]:${rig.ssh.port}`
  ;[ed25519 = '', ecdsa = ''] = hostKeysOf(rig)
  other = await makeKey(place.file('other'))
})
afterAll(async () => {
  await Promise.all([rig?.stop(), place?.[Symbol.asyncDispose]()])
})

/** Lists the accounts of the rig, with these changes to its entry in the config. */
const list = async (changes: Changes, ...flags: string[]): Promise<Ran> =>
  await run(rig, ['account', 'list', '--json', ...flags], { env: await entryFor(place, rig, changes) })

let files = 0
/** A file with this text. */
async function fileOf(text: string): Promise<string> {
  const file = place.file(`file-${++files}`)
  await writeFile(file, text)
  return file
}

/** The fingerprint of a `type base64` key, as ssh-keygen -lf prints it. */
async function fingerprintOf(line: string): Promise<string> {
  const { stdout } = await exec('ssh-keygen', ['-lf', await fileOf(`${line}\n`)])
  return stdout.split(' ')[1] ?? ''
}

describe('a host key', () => {
  test('that is unknown is shown with its fingerprint, and the hint is a command that accepts it', async () => {
    const known = place.file('to-be-accepted')
    const { message, hint } = faultOf(await list({ known_hosts: known }), 5, 'host-key-unknown')
    expect(message).toContain(name)
    expect(message).toContain(`ssh-ed25519 ${await fingerprintOf(ed25519)}`)
    expect(hint).toContain('compare this fingerprint')
    const [, command = ''] = /answering yes to: ssh (.*)$/.exec(hint) ?? []
    // The person's yes; whether this ssh may log in then is another matter.
    await exec('sh', ['-c', `ssh -o StrictHostKeyChecking=accept-new -o BatchMode=yes ${command}`]).catch(
      () => {},
    )
    expect(await list({ known_hosts: known })).toMatchObject({ code: 0 })
  })

  test('that is unknown is refused in words a person reads, too', async () => {
    const env = await entryFor(place, rig, { known_hosts: place.file('nothing') })
    const ran = await run(rig, ['account', 'list'], { env })
    expect(ran).toMatchObject({ code: 5, stdout: '' })
    expect(ran.stderr).toMatch(/^error: the host key of .* is not known: .*\nhint: compare .*\n$/)
  })

  test('that changed is refused, with the line that has the old one', async () => {
    const file = await fileOf(`# office\n${name} ${other.line}\n`)
    const { message, hint } = faultOf(await list({ known_hosts: file }), 5, 'host-key-changed')
    expect(message).toContain(await fingerprintOf(ed25519))
    expect(message).toContain(`${file}:2 has ssh-ed25519 ${other.fingerprint}`)
    expect(hint).toContain(`ssh-keygen -R '${name}' -f ${file}`)
  })

  test('that changed is refused even where a key of another type is right', async () => {
    const file = await fileOf(`${name} ${ecdsa}\n${name} ${other.line}\n`)
    faultOf(await list({ known_hosts: file }), 5, 'host-key-changed')
  })

  test('that is revoked is refused, also where it is known', async () => {
    const file = await fileOf(`${name} ${ed25519}\n@revoked ${name} ${ed25519}\n`)
    const { message } = faultOf(await list({ known_hosts: file }), 5, 'host-key-revoked')
    expect(message).toContain(`@revoked in ${file}:2`)
    expect(message).toContain(await fingerprintOf(ed25519))
  })

  test('that only a certificate authority vouches for is unknown, and that is said', async () => {
    const file = await fileOf(`@cert-authority * ${ed25519}\n`)
    const { hint } = faultOf(await list({ known_hosts: file }), 5, 'host-key-unknown')
    expect(hint).toContain(`${file}:1 trusts a certificate authority`)
    expect(hint).toContain('“transport: openssh”')
  })

  test.each([
    ['of one type', () => `${name} ${ecdsa}\n`],
    ['of both types', () => `${name} ${ecdsa}\n${name} ${ed25519}\n`],
    ['under a pattern', () => `!other,[127.0.0.*]:* ${ed25519}\n`],
    [
      'among lines that are none',
      () => `# x\n\nnonsense\n${name} ssh-ed25519 AAAA\n${name} ${ed25519} me@office\n`,
    ],
    ['with the line ends of Windows', () => `${name} ${ed25519}\r\n`],
  ])('that is known is accepted: %s', async (_, text) => {
    expect(await list({ known_hosts: await fileOf(text()) })).toMatchObject({ code: 0 })
  })

  test('that is known under a hashed name is accepted, and refused when it changed', async () => {
    const good = await fileOf(`${name} ${ed25519}\n`)
    const bad = await fileOf(`${name} ${other.line}\n`)
    for (const file of [good, bad]) await hashHosts(file)
    expect(await list({ known_hosts: good })).toMatchObject({ code: 0 })
    faultOf(await list({ known_hosts: bad }), 5, 'host-key-changed')
  })

  test('is not accepted where known_hosts cannot be read', async () => {
    const { message } = faultOf(await list({ known_hosts: place.dir }), 5, 'known-hosts-unreadable')
    expect(message).toContain(place.dir)
  })
})

describe('a host that is not there', () => {
  const at = (port: number) => ({ ssh: `ops@127.0.0.1:${port}` })

  test('refuses the connection', async () => {
    const port = await closedPort()
    const { message, hint } = faultOf(await list(at(port)), 5, 'ssh-refused')
    expect(message).toBe(`127.0.0.1 port ${port} refused the connection`)
    expect(hint).toContain('is sshd running')
  })

  test('has no address', async () => {
    const { message } = faultOf(await list({ ssh: 'ops@no-such-host.invalid' }), 5, 'host-not-found')
    expect(message).toContain('no-such-host.invalid')
  })

  test('swallows the connection: ConnectTimeout of ssh holds, and so does --timeout', async () => {
    await using hole = await blackHole()
    const config = await fileOf('Host *\n  ConnectTimeout 1\n')
    const slow = faultOf(await list({ ...at(hole.port), ssh_config: config }), 5, 'ssh-timeout')
    expect(slow.message).toBe(`127.0.0.1 port ${hole.port} did not answer within 1 s`)
    expect(slow.hint).toContain('firewall')
    const late = faultOf(await list(at(hole.port), '--timeout', '1s'), 5, 'timeout')
    expect(late.message).toBe(`it took longer than --timeout 1s: connecting to ops@127.0.0.1:${hole.port}`)
  })

  test('is no SSH server: one that says nothing, and one that speaks HTTP', async () => {
    await using mute = await listen(() => {})
    const config = await fileOf('Host *\n  ConnectTimeout 1\n')
    const silent = faultOf(await list({ ...at(mute.port), ssh_config: config }), 5, 'ssh-timeout')
    expect(silent.message).toContain(`127.0.0.1:${mute.port} accepts connections but speaks no SSH`)
    const web = faultOf(await list(at(rig.pdsPort)), 5, 'ssh-handshake')
    expect(web.message).toContain(`127.0.0.1:${rig.pdsPort} did not complete an SSH handshake`)
    await using rude = await listen((socket) => socket.end('220 mail.example.com ESMTP\r\n'))
    faultOf(await list(at(rude.port)), 5, 'ssh-handshake')
  })

  test('is told as such by a command that changes something, and nothing is changed', async () => {
    const before = stateOf(rig)
    const env = await entryFor(place, rig, at(await closedPort()))
    const ran = await run(rig, ['account', 'create', 'a@example.com', 'alice', '--json'], { env })
    faultOf(ran, 5, 'ssh-refused')
    expect(stateOf(rig)).toEqual(before)
  })
})
