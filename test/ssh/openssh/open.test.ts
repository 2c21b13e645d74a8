import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { type SshServer, startSshServer } from '../../../rig/ssh/ssh-server.ts'
import { type OpenSshOptions, openBySsh } from '../../../src/ssh/openssh/open.ts'
import { ask } from '../../../src/ssh/shell.ts'
import type { Target } from '../../../src/ssh/target/target.ts'
import { failureOf } from '../../support/failing.ts'
import { operatorOfFile } from '../../support/operator-key.ts'
import { closedPort, listen } from '../../support/relay.ts'
import { scratchForAll } from '../../support/scratch.ts'
import { makeKey } from '../../support/ssh-keys.ts'
import { targetAt } from '../../support/ssh-target.ts'

const operator = operatorOfFile()
const hasSsh = ['/usr/bin/ssh', '/usr/local/bin/ssh', '/opt/homebrew/bin/ssh'].some(existsSync)
const eventually = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 50 })

const aimed = (port: number, parts: Partial<Target> = {}): Target =>
  targetAt(port, { destination: `operator@127.0.0.1:${port}`, ...parts })

const open = (target: Target, options: Partial<OpenSshOptions> = {}) =>
  openBySsh(target, {
    asked: { identity: target.identities[0], knownHosts: target.userKnownHosts[0] },
    person: 'no',
    ...options,
  })

const refused = (target: Target, options: Partial<OpenSshOptions> = {}) => failureOf(open(target, options))

const knownTo = (server: SshServer) => operator.knownTo(server, server.port)

/** The processes that hold or share a connection to a port. */
const running = (word: string): string[] =>
  execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes('ssh') && line.includes(word))

describe.runIf(hasSsh)('no connection by the system’s ssh', () => {
  test('without an ssh program', async () => {
    const failure = await refused(aimed(1), { ssh: '/nowhere/ssh' })
    expect(failure).toMatchObject({ outcome: 'usage', code: 'no-ssh-client' })
    expect(failure.hint).toContain('transport')
  })

  test('a closed port', async () => {
    const port = await closedPort()
    const failure = await refused(aimed(port))
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'ssh-refused' })
    expect(failure.message).toContain(String(port))
  })

  test('a name without an address', async () => {
    const host = 'no-such-host.invalid'
    expect(await refused(aimed(22, { host, destination: host }))).toMatchObject({ code: 'host-not-found' })
  })

  test('something else in place of sshd', async () => {
    await using other = await listen((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    expect(await refused(aimed(other.port))).toMatchObject({ outcome: 'unreachable', code: 'ssh-handshake' })
  })

  test('a port that takes connections and says nothing', async () => {
    await using silent = await listen(() => {})
    expect(await refused(aimed(silent.port), { timeout: 300 })).toMatchObject({ code: 'ssh-timeout' })
  })

  test('an unknown host key is told with its fingerprint, and never accepted', async () => {
    await using server = await startSshServer()
    await using place = await scratchForAll()
    const target = aimed(server.port, { identities: [operator.key.file], userKnownHosts: [place.file('kh')] })
    const failure = await refused(target)
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'host-key-unknown' })
    expect(failure.message).toMatch(/SHA256:[A-Za-z0-9+/]{43}/)
    expect(existsSync(place.file('kh'))).toBe(false)
  })

  test('a changed host key', async () => {
    await using server = await startSshServer()
    await using place = await scratchForAll()
    const { line } = await makeKey(place.file('other'), { type: typeOf(server) })
    await writeFile(place.file('kh'), `[127.0.0.1]:${server.port} ${line}\n`)
    const target = aimed(server.port, { identities: [operator.key.file], userKnownHosts: [place.file('kh')] })
    expect(await refused(target)).toMatchObject({ outcome: 'unreachable', code: 'host-key-changed' })
  })

  test('no key that is accepted', async () => {
    await using server = await startSshServer({ admits: () => false })
    const failure = await refused(aimed(server.port, await knownTo(server)))
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'auth-refused' })
    expect(failure.message).toContain(operator.key.file)
  })

  test('Ctrl-C while it connects', async () => {
    const abort = new AbortController()
    await using silent = await listen(() => abort.abort())
    expect(await refused(aimed(silent.port), { signal: abort.signal })).toMatchObject({
      outcome: 'interrupted',
    })
    await eventually(() => expect(running(`-p ${silent.port} `)).toEqual([]))
  })
})

const typeOf = ({ hostKey }: SshServer) => (hostKey.startsWith('ssh-rsa') ? 'rsa' : 'ed25519')

describe.runIf(hasSsh)('what is left behind', () => {
  test('nothing after it is closed', async () => {
    await using server = await startSshServer()
    const session = await open(aimed(server.port, await knownTo(server)))
    await session.ask(ask`true`)
    expect(running(`-p ${server.port} `).length).toBeGreaterThan(0)
    await session.dispose()
    await eventually(() => expect(running(`-p ${server.port} `)).toEqual([]))
  })

  test('when the ssh that holds the connection is killed, the link is lost', async () => {
    await using server = await startSshServer()
    const session = await open(aimed(server.port, await knownTo(server)))
    const talk = await session.converse(ask`cat`)
    expect(await talk.say('a')).toBe('a')
    const [master] = running(`-p ${server.port} `).filter(
      (line) => / \S*ssh /.test(line) && !/ sh -c/.test(line),
    )
    process.kill(Number.parseInt(master ?? '', 10), 'SIGKILL')
    const lost = { outcome: 'unreachable', code: 'link-lost' }
    expect(await failureOf(talk.say('b'))).toMatchObject(lost)
    expect(await failureOf(session.ask(ask`true`))).toMatchObject(lost)
    expect(await failureOf(session.tunnel(server.port))).toMatchObject(lost)
    await session.dispose()
  })

  test('nothing when this process is killed', async () => {
    await using server = await startSshServer()
    await using place = await scratchForAll()
    await chmod(place.dir, 0o700)
    const target = aimed(server.port, await knownTo(server))
    const root = join(import.meta.dirname, '../../..')
    const script = `const { openBySsh } = await import(${JSON.stringify(join(root, 'src/ssh/openssh/open.ts'))})
const session = await openBySsh(${JSON.stringify(target)}, ${JSON.stringify({
      asked: { identity: target.identities[0], knownHosts: target.userKnownHosts[0] },
      person: 'no',
    })})
for await (const line of session.lines({ effect: 'ask', line: 'echo up; exec cat' })) console.log(line)`
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, TMPDIR: place.dir },
      },
    )
    await once(child.stdout, 'data')
    const folders = () => readdirSync(place.dir).filter((name) => name.startsWith('kimbia-ssh-'))
    expect(folders()).toHaveLength(1)
    child.kill('SIGKILL')
    await eventually(() => {
      expect(running(place.dir)).toEqual([])
      expect(folders()).toEqual([])
    })
  }, 20_000)
})
