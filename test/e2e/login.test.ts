import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readFileSync } from 'node:fs'
import { chmod, copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { type Changes, entryFor, hostKeysOf } from '../support/host-entry.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { type MadeKey, makeKey } from '../support/ssh-keys.ts'
import { type Ran, run } from './cli.ts'
import { faultOf } from './fault.ts'

let rig: RigHost
let place: Scratch
/** Keys that the rig lets in, and one that it does not. */
let locked: MadeKey
let held: MadeKey
let stranger: MadeKey
const passphrase = 'correct horse'

beforeAll(async () => {
  ;[rig, place] = await Promise.all([startRig(), scratch()])
  ;[locked, held, stranger] = await Promise.all([
    makeKey(place.file('locked'), { passphrase }),
    makeKey(place.file('held')),
    makeKey(place.file('stranger')),
  ])
  for (const { line } of [locked, held]) appendFileSync(join(rig.dir, 'sshd/authorized_keys'), `${line}\n`)
})
afterAll(async () => {
  await Promise.all([rig?.stop(), place?.[Symbol.asyncDispose]()])
})

/** Lists the accounts of the rig, with these changes to its entry in the config. */
const list = async (changes: Changes, env: Record<string, string> = {}): Promise<Ran> =>
  await run(rig, ['account', 'list', '--json'], { env: { ...(await entryFor(place, rig, changes)), ...env } })

let files = 0
/** An ssh_config with these lines for every host. */
async function sshConfig(...lines: string[]): Promise<string> {
  const file = place.file(`ssh_config-${++files}`)
  await writeFile(file, `Host *\n${lines.map((line) => `  ${line}\n`).join('')}`)
  return file
}

const where = () => `${rig.ssh.user}@127.0.0.1:${rig.ssh.port}`

describe('a key', () => {
  test('that the host does not take', async () => {
    const { message, hint } = faultOf(await list({ identity: stranger.file }), 5, 'auth-refused')
    expect(message).toBe(`${where()} refused every key: tried ${stranger.file}`)
    expect(hint).toContain('“identity:” in the config')
  })

  test('of a user who does not exist', async () => {
    const { message } = faultOf(
      await list({ ssh: `nobody-here@127.0.0.1:${rig.ssh.port}` }),
      5,
      'auth-refused',
    )
    expect(message).toContain('nobody-here@127.0.0.1')
  })

  test('with a passphrase, and nobody there to give it', async () => {
    const { message, hint } = faultOf(await list({ identity: locked.file }), 5, 'key-encrypted')
    expect(message).toContain(`${locked.file} has a passphrase`)
    expect(hint).toBe(`load it into an agent first: ssh-add ${locked.file}`)
  })

  test('that others may read', async () => {
    const open = place.file('open')
    await copyFile(rig.ssh.identity, open)
    await chmod(open, 0o644)
    const { message, hint } = faultOf(await list({ identity: open }), 5, 'key-permissions')
    expect(message).toContain(open)
    expect(hint).toBe(`chmod 600 ${open}`)
    await chmod(open, 0o600)
    expect(await list({ identity: open })).toMatchObject({ code: 0 })
  })

  test('that is not there, or is no key', async () => {
    const gone = place.file('gone')
    expect(faultOf(await list({ identity: gone }), 2, 'no-identity').message).toContain(gone)
    const text = place.file('text')
    await writeFile(text, 'hello\n', { mode: 0o600 })
    expect(faultOf(await list({ identity: text }), 5, 'key-invalid').message).toContain(text)
  })

  test.each(['ecdsa', 'rsa'] as const)('of type %s opens the door', async (type) => {
    const key = await makeKey(place.file(type), { type })
    appendFileSync(join(rig.dir, 'sshd/authorized_keys'), `${key.line}\n`)
    expect(await list({ identity: key.file })).toMatchObject({ code: 0 })
  })
})

describe('what ssh_config says', () => {
  test('an alias leads to the host, with its key and known_hosts', async () => {
    const entry = { ssh: 'rig-alias', identity: undefined, known_hosts: undefined }
    expect(await list(entry)).toMatchObject({ code: 0 })
  })

  test('several keys are tried in turn', async () => {
    const right = await sshConfig(
      `IdentityFile ${stranger.file}`,
      `IdentityFile ${place.file('gone')}`,
      `IdentityFile ${rig.ssh.identity}`,
      'IdentitiesOnly yes',
    )
    expect(await list({ ssh_config: right, identity: undefined })).toMatchObject({ code: 0 })
    const wrong = await sshConfig(
      `IdentityFile ${stranger.file}`,
      `IdentityFile ${locked.file}`,
      'IdentitiesOnly yes',
    )
    faultOf(await list({ ssh_config: wrong, identity: undefined }), 5, 'key-encrypted')
  })

  test('that ssh does not understand is a usage error in its words', async () => {
    const { message } = faultOf(
      await list({ ssh_config: await sshConfig('Frobnicate yes') }),
      2,
      'bad-ssh-config',
    )
    expect(message).toMatch(/frobnicate/i)
  })
})

describe('an agent', () => {
  let agent: ChildProcess
  let socket: string

  beforeAll(async () => {
    socket = place.file('agent.sock')
    agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(agent.stdout as NonNullable<ChildProcess['stdout']>, 'data')
    execFileSync('ssh-add', ['-q', held.file], { env: { ...process.env, SSH_AUTH_SOCK: socket } })
  })
  afterAll(async () => {
    const ended = once(agent, 'exit')
    agent.kill()
    await ended
  })

  test('named by IdentityAgent opens the door', async () => {
    const config = await sshConfig(`IdentityAgent ${socket}`, 'IdentityFile none')
    expect(await list({ ssh_config: config, identity: undefined })).toMatchObject({ code: 0 })
  })

  test('of SSH_AUTH_SOCK does, too; the keys in it are named when none is taken', async () => {
    const config = await sshConfig('IdentityFile none')
    const entry = { ssh_config: config, identity: undefined }
    expect(await list(entry, { SSH_AUTH_SOCK: socket })).toMatchObject({ code: 0 })
    const alone = { ...entry, ssh: `nobody-here@127.0.0.1:${rig.ssh.port}` }
    const { message } = faultOf(await list(alone, { SSH_AUTH_SOCK: socket }), 5, 'auth-refused')
    expect(message).toContain('test key (agent)')
  })

  test('that is dead is passed over', async () => {
    const config = await sshConfig(`IdentityAgent ${place.file('no.sock')}`)
    expect(await list({ ssh_config: config })).toMatchObject({ code: 0 })
    const none = await sshConfig(`IdentityAgent ${place.file('no.sock')}`, 'IdentityFile none')
    const { message } = faultOf(await list({ ssh_config: none, identity: undefined }), 5, 'auth-refused')
    expect(message).toContain('there was none to try')
  })
})

describe('a proxy', () => {
  const target = 'pds.example.invalid'
  /** The rig under a name that only a proxy can lead to. */
  async function hidden(...lines: string[]): Promise<Changes> {
    const known = place.file(`known-${++files}`)
    await writeFile(
      known,
      hostKeysOf(rig)
        .map((key) => `${target} ${key}\n`)
        .join(''),
    )
    return { ssh: `${rig.ssh.user}@${target}`, known_hosts: known, ssh_config: await sshConfig(...lines) }
  }
  /** A hop through the rig itself, whose own ssh has this known_hosts. */
  const hop = (known: string) =>
    `ssh -F none -i ${rig.ssh.identity} -o IdentitiesOnly=yes -o BatchMode=yes -o UserKnownHostsFile=${known} ` +
    `-p ${rig.ssh.port} -W 127.0.0.1:${rig.ssh.port} ${rig.ssh.user}@127.0.0.1`

  test('ProxyCommand leads through the rig itself, with another ssh', async () => {
    expect(await list(await hidden(`ProxyCommand ${hop(rig.ssh.knownHosts)}`))).toMatchObject({ code: 0 })
  })

  test('a ProxyCommand that fails is quoted', async () => {
    const { message, hint } = faultOf(
      await list(await hidden('ProxyCommand echo no way through >&2; exit 1')),
      5,
      'proxy-failed',
    )
    expect(message).toBe(`the way to ${rig.ssh.user}@${target}:22 is closed: no way through`)
    expect(hint).toContain('ssh -v')
    const unknown = faultOf(
      await list(await hidden(`ProxyCommand ${hop(place.file('gone'))}`)),
      5,
      'proxy-failed',
    )
    expect(unknown.message).toContain('Host key verification failed')
    const silent = await list(await hidden('ProxyCommand true'))
    expect(faultOf(silent, 5, 'ssh-handshake').message).toContain(target)
  })

  test('ProxyJump goes over the rig to the rig, and checks the key of the hop', async () => {
    const jump = async (known: string) => {
      const file = place.file(`jump-${++files}`)
      const own = readFileSync(rig.sshConfig, 'utf8').replace(rig.ssh.knownHosts, known)
      await writeFile(file, `${own}\nHost 127.0.0.1\n  ProxyJump rig-alias\n`)
      return { ssh: `${rig.ssh.user}@127.0.0.1:${rig.ssh.port}`, ssh_config: file }
    }
    // The alias is 127.0.0.1 as well, but a jump is not looked up for the hop's own address.
    expect(await list(await jump(rig.ssh.knownHosts))).toMatchObject({ code: 0 })
    const { message } = faultOf(await list(await jump(place.file('gone'))), 5, 'proxy-failed')
    expect(message).toContain('Host key verification failed')
  })
})
