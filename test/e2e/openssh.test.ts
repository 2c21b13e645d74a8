import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { createAccount } from '../../rig/pds/accounts.ts'
import { type Changes, entryFor } from '../support/host-entry.ts'
import { withoutRoot } from '../support/local-host.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { makeKey } from '../support/ssh-keys.ts'
import { sshdWith } from '../support/sshd-settings.ts'
import { ended, type Ran, rows, run, start } from './cli.ts'
import { faultOf } from './fault.ts'

/** It is among Debian's openssh-tests; .ci/install puts it there. */
const authenticator = '/usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so'

/** The rig's sshd belongs to root, who alone may give it other settings. */
describe.skipIf(withoutRoot)('transport: openssh', { timeout: 60_000 }, () => {
  let rig: RigHost
  let place: Scratch

  beforeAll(async () => {
    ;[rig, place] = await Promise.all([startRig(), scratch()])
    await createAccount(rig, { handle: 'alice.test' })
  })
  afterAll(async () => {
    await Promise.all([rig?.stop(), place?.[Symbol.asyncDispose]()])
  })

  const tool = async (args: readonly string[], changes: Changes): Promise<Ran> =>
    await run(rig, [...args, '--json'], {
      env: { ...(await entryFor(place, rig, { transport: 'openssh', ...changes })), TMPDIR: place.dir },
    })
  const list = (changes: Changes) => tool(['account', 'list'], changes)
  /** The system's ssh gets in, where our own connection names it for the way out of this fault. */
  const opensBySsh = async (changes: Changes, fault: string): Promise<void> => {
    const own = faultOf(await list({ ...changes, transport: 'ssh2' }), 5, fault)
    expect(own.hint).toContain('“transport: openssh”')
    const ran = await list(changes)
    expect(ran.code, ran.stderr).toBe(0)
    expect(rows(ran)).toMatchObject([{ handle: 'alice.test' }])
  }
  const keygen = (...words: readonly string[]) => execFileSync('ssh-keygen', ['-q', ...words])
  const masters = () =>
    execFileSync('ps', ['-eo', 'args'])
      .toString()
      .split('\n')
      .filter((line) => /^ssh .*-M -N -T /.test(line) && line.includes(` -p ${rig.ssh.port} `))
  const left = () => readdirSync(place.dir).filter((name) => name.startsWith('kimbia-ssh-')).length

  test('does what our own connection does, and leaves no process and no file', async () => {
    const before = [masters().length, left()]
    expect(rows(await list({}))).toMatchObject([{ handle: 'alice.test' }])
    const down = await tool(['account', 'takedown', 'alice.test', '--yes'], {})
    expect(down.code, down.stderr).toBe(0)
    expect(rows(await list({}))).toMatchObject([{ status: 'takendown' }])
    expect((await tool(['account', 'restore', 'alice.test', '--yes'], {})).code).toBe(0)
    await expect.poll(() => [masters().length, left()], { timeout: 10_000 }).toEqual(before)
  })

  test('a killed tool leaves no connection', async () => {
    const before = masters().length
    const child = start(rig, ['trail', '--json'], {
      env: await entryFor(place, rig, { transport: 'openssh' }),
    })
    await expect.poll(() => masters().length, { timeout: 20_000, interval: 5 }).toBeGreaterThan(before)
    child.kill('SIGKILL')
    await ended(child)
    await expect.poll(() => masters().length, { timeout: 10_000 }).toBe(before)
  })

  test('a user certificate opens the door, and a host certificate is trusted by @cert-authority', async () => {
    const [users, hosts, mine] = await Promise.all([
      makeKey(place.file('user-ca')),
      makeKey(place.file('host-ca')),
      makeKey(place.file('mine')),
    ])
    const hostKey = join(
      rig.dir,
      'sshd',
      readdirSync(join(rig.dir, 'sshd')).find((it) => /ed25519.*\.pub$/.test(it)) ?? '',
    )
    writeFileSync(place.file('host.pub'), readFileSync(hostKey))
    keygen('-s', hosts.file, '-I', 'rig', '-h', '-n', '127.0.0.1', place.file('host.pub'))
    keygen('-s', users.file, '-I', 'operator', '-n', rig.ssh.user, `${mine.file}.pub`)
    await chmod(place.dir, 0o755)
    await chmod(`${users.file}.pub`, 0o644)
    await chmod(place.file('host-cert.pub'), 0o644)
    await using _ = await sshdWith(rig, [
      `TrustedUserCAKeys ${users.file}.pub`,
      `HostCertificate ${place.file('host-cert.pub')}`,
    ])
    writeFileSync(place.file('known'), `@cert-authority [127.0.0.1]:${rig.ssh.port} ${hosts.line}\n`)
    const changes = { identity: mine.file, known_hosts: place.file('known') }
    await opensBySsh(changes, 'host-key-unknown')
  })

  test.skipIf(!existsSync(authenticator) && !process.env.CI)(
    'a FIDO key, of an authenticator in software',
    async () => {
      const key = place.file('fido')
      keygen('-t', 'ecdsa-sk', '-w', authenticator, '-N', '', '-f', key)
      appendFileSync(join(rig.dir, 'sshd/authorized_keys'), readFileSync(`${key}.pub`))
      writeFileSync(place.file('ssh_config'), `SecurityKeyProvider ${authenticator}\n`)
      const changes = { identity: key, ssh_config: place.file('ssh_config') }
      await opensBySsh(changes, 'key-unsupported')
    },
  )

  test('what ssh says of a login that fails is told, by the code that the same has otherwise', async () => {
    const stranger = await makeKey(place.file('stranger'))
    const { message, hint } = faultOf(await list({ identity: stranger.file }), 5, 'auth-refused')
    expect(message).toContain('Permission denied')
    expect(hint).toContain('ssh -v')
    writeFileSync(place.file('none'), '')
    faultOf(await list({ known_hosts: place.file('none') }), 5, 'host-key-unknown')
    faultOf(await list({ ssh: `${rig.ssh.user}@127.0.0.1:1` }), 5, 'ssh-refused')
  })
})

test('where ssh writes host keys to nowhere, the hint names a file of its own', async () => {
  await using place = await scratch()
  await using rig = { it: await startRig(), [Symbol.asyncDispose]: async () => {} }
  try {
    const env = await entryFor(place, rig.it, { known_hosts: '/dev/null' })
    const { hint } = faultOf(await run(rig.it, ['account', 'list', '--json'], { env }), 5, 'host-key-unknown')
    expect(hint).toContain(`ssh-keyscan -p ${rig.it.ssh.port} 127.0.0.1 >>`)
    expect(hint).toContain('“known_hosts: ')
  } finally {
    await rig.it.stop()
  }
})
