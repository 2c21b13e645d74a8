import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type ServerOptions, type SshServer, startSshServer } from '../../../rig/ssh/ssh-server.ts'
import { Secret } from '../../../src/base/secret.ts'
import { quote } from '../../../src/base/shell-words.ts'
import { jumpCommand } from '../../../src/ssh/connect/dial.ts'
import { type OpenOptions, openSsh } from '../../../src/ssh/connect/node-ssh.ts'
import type { Session } from '../../../src/ssh/session.ts'
import { act, ask } from '../../../src/ssh/shell.ts'
import { resolveTarget } from '../../../src/ssh/target/resolve-target.ts'
import type { Target } from '../../../src/ssh/target/target.ts'
import { failureOf } from '../../support/failing.ts'
import { operatorOfFile } from '../../support/operator-key.ts'
import { blackHole, closedPort, listen, relayTo } from '../../support/relay.ts'
import { makeKey } from '../../support/ssh-keys.ts'
import { targetAt } from '../../support/ssh-target.ts'

const operator = operatorOfFile()
const knownTo = (server: SshServer, port = server.port) => operator.knownTo(server, port)

async function withSession(
  options: ServerOptions,
  use: (session: Session, server: SshServer) => Promise<void>,
  open: OpenOptions = {},
): Promise<void> {
  await using server = await startSshServer(options)
  const session = await openSsh(targetAt(server.port, await knownTo(server)), open)
  try {
    await use(session, server)
  } finally {
    await session.dispose()
  }
}

const open = (port: number, parts: Partial<Target> = {}, options: OpenOptions = {}) =>
  failureOf(openSsh(targetAt(port, parts), options))

describe('no connection', () => {
  test('a closed port', async () => {
    const port = await closedPort()
    const failure = await open(port)
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'ssh-refused' })
    expect(failure.message).toContain(`127.0.0.1 port ${port}`)
    expect(failure.hint).toBeTruthy()
  })

  test('a name without an address', async () => {
    const failure = await open(22, { host: 'no-such-host.invalid' })
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'host-not-found' })
    expect(failure.message).toContain('no-such-host.invalid')
  })

  test('a port that takes connections and says nothing', async () => {
    await using silent = await listen(() => {})
    const failure = await open(silent.port, {}, { timeout: 100 })
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'ssh-timeout' })
    expect(failure.message).toMatch(/speaks no SSH within 0.1 s/)
  })

  test('ConnectTimeout of the ssh_config counts', async () => {
    await using silent = await listen(() => {})
    expect((await open(silent.port, { connectTimeout: 1 })).message).toContain('within 1 s')
  })

  test.runIf(process.platform === 'linux')('an address that never answers', async () => {
    await using hole = await blackHole()
    const failure = await open(hole.port, {}, { timeout: 100 })
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'ssh-timeout' })
    expect(failure.message).toContain(`port ${hole.port} did not answer within 0.1 s`)
  })

  test.each([
    ['a web server', 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'],
    ['a mail server', '220 mail.example ESMTP\r\n'],
    ['nothing but a goodbye', ''],
    ['SSH 1', 'SSH-1.5-old\r\n'],
    ['SSH and then noise', `SSH-2.0-odd\r\n${'\0'.repeat(64)}`],
  ])('%s in place of sshd', async (_what, greeting) => {
    await using other = await listen((socket) => socket.end(greeting))
    expect(await open(other.port)).toMatchObject({ outcome: 'unreachable', code: 'ssh-handshake' })
  })

  test('a server that goes silent in the middle of the handshake', async () => {
    await using odd = await listen((socket) => socket.write('SSH-2.0-odd\r\n'))
    expect(await open(odd.port, {}, { timeout: 100 })).toMatchObject({ code: 'ssh-timeout' })
  })

  test('a server that resets the connection while a passphrase is typed', async () => {
    const accepted = Promise.withResolvers<Socket>()
    await using hasty = await listen(accepted.resolve)
    // An old PEM key without its .pub must be unlocked to be known at all.
    const { file } = await makeKey(operator.place.file('pem'), {
      type: 'ecdsa',
      form: 'PEM',
      passphrase: 'typed',
    })
    await rm(`${file}.pub`)
    const askPassphrase = async () => {
      const socket = await accepted.promise
      await sleep(100)
      socket.resetAndDestroy()
      await sleep(100)
      return new Secret('typed')
    }
    const failure = await open(hasty.port, { identities: [file] }, { askPassphrase })
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'ssh-handshake' })
    expect(failure.message).toContain('it closed the connection')
  })

  test('Ctrl-C before it connects', async () => {
    await using never = await listen(() => expect.unreachable())
    expect(await open(never.port, {}, { signal: AbortSignal.abort() })).toMatchObject({
      outcome: 'interrupted',
    })
  })

  test('Ctrl-C while it connects', async () => {
    await using silent = await listen(() => abort.abort())
    const abort = new AbortController()
    expect(await open(silent.port, {}, { signal: abort.signal })).toMatchObject({ outcome: 'interrupted' })
  })
})

describe('a server with a will of its own', () => {
  test('that forwards nothing', () =>
    withSession({ forwarding: 'prohibited' }, async (session) => {
      const failure = await failureOf(session.tunnel(3000))
      expect(failure).toMatchObject({ outcome: 'unreachable', code: 'tunnel-prohibited' })
      expect(failure.hint).toContain('AllowTcpForwarding')
    }))

  test('that runs nothing', () =>
    withSession({ exec: 'refused' }, async (session) => {
      expect(await failureOf(session.ask(ask`true`))).toMatchObject({
        outcome: 'unreachable',
        code: 'command-refused',
      })
    }))

  test('that does not say how it ended: that is no success', () =>
    withSession({ exec: 'close without exit' }, async (session) => {
      expect(await failureOf(session.ask(ask`true`))).toMatchObject({
        outcome: 'unreachable',
        code: 'link-lost',
      })
    }))
})

describe('a terminal', () => {
  test('is asked for when one is wanted, and follows its size', () =>
    withSession({}, async (session, { terminals }) => {
      const screen = Object.assign(new PassThrough(), { rows: 40, columns: 120 })
      const stdin = new PassThrough()
      const tty = { rows: 24, columns: 80, term: 'xterm-test' }
      screen.once('data', () => {
        screen.emit('resize')
        stdin.end('bye\n')
      })
      const code = await session.attach(act`echo up; read x; [ "$x" = bye ]`, {
        stdin,
        stdout: screen,
        stderr: new PassThrough(),
        tty,
      })
      expect(code).toBe(0)
      expect(terminals).toEqual(['xterm-test 24x80', '40x120'])
      expect(screen.listenerCount('resize')).toBe(0)
    }))

  test('is not asked for otherwise', () =>
    withSession({}, async (session, { terminals }) => {
      const own = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }
      await session.attach(act`true`, own)
      expect(terminals).toEqual([])
    }))

  test('is left in raw mode by no end', () =>
    withSession({}, async (session) => {
      const modes: boolean[] = []
      const stdin = Object.assign(new PassThrough(), {
        isTTY: true,
        setRawMode: (on: boolean) => modes.push(on),
      })
      const own = {
        stdin,
        stdout: new PassThrough(),
        stderr: new PassThrough(),
        tty: { rows: 1, columns: 1, term: 'x' },
      }
      const abort = new AbortController()
      own.stdout.once('data', () => abort.abort())
      await failureOf(session.attach(act`echo up; sleep 5`, { ...own, signal: abort.signal }))
      expect(modes).toEqual([true, false])
    }))
})

test('each command is noted with its time, and never its input', async () => {
  const notes: string[] = []
  const note = (line: string, ms?: number) => void notes.push(`${line} ${typeof ms}`)
  await withSession(
    {},
    async (session, { port }) => {
      await session.ask(
        ask`cat >/dev/null
        true`,
        { stdin: 'hidden' },
      )
      await session.act(act`false`)
      await (await session.converse(ask`cat`)).end()
      expect(notes).toEqual([
        `connected to operator@127.0.0.1:${port} number`,
        '$ cat >/dev/null ⏎ true number',
        '$ false number',
        '$ cat number',
      ])
    },
    { note },
  )
})

test('a long script is noted in one short line', async () => {
  const notes: string[] = []
  await withSession(
    {},
    async (session) => {
      const lines = Array.from({ length: 40 }, (_, i) => `echo line ${i}`)
      await session.ask({ effect: 'ask', line: lines.join('\n\n    ') })
    },
    { note: (text) => void notes.push(text) },
  )
  expect(notes[1]).toMatch(/^\$ echo line 0 ⏎ echo line 1 ⏎ .*…$/)
  expect(notes[1]?.length).toBeLessThanOrEqual(100)
})

test('what is attached is named nowhere: its arguments may be secrets', async () => {
  const own = () => ({ stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() })
  const notes: string[] = []
  const note = (text: string, ms?: number) => void notes.push(`${text} ${typeof ms}`)
  await withSession(
    {},
    async (session) => {
      await session.attach(act`echo ${'hunter2'}`, own())
      const abort = new AbortController()
      const streams = { ...own(), signal: abort.signal }
      streams.stdout.once('data', () => abort.abort())
      const stopped = await failureOf(session.attach(act`echo ${'hunter2'}; sleep 60`, streams))
      expect(stopped.message).toMatch(/^interrupted: a program of the host \(on .*\)$/)
    },
    { note },
  )
  expect(notes.slice(1)).toEqual(Array(2).fill('attached a program of the host number'))
  await withSession({ exec: 'close without exit' }, async (session) => {
    const lost = await failureOf(session.attach(act`echo ${'hunter2'}`, own()))
    expect(lost.message).not.toContain('hunter2')
    expect(lost.message).toContain('a program of the host')
  })
})

test('sh runs the commands, whatever the login shell makes of a line', () =>
  withSession({}, async (session, { commands }) => {
    await session.ask(ask`echo ${"it's!\n"}`)
    const [command = '', ...more] = commands
    expect(more).toEqual([])
    expect(command).toMatch(/^sh -c '[ -&(-[\]-~]*' 'sh' '[0-9a-f]{16}' '[^'!]*'$/)
    expect(command).toContain(String.raw`'echo \0047it\0047\0134\0047\0047s\0041\0012\0047'`)
  }))

test('a session says where it leads', () =>
  withSession({}, async (session, { port }) => {
    expect(session.where).toBe(`operator@127.0.0.1:${port}`)
  }))

describe('by a ProxyCommand', () => {
  /** A proxy such as nc, in a few words of Node's. */
  const proxyTo = async (port: number) => {
    const file = operator.place.file(`proxy-${port}.mjs`)
    await writeFile(
      file,
      `import { connect } from 'node:net'
const socket = connect(${port}, '127.0.0.1')
process.stdin.pipe(socket).pipe(process.stdout)
socket.on('error', (error) => { console.error('proxy:', error.code); process.exit(1) })
`,
    )
    return `${quote(process.execPath)} ${quote(file)}`
  }

  test('everything works as over a socket', async () => {
    await using server = await startSshServer()
    await using echo = await listen((socket) => socket.pipe(socket))
    // The host itself is not to be reached: the name counts for its key only.
    const target = targetAt(1, { ...(await knownTo(server, 1)), proxyCommand: await proxyTo(server.port) })
    const session = await openSsh(target)
    const stdin = Buffer.alloc(3_000_000, 'proxied ')
    expect((await session.ask(ask`wc -c`, { stdin })).stdout.trim()).toBe('3000000')
    const stream = await session.tunnel(echo.port)
    stream.end('hello')
    expect(await text(stream)).toBe('hello')
    await session.dispose()
    await session.dispose()
  })

  test('the host key is checked all the same', async () => {
    await using server = await startSshServer()
    const { identities } = await knownTo(server)
    expect(await open(1, { identities, proxyCommand: await proxyTo(server.port) })).toMatchObject({
      code: 'host-key-unknown',
    })
  })

  test('its last words are passed on', async () => {
    const failure = await open(1, { proxyCommand: await proxyTo(await closedPort()) })
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'proxy-failed' })
    expect(failure.message).toContain('proxy: ECONNREFUSED')
  })

  test('one that is not there is named', async () => {
    const failure = await open(1, { proxyCommand: '/nowhere/proxy' })
    expect(failure).toMatchObject({ code: 'proxy-failed' })
    expect(failure.message).toContain('/nowhere/proxy')
  })

  test('when it dies the link is lost', async () => {
    await using server = await startSshServer()
    await using wire = await relayTo(server.port)
    const target = targetAt(1, { ...(await knownTo(server, 1)), proxyCommand: await proxyTo(wire.port) })
    const session = await openSsh(target)
    const talk = await session.converse(ask`cat`)
    expect(await talk.say('a')).toBe('a')
    wire.cut()
    expect(await failureOf(talk.say('b'))).toMatchObject({ code: 'link-lost' })
    expect(await failureOf(session.ask(ask`true`))).toMatchObject({ code: 'link-lost' })
    await session.dispose()
  })
})

describe('by a ProxyJump', () => {
  test.each<[string, string]>([
    ['jump', `ssh -F /cfg -o BatchMode=yes -W '[box]:22' -- jump`],
    ['ann@jump:2200', `ssh -F /cfg -o BatchMode=yes -l ann -p 2200 -W '[box]:22' -- jump`],
    ['a@one:1,two,c@[::1]:3', `ssh -F /cfg -o BatchMode=yes -J a@one:1,two -l c -p 3 -W '[box]:22' -- ::1`],
    ['ssh://ann@jump:2200', `ssh -F /cfg -o BatchMode=yes -W '[box]:22' -- ssh://ann@jump:2200`],
  ])('%s is left to the system’s ssh', (jump, line) => {
    const target = targetAt(22, { host: 'box', sshConfig: '/cfg' })
    expect(jumpCommand(target, jump, { person: 'no' })).toBe(line)
  })

  const hasSsh = ['/usr/bin/ssh', '/usr/local/bin/ssh', '/opt/homebrew/bin/ssh'].some(existsSync)

  describe.runIf(hasSsh)('over real hops', () => {
    /** An ssh_config that leads to `box` over two hops, each with its own known_hosts. */
    async function withHops(
      known: { first: boolean; second: boolean },
      use: (target: Target, seen: { first: SshServer; second: SshServer }) => Promise<void>,
    ): Promise<void> {
      await using box = await startSshServer()
      await using first = await startSshServer()
      await using second = await startSshServer()
      const knownOf = async (name: string, server: SshServer, isKnown: boolean) => {
        const file = operator.place.file(`known-${name}`)
        await writeFile(file, isKnown ? `[127.0.0.1]:${server.port} ${server.hostKey}\n` : '')
        return `Host ${name}\n  HostName 127.0.0.1\n  Port ${server.port}\n  UserKnownHostsFile ${file}\n`
      }
      const config = operator.place.file('jump-config')
      await writeFile(
        config,
        `${await knownOf('box', box, true)}  ProxyJump first,second
${await knownOf('first', first, known.first)}
${await knownOf('second', second, known.second)}
Host *
  User operator
  IdentityFile ${operator.key.file}
  IdentityAgent none
  GlobalKnownHostsFile none
`,
      )
      await use(await resolveTarget('box', { sshConfig: config }), { first, second })
    }

    test('each is passed through, and its key checked by its own name', () =>
      withHops({ first: true, second: true }, async (target, { first, second }) => {
        expect(target.proxyJump).toBe('first,second')
        const session = await openSsh(target)
        expect(await session.ask(ask`echo through`)).toMatchObject({ stdout: 'through\n' })
        expect([first.signed.length, second.signed.length]).toEqual([1, 1])
        await session.dispose()
      }))

    test.each([
      ['first', { first: false, second: true }],
      ['second', { first: true, second: false }],
    ])('an unknown key of the %s one stops it', (_which, known) =>
      withHops(known, async (target) => {
        const failure = await failureOf(openSsh(target))
        expect(failure).toMatchObject({ outcome: 'unreachable', code: 'proxy-failed' })
        expect(failure.message).toContain('Host key verification failed')
      }),
    )
  })
})
