import { once } from 'node:events'
import { connect } from 'node:net'
import { Duplex } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Failure, unreachable } from '../../src/base/failure.ts'
import { type TunnelAnswer, tunnelFetch } from '../../src/ssh/http-tunnel.ts'
import { httpServer, json } from '../support/http-server.ts'

const text = async ({ body }: TunnelAnswer): Promise<string> => {
  let all = ''
  for await (const chunk of body) all += Buffer.from(chunk).toString()
  return all
}

test('sends method, headers and body, and gives back status, headers and body', async () => {
  await using server = await httpServer((got, response) => json(response, got, 201, { 'x-more': 'yes' }))
  const fetch = tunnelFetch(server.connect)
  const body = Buffer.from('héllo')
  const answer = await fetch('/xrpc/a?b=c', { method: 'POST', headers: { 'x-word': '1' }, body })
  expect(answer.status).toBe(201)
  expect(answer.headers['x-more']).toBe('yes')
  expect(JSON.parse(await text(answer))).toMatchObject({
    method: 'POST',
    url: '/xrpc/a?b=c',
    body: 'héllo',
    headers: { 'x-word': '1', 'content-length': '6' },
  })
  fetch.close()
})

test('works over a socket too', async () => {
  await using server = await httpServer((_got, response) => response.end('yes'))
  const fetch = tunnelFetch(async () => {
    const socket = connect(server.port, '127.0.0.1')
    await once(socket, 'connect')
    return socket
  })
  expect(await text(await fetch('/'))).toBe('yes')
  fetch.close()
})

test('uses a channel again', async () => {
  await using server = await httpServer((_got, response) => response.end('yes'))
  const fetch = tunnelFetch(server.connect)
  for (let i = 0; i < 5; i++) expect(await text(await fetch('/'))).toBe('yes')
  expect(server.opened).toBe(1)
  fetch.close()
})

test('what must not be sent twice goes over a channel of its own', async () => {
  await using server = await httpServer((_got, response) => response.end('yes'))
  const fetch = tunnelFetch(server.connect)
  await text(await fetch('/'))
  await text(await fetch('/', { method: 'POST', channel: 'fresh' }))
  expect(server.opened).toBe(2)
  await expect.poll(() => server.open).toBe(1)
  await text(await fetch('/'))
  expect(server.opened).toBe(2)
  fetch.close()
})

test('opens no more channels than it may, whatever is asked at once', async () => {
  let most = 0
  await using server = await httpServer(async (_got, response) => {
    most = Math.max(most, server.open)
    await pause(2)
    response.end('yes')
  })
  const fetch = tunnelFetch(server.connect, { channels: 3 })
  const answers = await Promise.all(Array.from({ length: 20 }, async () => text(await fetch('/'))))
  expect(answers).toEqual(Array(20).fill('yes'))
  expect(most).toBe(3)
  expect(server.opened).toBe(3)
  fetch.close()
})

test('does not use a channel that the far end has closed while it was idle', async () => {
  await using server = await httpServer((_got, response) => response.end('yes'))
  const fetch = tunnelFetch(server.connect)
  await text(await fetch('/'))
  server.hangUp()
  await pause(5)
  expect(await text(await fetch('/', { method: 'POST' }))).toBe('yes')
  expect(server.opened).toBe(2)
  fetch.close()
})

test('gives the body as it arrives', async () => {
  let finish = () => {}
  await using server = await httpServer((_got, response) => {
    response.write('first')
    finish = () => void response.end('second')
  })
  const fetch = tunnelFetch(server.connect)
  const chunks: string[] = []
  for await (const chunk of (await fetch('/')).body) {
    chunks.push(Buffer.from(chunk).toString())
    finish()
  }
  expect(chunks).toEqual(['first', 'second'])
  fetch.close()
})

test('drops a channel whose body is left in the middle, and goes on with another', async () => {
  await using server = await httpServer((got, response) =>
    got.url === '/long' ? void response.write('x'.repeat(100_000)) : response.end('yes'),
  )
  const fetch = tunnelFetch(server.connect, { channels: 1 })
  for await (const _chunk of (await fetch('/long')).body) break
  expect(await text(await fetch('/'))).toBe('yes')
  fetch.close()
})

test('a channel that does not open is the failure of the request', async () => {
  const failure = unreachable('channel-refused', 'nobody listens on port 3000')
  const fetch = tunnelFetch(() => Promise.reject(failure), { channels: 1 })
  await expect(fetch('/')).rejects.toBe(failure)
  await expect(fetch('/')).rejects.toBe(failure)
})

test('a channel that does not open in time is not a lost answer, and keeps no place', async () => {
  await using server = await httpServer((_got, response) => response.end('yes'))
  let stuck = true
  const fetch = tunnelFetch(() => (stuck ? new Promise(() => {}) : server.connect()), {
    channels: 1,
    deadline: 50,
  })
  await expect(fetch('/', { method: 'POST' })).rejects.toMatchObject({ code: 'channel-timeout' })
  const stop = new AbortController()
  const stopped = fetch('/', { signal: stop.signal })
  setImmediate(() => stop.abort())
  await expect(stopped).rejects.toMatchObject({ name: 'AbortError' })
  stuck = false
  expect(await text(await fetch('/'))).toBe('yes')
  fetch.close()
})

test('a connection that is cut in the middle of the body is an error, not a shorter body', async () => {
  await using server = await httpServer((_got, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('half')
    setTimeout(() => response.destroy(), 5)
  })
  const fetch = tunnelFetch(server.connect)
  await expect(fetch('/').then(text)).rejects.toThrow()
  fetch.close()
})

test('gives up when nothing comes for the deadline, before the answer and in the middle of it', async () => {
  await using server = await httpServer((got, response) => {
    if (got.url === '/half') response.write('half')
  })
  const fetch = tunnelFetch(server.connect, { deadline: 20 })
  await expect(fetch('/none')).rejects.toMatchObject({ name: 'TimeoutError' })
  await expect(fetch('/half').then(text)).rejects.toMatchObject({ name: 'TimeoutError' })
  fetch.close()
})

test('ends with its signal: before, in line, waiting for the answer, and in the middle of it', async () => {
  const reason = unreachable('stopped', 'stopped')
  await using server = await httpServer((got, response) => {
    if (got.url === '/half') response.write('half')
  })
  const fetch = tunnelFetch(server.connect, { channels: 1 })
  const stop = new AbortController()
  const waiting = fetch('/none', { signal: stop.signal })
  const inLine = fetch('/none', { signal: stop.signal })
  setTimeout(() => stop.abort(reason), 5)
  await expect(waiting).rejects.toBe(reason)
  await expect(inLine).rejects.toBe(reason)
  await expect(fetch('/none', { signal: stop.signal })).rejects.toBe(reason)
  const late = new AbortController()
  const half = fetch('/half', { signal: late.signal }).then(text)
  setTimeout(() => late.abort(reason), 5)
  await expect(half).rejects.toBe(reason)
  fetch.close()
})

test('close ends the channels, what is under way, and what comes later', async () => {
  await using server = await httpServer(() => {})
  const fetch = tunnelFetch(server.connect)
  const waiting = fetch('/')
  setTimeout(() => fetch.close(), 5)
  await expect(waiting).rejects.toThrow()
  await expect(fetch('/')).rejects.toMatchObject({ code: 'tunnel-closed' })
  await expect.poll(() => server.open).toBe(0)
})

test('a deadline is told as such over a channel that ends without a word, as those of ssh2 do', async () => {
  class Channel extends Duplex {
    override _read() {}
    override _write(_chunk: unknown, _encoding: string, done: () => void) {
      done()
    }
    override _destroy(_error: Error | null, done: (error: null) => void) {
      done(null)
    }
  }
  const fetch = tunnelFetch(async () => new Channel(), { deadline: 20 })
  await expect(fetch('/')).rejects.toMatchObject({ name: 'TimeoutError' })
  fetch.close()
})

/** Ends as the channels of ssh2 do: destroyed, it is closed only once its far end is and all of it was read. */
class LingeringChannel extends Duplex {
  readonly #far: Duplex

  constructor(far: Duplex) {
    super({ emitClose: false, autoDestroy: false })
    this.#far = far
    far.on('data', (chunk) => this.push(chunk)).on('end', () => this.push(null))
    this.once('end', () => this.emit('close'))
  }
  override _read() {}
  override _write(chunk: unknown, _encoding: string, done: () => void) {
    this.#far.write(chunk)
    done()
  }
  override destroy(): this {
    this.end()
    setTimeout(() => this.#far.end(), 20)
    return this
  }
}

test('requests that are given up do not keep the places of later ones', async () => {
  let [now, most] = [0, 0]
  await using server = await httpServer((got, response) => {
    if (got.url === '/given-up') return void response.write('x'.repeat(200_000))
    most = Math.max(most, ++now)
    setTimeout(() => {
      now--
      response.end('yes')
    }, 20)
  })
  const fetch = tunnelFetch(async () => new LingeringChannel(await server.connect()), { channels: 8 })
  const stop = new AbortController()
  const given = Array.from({ length: 8 }, () => fetch('/given-up', { signal: stop.signal }).then(text))
  setTimeout(() => stop.abort(), 20)
  expect((await Promise.allSettled(given)).map(({ status }) => status)).toEqual(Array(8).fill('rejected'))
  await Promise.all(Array.from({ length: 32 }, async () => text(await fetch('/'))))
  expect(most).toBe(8)
  fetch.close()
})

test('a Failure of a stream in use is no Failure of the request: it may have been sent', async () => {
  const lost = unreachable('link-lost', 'the connection is lost')
  await using server = await httpServer(() => channel?.emit('error', lost))
  let channel: Duplex | undefined
  const fetch = tunnelFetch(async () => {
    channel = await server.connect()
    return channel
  })
  const error = await fetch('/').catch((thrown: unknown) => thrown)
  expect(error).not.toBeInstanceOf(Failure)
  expect(error).toMatchObject({ message: 'the connection is lost', cause: lost })
  fetch.close()
})

test('a stream that fails again after its request has failed is no bug', async () => {
  let channel: Duplex | undefined
  await using server = await httpServer(() => void channel?.emit('end'))
  const fetch = tunnelFetch(async () => {
    channel = await server.connect()
    return channel
  })
  await expect(fetch('/')).rejects.toThrow('socket hang up')
  channel?.emit('error', unreachable('link-lost', 'the connection is lost'))
  fetch.close()
})

test('an answer that drips for ever is given up, and one that comes steadily is not', async () => {
  await using server = await httpServer((got, response) => {
    const [bytes, times] = got.url === '/drops' ? [1, 1000] : [64 * 1024, 12]
    let count = 0
    const timer = setInterval(() => {
      response.write(Buffer.alloc(bytes, 0x78))
      if (++count === times) response.end()
    }, 25)
    response.on('close', () => clearInterval(timer))
  })
  const fetch = tunnelFetch(server.connect)
  const drops = await fetch('/drops', { within: 150 })
  await expect(text(drops)).rejects.toMatchObject({
    name: 'TimeoutError',
    message: expect.stringContaining('not whole'),
  })
  expect(await text(await fetch('/steady', { within: 150 }))).toHaveLength(12 * 64 * 1024)
  fetch.close()
})
