import { once } from 'node:events'
import { connect } from 'node:net'
import { type Duplex, PassThrough } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'
import { spareStreams } from '../../src/ssh/spare-streams.ts'
import { listen } from '../support/relay.ts'

/** Streams whose far end the test holds, and the spares that are opened by making more of them. */
function scripted() {
  const opened: PassThrough[] = []
  const open = vi.fn(async (): Promise<Duplex> => {
    const stream = new PassThrough()
    opened.push(stream)
    return stream
  })
  return { opened, open, spares: spareStreams(open) }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('what was opened ahead', () => {
  test('is handed out in its order, once each, and nothing is opened for it anew', async () => {
    const { opened, open, spares } = scripted()
    spares.prepare(2)
    expect([await spares.take(), await spares.take(), await spares.take()]).toEqual([
      opened[0],
      opened[1],
      undefined,
    ])
    expect(open).toHaveBeenCalledTimes(2)
  })

  test('counts what stands already', async () => {
    const { open, spares } = scripted()
    spares.prepare(2)
    spares.prepare(1)
    spares.prepare(3)
    expect(open).toHaveBeenCalledTimes(3)
  })

  test('may be taken before it stands', async () => {
    const later = Promise.withResolvers<Duplex>()
    const spares = spareStreams(() => later.promise)
    spares.prepare(1)
    const taking = spares.take()
    const stream = new PassThrough()
    later.resolve(stream)
    expect(await taking).toBe(stream)
  })

  test('is not missed where it cannot be opened', async () => {
    const stream = new PassThrough()
    const open = vi
      .fn<() => Promise<Duplex>>()
      .mockRejectedValueOnce(new Error('refused'))
      .mockResolvedValueOnce(stream)
    const spares = spareStreams(open)
    spares.prepare(2)
    await turn()
    expect(await spares.take()).toBe(stream)
    expect(await spares.take()).toBeUndefined()
  })

  test('is read from its beginning by whoever takes it', async () => {
    const { opened, spares } = scripted()
    spares.prepare(1)
    await turn()
    const stream = await spares.take()
    // Not lost between its taking and its first reader.
    opened[0]?.write('hello')
    await turn()
    const heard = once(stream as Duplex, 'data')
    stream?.resume()
    expect(String((await heard)[0])).toBe('hello')
  })
})

describe('what is of no use any more is ended and passed over', () => {
  test.each<[string, (stream: PassThrough) => void]>([
    ['its far end has said something', (stream) => void stream.write('HTTP/1.1 408 Request Timeout')],
    ['its far end has hung up', (stream) => void stream.end()],
    ['its link is lost', (stream) => void stream.destroy(new Error('lost'))],
  ])('%s', async (_why, happens) => {
    const { opened, spares } = scripted()
    spares.prepare(2)
    await turn()
    happens(opened[0] as PassThrough)
    await turn()
    expect(await spares.take()).toBe(opened[1])
    expect(opened[0]?.destroyed).toBe(true)
  })

  test('it has stood for so long that its far end may hang up', async () => {
    const { opened, spares } = scripted()
    const now = performance.now()
    spares.prepare(1)
    await turn()
    using _ = {
      clock: vi.spyOn(performance, 'now').mockReturnValue(now + 11_000),
      [Symbol.dispose]: () => vi.restoreAllMocks(),
    }
    expect(await spares.take()).toBeUndefined()
    expect(opened[0]?.destroyed).toBe(true)
  })
})

test('what nobody took is ended, that which is still to be opened as well', async () => {
  const later = Promise.withResolvers<Duplex>()
  const streams = [new PassThrough(), new PassThrough()] as const
  const open = vi
    .fn<() => Promise<Duplex>>()
    .mockResolvedValueOnce(streams[0])
    .mockReturnValueOnce(later.promise)
  const spares = spareStreams(open)
  spares.prepare(2)
  await turn()
  spares.drop()
  expect(await spares.take()).toBeUndefined()
  later.resolve(streams[1])
  await turn()
  expect(streams.map(({ destroyed }) => destroyed)).toEqual([true, true])
})

test('a socket of this machine keeps for its reader what has come already', async () => {
  await using server = await listen((socket) => void socket.end('hello'))
  const spares = spareStreams(async () => {
    const socket = connect(server.port, '127.0.0.1')
    await once(socket, 'connect')
    return socket
  })
  spares.prepare(1)
  const stream = (await spares.take()) as Duplex
  await turn()
  const heard: Buffer[] = []
  for await (const chunk of stream) heard.push(chunk as Buffer)
  expect(Buffer.concat(heard).toString()).toBe('hello')
})
