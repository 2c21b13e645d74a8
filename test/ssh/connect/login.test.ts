import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmod, copyFile, readFile, rm, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type ServerOptions, type SshServer, startSshServer } from '../../../rig/ssh/ssh-server.ts'
import { Failure } from '../../../src/base/failure.ts'
import { Secret } from '../../../src/base/secret.ts'
import { type OpenOptions, openSsh } from '../../../src/ssh/connect/node-ssh.ts'
import { ask } from '../../../src/ssh/shell.ts'
import type { Target } from '../../../src/ssh/target/target.ts'
import { failureOf } from '../../support/failing.ts'
import { type Scratch, scratch } from '../../support/scratch.ts'
import { freshKey, hashHosts, type MadeKey, makeKey, securityKeyFile } from '../../support/ssh-keys.ts'
import { targetAt } from '../../support/ssh-target.ts'
import { startUnwillingAgent } from '../../support/unwilling-agent.ts'

const run = promisify(execFile)

let place: Scratch
let good: MadeKey
let other: MadeKey
let locked: MadeKey
const passphrase = 'correct hörse'

beforeAll(async () => {
  place = await scratch()
  ;[good, other, locked] = await Promise.all([
    makeKey(place.file('good')),
    makeKey(place.file('other')),
    makeKey(place.file('locked'), { passphrase }),
  ])
}, 30_000)

afterAll(() => place?.[Symbol.asyncDispose]())

const admits = (...keys: MadeKey[]) => ({
  admits: (blob: Buffer) => keys.some((key) => key.blob.equals(blob)),
})

/** A server, and how to log in to it with its host key known unless told otherwise. */
async function withServer(
  options: ServerOptions,
  use: (
    login: (parts?: Partial<Target>, open?: OpenOptions) => Promise<string>,
    server: SshServer,
  ) => Promise<void>,
): Promise<void> {
  await using server = await startSshServer(options)
  const knownHosts = place.file(`known-${server.port}`)
  await writeFile(knownHosts, `[127.0.0.1]:${server.port} ${server.hostKey}\n`)
  await use(async (parts = {}, open = {}) => {
    const session = await openSsh(targetAt(server.port, { userKnownHosts: [knownHosts], ...parts }), open)
    try {
      return (await session.ask(ask`echo in`)).stdout.trim()
    } finally {
      await session.dispose()
    }
  }, server)
}

describe('the host key', () => {
  const identities = () => ({ identities: [good.file] })
  const written = async (name: string, text: string) => {
    await writeFile(place.file(name), text)
    return { ...identities(), userKnownHosts: [place.file(name)] }
  }
  const fingerprintOf = async (line: string) => {
    await writeFile(place.file('line.pub'), `${line}\n`)
    return (await run('ssh-keygen', ['-lf', place.file('line.pub')])).stdout.split(' ')[1] ?? '?'
  }

  test('is accepted when it is known', () =>
    withServer({}, async (login) => {
      expect(await login(identities())).toBe('in')
    }))

  test('is accepted from the global file, with the user’s own missing', () =>
    withServer({}, async (login, { hostKey }) => {
      const { userKnownHosts: globalKnownHosts } = await written('global', `* ${hostKey}\n`)
      expect(await login({ ...identities(), userKnownHosts: [place.file('none')], globalKnownHosts })).toBe(
        'in',
      )
    }))

  test('is accepted when it is hashed', () =>
    withServer({}, async (login, { hostKey, port }) => {
      const target = await written('hashed', `[127.0.0.1]:${port} ${hostKey}\n`)
      await hashHosts(place.file('hashed'))
      expect(await login(target)).toBe('in')
    }))

  test('is looked up by its alias', () =>
    withServer({}, async (login, { hostKey }) => {
      const target = await written('alias', `box.example ${hostKey}\n`)
      expect(await login({ ...target, hostKeyAlias: 'box.example' })).toBe('in')
    }))

  test('is asked for by the type that is known, when the server has several', async () => {
    const keys = await Promise.all([freshKey('ed25519'), freshKey('rsa'), freshKey('ecdsa')])
    await withServer({ hostKeys: keys.map((key) => key.privateKey) }, async (login, { port }) => {
      for (const { line } of keys) {
        expect(await login(await written('several', `[127.0.0.1]:${port} ${line}\n`))).toBe('in')
      }
    })
  })

  test('unknown: refused, with its fingerprint and how to accept it', () =>
    withServer({}, async (login, { hostKey, port, offered }) => {
      const failure = await failureOf(login({ ...(await written('empty', '')), user: 'ops' }))
      expect(failure).toMatchObject({ outcome: 'unreachable', code: 'host-key-unknown' })
      expect(failure.message).toContain(`[127.0.0.1]:${port}`)
      expect(failure.message).toContain('ssh-ed25519')
      expect(failure.message).toContain(await fingerprintOf(hostKey))
      expect(failure.hint).toContain(
        `ssh -o UserKnownHostsFile=${place.file('empty')} -p ${port} ops@127.0.0.1`,
      )
      expect(offered).toEqual([])
    }))

  test('unknown, with no file at all', () =>
    withServer({}, async (login) => {
      const failure = await failureOf(login({ ...identities(), userKnownHosts: [place.file('none')] }))
      expect(failure).toMatchObject({ code: 'host-key-unknown' })
    }))

  test('unknown, while another type of key is known: both are named', () =>
    withServer({}, async (login, { port }) => {
      const { line } = await freshKey('ecdsa')
      const failure = await failureOf(login(await written('other-type', `[127.0.0.1]:${port} ${line}\n`)))
      expect(failure).toMatchObject({ code: 'host-key-unknown' })
      expect(failure.message).toContain(`ecdsa-sha2-nistp256 (${place.file('other-type')}:1)`)
    }))

  test('changed: refused, naming file and line', () =>
    withServer({}, async (login, { port, offered }) => {
      const target = await written('changed', `# one\n[127.0.0.1]:${port} ${other.line}\n`)
      const failure = await failureOf(login(target))
      expect(failure).toMatchObject({ outcome: 'unreachable', code: 'host-key-changed' })
      expect(failure.message).toContain(`${place.file('changed')}:2`)
      expect(failure.message).toContain(other.fingerprint)
      expect(failure.hint).toContain(`ssh-keygen -R '[127.0.0.1]:${port}' -f ${place.file('changed')}`)
      expect(offered).toEqual([])
    }))

  test('revoked: refused, though another line knows it', () =>
    withServer({}, async (login, { hostKey, port }) => {
      const target = await written('revoked', `[127.0.0.1]:${port} ${hostKey}\n@revoked * ${hostKey}\n`)
      expect(await failureOf(login(target))).toMatchObject({
        outcome: 'unreachable',
        code: 'host-key-revoked',
      })
    }))

  describe('in RevokedHostKeys', () => {
    const revokedIn = (name: string) => ({ ...identities(), revokedHostKeys: [place.file(name)] })

    test('is refused, though known_hosts knows it', () =>
      withServer({}, async (login, { hostKey, offered }) => {
        await writeFile(place.file('rhk'), `# lost\n\n${other.line} old\n  ${hostKey} stolen\n`)
        const failure = await failureOf(login(revokedIn('rhk')))
        expect(failure).toMatchObject({ outcome: 'unreachable', code: 'host-key-revoked' })
        expect(failure.message).toContain(`${place.file('rhk')}:4`)
        expect(offered).toEqual([])
      }))

    test('another key does no harm to this one', () =>
      withServer({}, async (login) => {
        await writeFile(place.file('rhk-other'), `${other.line}\r\n`)
        expect(await login(revokedIn('rhk-other'))).toBe('in')
      }))

    test('a file that is not there lets no host pass', () =>
      withServer({}, async (login) => {
        const failure = await failureOf(login(revokedIn('no-rhk')))
        expect(failure).toMatchObject({ outcome: 'unreachable', code: 'revoked-keys-unreadable' })
        expect(failure.message).toContain(`${place.file('no-rhk')} (ENOENT)`)
      }))

    test('nor does one that is no list of keys', () =>
      withServer({}, async (login) => {
        await writeFile(place.file('rhk-odd'), `${other.line}\n@revoked * ${other.line}\n`)
        const failure = await failureOf(login(revokedIn('rhk-odd')))
        expect(failure).toMatchObject({ outcome: 'unreachable', code: 'revoked-keys-unreadable' })
        expect(failure.message).toContain(`${place.file('rhk-odd')}:2`)
      }))

    test('nor does a binary list by ssh-keygen, which we cannot read', () =>
      withServer({}, async (login) => {
        await run('ssh-keygen', ['-q', '-k', '-f', place.file('krl'), `${other.file}.pub`])
        const failure = await failureOf(login(revokedIn('krl')))
        expect(failure).toMatchObject({ outcome: 'unreachable', code: 'revoked-keys-unsupported' })
        expect(failure.message).toContain(place.file('krl'))
        expect(failure.hint).toContain('@revoked')
      }))
  })

  test('a certificate authority is not supported, and that is said', () =>
    withServer({}, async (login) => {
      const failure = await failureOf(login(await written('ca', `@cert-authority * ${other.line}\n`)))
      expect(failure).toMatchObject({ code: 'host-key-unknown' })
      expect(failure.hint).toMatch(/:1 trusts a certificate authority/)
    }))

  test('a file that cannot be read closes the door, though another knows the key', () =>
    withServer({}, async (login, { hostKey }) => {
      const { userKnownHosts } = await written('readable', `* ${hostKey}\n`)
      // A directory is unreadable to root as well.
      const failure = await failureOf(
        login({ ...identities(), userKnownHosts: [place.dir, ...userKnownHosts] }),
      )
      expect(failure).toMatchObject({ outcome: 'unreachable', code: 'known-hosts-unreadable' })
      expect(failure.message).toContain(place.dir)
    }))
})

describe('key files', () => {
  test('are tried in order, those that are missing left out', () =>
    withServer(admits(good), async (login, { offered }) => {
      expect(await login({ identities: [place.file('none'), other.file, good.file] })).toBe('in')
      expect(offered).toEqual([other.blob, good.blob])
    }))

  test.each(['rsa', 'ecdsa'] as const)('of type %s work', async (type) => {
    const key = await makeKey(place.file(type), { type })
    await withServer(admits(key), async (login) => expect(await login({ identities: [key.file] })).toBe('in'))
  })

  test.each(['rsa', 'ecdsa'] as const)(
    'in the old PEM form of type %s work, with and without a passphrase',
    async (type) => {
      const open = await makeKey(place.file(`pem-${type}`), { type, form: 'PEM' })
      const shut = await makeKey(place.file(`pem-locked-${type}`), { type, form: 'PEM', passphrase })
      // Without its .pub beside it, a locked PEM file does not show what key it is.
      await rm(`${shut.file}.pub`)
      await withServer(admits(open, shut), async (login) => {
        expect(await login({ identities: [open.file] })).toBe('in')
        const askPassphrase = async () => new Secret(passphrase)
        expect(await login({ identities: [shut.file] }, { askPassphrase })).toBe('in')
        expect(await failureOf(login({ identities: [shut.file] }))).toMatchObject({ code: 'key-encrypted' })
      })
    },
  )

  test('all refused: what was tried is told', () =>
    withServer(admits(), async (login) => {
      const failure = await failureOf(login({ identities: [other.file, good.file], user: 'ops' }))
      expect(failure).toMatchObject({ outcome: 'unreachable', code: 'auth-refused' })
      expect(failure.message).toMatch(new RegExp(`ops@127.*tried ${other.file}, ${good.file}`))
    }))

  test('none to try: that is told', () =>
    withServer({}, async (login) => {
      const failure = await failureOf(login({ identities: [place.file('none')] }))
      expect(failure).toMatchObject({ code: 'auth-refused' })
      expect(failure.message).toContain('there was none to try')
    }))

  test('a server that hangs up after too many is a refusal', () =>
    withServer({ ...admits(), maxAuthTries: 2 }, async (login) => {
      const failure = await failureOf(login({ identities: [other.file, good.file] }))
      expect(failure).toMatchObject({ code: 'auth-refused' })
    }))

  test('a private key that others may read is not used', () =>
    withServer({}, async (login, { offered }) => {
      const loose = place.file('loose')
      await copyFile(good.file, loose)
      await chmod(loose, 0o644)
      const failure = await failureOf(login({ identities: [loose] }))
      expect(failure).toMatchObject({
        outcome: 'unreachable',
        code: 'key-permissions',
        hint: `chmod 600 ${loose}`,
      })
      expect(offered).toEqual([])
      expect(await login({ identities: [loose, good.file] })).toBe('in')
    }))

  test('a security key alone is named for what it is; with another it is passed over', () =>
    withServer(admits(good), async (login) => {
      const file = place.file('sk')
      await writeFile(file, securityKeyFile().text, { mode: 0o600 })
      const failure = await failureOf(login({ identities: [file] }))
      expect(failure).toMatchObject({ outcome: 'unreachable', code: 'key-unsupported' })
      expect(failure.message).toContain(`${file} is a FIDO security key`)
      expect(await login({ identities: [file, good.file] })).toBe('in')
      const refused = await failureOf(login({ identities: [file, other.file] }))
      expect(refused).toMatchObject({ code: 'auth-refused' })
      expect(refused.message).toContain('FIDO')
    }))

  test.each([
    ['PuTTY', 'PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n', 'key-unsupported', 'PuTTY'],
    ['garbage', 'hello\n', 'key-invalid', 'does not hold a private key'],
    ['an empty file', '', 'key-invalid', 'does not hold a private key'],
    ['a cut off key', undefined, 'key-invalid', 'does not hold a private key'],
  ])('%s has a clear word', async (_what, text, code, words) => {
    const file = place.file('strange')
    await writeFile(file, text ?? (await readFile(good.file, 'utf8')).slice(0, 120), { mode: 0o600 })
    await withServer({}, async (login) => {
      const failure = await failureOf(login({ identities: [file] }))
      expect(failure).toMatchObject({ outcome: 'unreachable', code })
      expect(failure.message).toContain(`${file} `)
      expect(failure.message).toContain(words)
    })
  })

  test('a PKCS#8 key has a clear word', async () => {
    const key = await makeKey(place.file('pkcs8'), { type: 'rsa', form: 'PKCS8' })
    await withServer({}, async (login) => {
      const failure = await failureOf(login({ identities: [key.file] }))
      expect(failure).toMatchObject({ code: 'key-unsupported' })
      expect(failure.hint).toContain(`ssh-keygen -p -f ${key.file}`)
    })
  })
})

describe('a key with a passphrase', () => {
  test('opens with it, asked for by file', () =>
    withServer(admits(locked), async (login) => {
      const askPassphrase = vi.fn(async (_file: string) => new Secret(passphrase))
      expect(await login({ identities: [locked.file] }, { askPassphrase })).toBe('in')
      expect(askPassphrase.mock.calls).toEqual([[locked.file]])
    }))

  test('is not asked for when another key comes first, or the server does not take it', async () => {
    const askPassphrase = vi.fn(async (_file: string) => new Secret(passphrase))
    await withServer(admits(good, locked), async (login) => {
      expect(await login({ identities: [good.file, locked.file] }, { askPassphrase })).toBe('in')
    })
    await withServer(admits(good), async (login) => {
      expect(await login({ identities: [locked.file, good.file] }, { askPassphrase })).toBe('in')
    })
    expect(askPassphrase).not.toHaveBeenCalled()
  })

  test('with nobody to ask, says what to do', () =>
    withServer(admits(locked), async (login) => {
      const failure = await failureOf(login({ identities: [locked.file] }))
      expect(failure).toMatchObject({ outcome: 'unreachable', code: 'key-encrypted' })
      expect(failure.hint).toContain(`ssh-add ${locked.file}`)
    }))

  test('with nobody to ask, the next key has its turn', () =>
    withServer(admits(locked, good), async (login, { signed }) => {
      expect(await login({ identities: [locked.file, good.file] })).toBe('in')
      expect(signed).toEqual([good.blob])
    }))

  test('given wrong, says so and not the word', () =>
    withServer(admits(locked), async (login) => {
      const askPassphrase = async () => new Secret('wrong one')
      const failure = await failureOf(login({ identities: [locked.file] }, { askPassphrase }))
      expect(failure).toMatchObject({ outcome: 'unreachable', code: 'key-passphrase' })
      expect(failure.message).toContain(locked.file)
      expect(JSON.stringify([failure.message, failure.hint])).not.toContain('wrong one')
    }))

  test('that the operator will not give ends the matter, for their own reason', () =>
    withServer(admits(locked, good), async (login, { signed }) => {
      const no = new Failure({ outcome: 'declined', code: 'no-passphrase', message: 'not today' })
      const askPassphrase = vi.fn(() => Promise.reject(no))
      const failure = await failureOf(login({ identities: [locked.file, good.file] }, { askPassphrase }))
      expect(failure).toBe(no)
      expect(signed).toEqual([])
    }))

  test('may take longer to type than the server may take to answer', () =>
    withServer(admits(locked), async (login) => {
      const slow = () =>
        new Promise<Secret>((resolve) => setTimeout(() => resolve(new Secret(passphrase)), 1500))
      expect(await login({ identities: [locked.file] }, { askPassphrase: slow, timeout: 1000 })).toBe('in')
    }))
})

describe('an agent', () => {
  let agent: ChildProcess
  const socket = () => place.file('agent.sock')
  const load = (file: string) =>
    run('ssh-add', ['-q', file], { env: { ...process.env, SSH_AUTH_SOCK: socket() } })
  const unload = () => run('ssh-add', ['-q', '-D'], { env: { ...process.env, SSH_AUTH_SOCK: socket() } })

  beforeAll(async () => {
    agent = spawn('ssh-agent', ['-D', '-a', socket()], { stdio: 'ignore' })
    await vi.waitFor(() => run('ssh-add', ['-D'], { env: { ...process.env, SSH_AUTH_SOCK: socket() } }))
  })

  afterAll(() => void agent?.kill())

  test('signs with its key, of any type', async () => {
    const rsa = await makeKey(place.file('agent-rsa'), { type: 'rsa' })
    const ecdsa = await makeKey(place.file('agent-ecdsa'), { type: 'ecdsa' })
    for (const key of [good, rsa, ecdsa]) {
      await load(key.file)
      await withServer(admits(key), async (login) => expect(await login({ agent: socket() })).toBe('in'))
      await unload()
    }
  })

  test('goes before files, its configured keys first', async () => {
    await load(other.file)
    await load(good.file)
    await withServer(admits(locked), async (login, { offered }) => {
      await failureOf(login({ agent: socket(), identities: [locked.file, good.file] }))
      expect(offered).toEqual([good.blob, other.blob, locked.blob])
    })
    await unload()
  })

  test('only its configured keys with IdentitiesOnly', async () => {
    await load(other.file)
    await load(good.file)
    await withServer(admits(), async (login, { offered }) => {
      await failureOf(login({ agent: socket(), identities: [good.file], identitiesOnly: 'yes' }))
      expect(offered).toEqual([good.blob])
    })
    await unload()
  })

  test('has the private half of a key of which only the .pub is here', async () => {
    await load(good.file)
    await copyFile(`${good.file}.pub`, place.file('half.pub'))
    await withServer(admits(good), async (login) => {
      expect(await login({ agent: socket(), identities: [place.file('half')], identitiesOnly: 'yes' })).toBe(
        'in',
      )
    })
    await unload()
  })

  test('serves for a key file that would need a passphrase', async () => {
    const { file } = await makeKey(place.file('for-agent'))
    await load(file)
    await run('ssh-keygen', ['-q', '-p', '-P', '', '-N', passphrase, '-f', file])
    await withServer({}, async (login) =>
      expect(await login({ agent: socket(), identities: [file] })).toBe('in'),
    )
    await unload()
  })

  test('that is not there is passed over', () =>
    withServer(admits(good), async (login) => {
      expect(await login({ agent: place.file('no.sock'), identities: [good.file] })).toBe('in')
    }))

  test('that will not sign is passed over, and told of when nothing else works', async () => {
    await using _ = await startUnwillingAgent(place.file('unwilling'), good.blob)
    await withServer(admits(good, other), async (login) => {
      const agent = place.file('unwilling')
      expect(await failureOf(login({ agent }))).toMatchObject({
        outcome: 'unreachable',
        code: 'agent-refused',
      })
      expect(await login({ agent, identities: [other.file] })).toBe('in')
    })
  })
})
