import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { appendFile, chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endProcesses } from '../../../rig/process/processes.ts'
import { addOperator, type Operator } from '../../../rig/ssh/operator.ts'
import { findSshd, makeKeys, type Sshd, startSshd } from '../../../rig/ssh/sshd.ts'
import { openSsh } from '../../../src/ssh/connect/node-ssh.ts'
import { openBySsh } from '../../../src/ssh/openssh/open.ts'
import { ask } from '../../../src/ssh/shell.ts'
import { resolveTarget } from '../../../src/ssh/target/resolve-target.ts'
import { failureOf } from '../../support/failing.ts'
import { type Scratch, scratch } from '../../support/scratch.ts'

const run = promisify(execFile)
const keygen = (...words: readonly string[]) => run('ssh-keygen', ['-q', ...words])

/** The security key in software that the tests of OpenSSH itself use (Debian's openssh-tests). */
const softwareKey = '/usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so'

describe.runIf(findSshd() !== undefined)('what only OpenSSH can use, with a real sshd', () => {
  let place: Scratch
  let operator: Operator
  let sshd: Sshd

  beforeAll(async () => {
    place = await scratch()
    await chmod(place.dir, 0o755)
    await makeKeys(place.dir, place.file('plain'))
    for (const name of ['user-ca', 'host-ca', 'mine'])
      await keygen('-t', 'ed25519', '-N', '', '-f', place.file(name))
    const name = `kimbia-ssh-${randomBytes(4).toString('hex')}`
    operator = await addOperator(name, place.dir, '/usr/bin', 'none')
    const user = operator.name
    await keygen('-s', place.file('user-ca'), '-I', 'me', '-n', user, place.file('mine.pub'))
    await keygen('-s', place.file('host-ca'), '-I', 'box', '-h', '-n', '127.0.0.1', hostKey())
    const authority = await readFile(place.file('user-ca.pub'), 'utf8')
    await writeFile(place.file('authorized_keys'), `cert-authority,principals="${user}" ${authority}`)
    sshd = await startSshd(place.dir, user, '/usr/bin', [
      `HostCertificate ${hostKey().replace(/\.pub$/, '-cert.pub')}`,
    ])
  }, 60_000)

  afterAll(async () => {
    await endProcesses({
      root: sshd?.child?.pid,
      uid: process.getuid?.() === 0 ? operator?.uid : undefined,
    })
    await operator?.remove()
    await place?.[Symbol.asyncDispose]()
  })

  const hostKey = () => join(place.dir, 'host_ed25519_key.pub')

  /** An ssh_config for the host `box`, with these lines of its own. */
  const config = async (name: string, lines: readonly string[]) => {
    const known = `@cert-authority [127.0.0.1]:${sshd.port} ${await readFile(place.file('host-ca.pub'), 'utf8')}`
    await writeFile(place.file('kh'), known)
    const file = place.file(name)
    const common = [
      'Host box',
      'HostName 127.0.0.1',
      `Port ${sshd.port}`,
      `User ${operator.name}`,
      `UserKnownHostsFile ${place.file('kh')}`,
      'GlobalKnownHostsFile none',
      'IdentityAgent none',
    ]
    await writeFile(file, `${[...common, ...lines].join('\n')}\n`)
    return file
  }

  const whoIsThere = async (sshConfig: string) => {
    const target = await resolveTarget('box', { sshConfig })
    const session = await openBySsh(target, { asked: { sshConfig }, person: 'no' })
    try {
      return (await session.ask(ask`echo in`)).stdout
    } finally {
      await session.dispose()
    }
  }

  test('a certificate of the user, at a host that a certificate authority vouches for', async () => {
    const sshConfig = await config('cert', [`IdentityFile ${place.file('mine')}`])
    expect(await whoIsThere(sshConfig)).toBe('in\n')
    // The other way to connect can do neither, and says what can.
    const failure = await failureOf(openSsh(await resolveTarget('box', { sshConfig })))
    expect(failure).toMatchObject({ code: 'host-key-unknown' })
    expect(failure.hint).toContain('transport: openssh')
  })

  test('a host that another authority vouches for is not known', async () => {
    const sshConfig = await config('other', [`IdentityFile ${place.file('mine')}`])
    await writeFile(
      place.file('kh'),
      `@cert-authority * ${await readFile(place.file('user-ca.pub'), 'utf8')}`,
    )
    expect(await failureOf(whoIsThere(sshConfig))).toMatchObject({ code: 'host-key-unknown' })
  })

  test.runIf(existsSync(softwareKey))('a FIDO key', async () => {
    await keygen('-t', 'ed25519-sk', '-w', softwareKey, '-N', '', '-f', place.file('sk'))
    await appendFile(place.file('authorized_keys'), await readFile(place.file('sk.pub'), 'utf8'))
    const lines = [`IdentityFile ${place.file('sk')}`, `SecurityKeyProvider ${softwareKey}`]
    expect(await whoIsThere(await config('fido', lines))).toBe('in\n')
  })

  test.runIf(existsSync(softwareKey))('a FIDO key that is not plugged in is named', async () => {
    const lines = [`IdentityFile ${place.file('sk')}`, 'SecurityKeyProvider /nowhere/key.so']
    const failure = await failureOf(whoIsThere(await config('no-sk', lines)))
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'auth-refused' })
    expect(failure.message).toContain('signing failed')
  })
})
