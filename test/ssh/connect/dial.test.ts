import { execFile } from 'node:child_process'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { startSshServer } from '../../../rig/ssh/ssh-server.ts'
import { quote } from '../../../src/base/shell-words.ts'
import { dial } from '../../../src/ssh/connect/dial.ts'
import { openSsh } from '../../../src/ssh/connect/node-ssh.ts'
import { ask } from '../../../src/ssh/shell.ts'
import type { Target } from '../../../src/ssh/target/target.ts'
import { failureOf } from '../../support/failing.ts'
import { operatorOfFile } from '../../support/operator-key.ts'
import { blackHole, closedPort, listen, relayTo } from '../../support/relay.ts'
import { targetAt } from '../../support/ssh-target.ts'

const operator = operatorOfFile()

/** Sets out at once; ssh2 is given the way only once `logIn` is called. */
function setOut(port: number, parts: Partial<Target> = {}, signal?: AbortSignal) {
  const target = targetAt(port, parts)
  const way = dial(target, { person: 'no', signal })
  return { way, logIn: () => openSsh(target, { signal, dialing: way }) }
}

/** A server that keeps what it is connected by. */
async function guestbook(greet: (socket: Socket) => void = () => {}) {
  const came = Promise.withResolvers<Socket>()
  const left = Promise.withResolvers<'left'>()
  const server = await listen((socket) => {
    socket.on('close', () => left.resolve('left')).resume()
    greet(socket)
    came.resolve(socket)
  })
  return Object.assign(server, { came: came.promise, left: left.promise })
}

describe('a way that was set out on before ssh2 is loaded', () => {
  test.each(['a socket', 'a proxy'])('by %s keeps what the server said meanwhile', async (kind) => {
    await using server = await startSshServer()
    await using wire = await relayTo(server.port)
    const script = `const it = require('node:net').connect(${wire.port}, '127.0.0.1'); process.stdin.pipe(it).pipe(process.stdout)`
    const proxyCommand = `${quote(process.execPath)} -e ${quote(script)}`
    const { logIn } = setOut(wire.port, {
      ...(await operator.knownTo(server, wire.port)),
      ...(kind === 'a proxy' && { proxyCommand }),
    })
    await expect.poll(wire.carried, { timeout: 5000 }).toBe(1)
    await sleep(100)
    const session = await logIn()
    expect((await session.ask(ask`echo in`)).stdout).toBe('in\n')
    expect(wire.carried()).toBe(1)
    await session.dispose()
  })

  test.each<[string, (socket: Socket) => void]>([
    ['reset', (socket) => socket.write('SSH-2.0-odd\r\n', () => socket.resetAndDestroy())],
    ['ended', (socket) => socket.end('SSH-2.0-odd\r\n')],
    ['ended without a word', (socket) => socket.end()],
  ])('and is %s by the server meanwhile is reported', async (_how, greet) => {
    await using server = await guestbook(greet)
    const { logIn } = setOut(server.port)
    await server.came
    await sleep(50)
    expect(await failureOf(logIn())).toMatchObject({ outcome: 'unreachable', code: 'ssh-handshake' })
  })

  test('and leads nowhere is reported to whoever asks later', async () => {
    const { way, logIn } = setOut(await closedPort())
    await way.dialed
    await sleep(50)
    expect(await failureOf(logIn())).toMatchObject({ outcome: 'unreachable', code: 'ssh-refused' })
  })

  test('is left at Ctrl-C', async () => {
    await using server = await guestbook()
    const abort = new AbortController()
    const { way, logIn } = setOut(server.port, {}, abort.signal)
    await way.transport
    await server.came
    abort.abort()
    expect(await failureOf(logIn())).toMatchObject({ outcome: 'interrupted' })
    expect(await server.left).toBe('left')
  })

  test('is left when known_hosts cannot be read', async () => {
    await using server = await guestbook()
    const { logIn } = setOut(server.port, { userKnownHosts: [operator.place.dir] })
    await server.came
    expect(await failureOf(logIn())).toMatchObject({ code: 'known-hosts-unreadable' })
    expect(await server.left).toBe('left')
  })

  test.each(['before', 'after'])('is left when it is abandoned %s it stands', async (when) => {
    await using server = await guestbook()
    const { way } = setOut(server.port)
    if (when === 'after') await way.transport
    way.cancel()
    expect(await server.left).toBe('left')
  })

  test('is not set out on after Ctrl-C', async () => {
    await using never = await listen(() => expect.unreachable())
    const { way, logIn } = setOut(never.port, {}, AbortSignal.abort())
    await way.dialed
    expect(await failureOf(logIn())).toMatchObject({ outcome: 'interrupted' })
  })

  test.runIf(process.platform === 'linux')('is called before anyone answers', async () => {
    await using hole = await blackHole()
    const { way } = setOut(hole.port, { connectTimeout: 1 })
    await way.dialed
    expect(await Promise.race([way.transport.catch(() => 'gave up'), sleep(100, 'on its way')])).toBe(
      'on its way',
    )
    await expect(way.transport).rejects.toMatchObject({ code: 'ssh-timeout' })
  })
})

test('setting out loads no ssh2', async () => {
  const script = `
    await import(${JSON.stringify(new URL('../../../src/ssh/connect/dial.ts', import.meta.url).href)})
    const { createRequire } = await import('node:module')
    console.log(Object.keys(createRequire('file:///').cache).length)`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  expect(stdout).toBe('0\n')
})
