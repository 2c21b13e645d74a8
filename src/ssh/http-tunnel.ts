import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Failure, unreachable } from '../base/failure.ts'
import { ChannelSocket } from './channel-socket.ts'

// An import would read every export of node:http, and loading its WebSocket alone takes 30 ms.
const { Agent, request: httpRequest } = process.getBuiltinModule('node:http')

/** One HTTP request; header names in lower case. */
export interface TunnelRequest {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | undefined
  readonly signal?: AbortSignal | undefined
  /**
   * `fresh` for what must not be sent twice: a kept channel may have been closed at its far end just now, and then
   * nobody knows whether the request was read (default `kept`).
   */
  readonly channel?: 'kept' | 'fresh'
  /**
   * Milliseconds for the whole answer (default 30,000), however steadily it comes; each 16 kB of it give a second more.
   */
  readonly within?: number | undefined
}

/** The head of an HTTP answer, and its body as it arrives: read it to the end or leave its loop, which drops it. */
export interface TunnelAnswer {
  readonly status: number
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: AsyncIterable<Uint8Array>
}

/**
 * HTTP/1.1 over the channels of a tunnel; `path` begins with a slash.
 * Rejects with a Failure, or what `connect` threw, when no channel opened and nothing was sent; with an Error named
 * `TimeoutError` when nothing came for the deadline, or not the whole of it in its time; with the reason of the signal; else with a network error.
 */
export interface TunnelFetch {
  (path: string, init?: TunnelRequest): Promise<TunnelAnswer>
  /** Ends all channels; requests under way fail, and so does any later one. */
  close(): void
  /** Has channels opened for so many requests as will soon be made at once. */
  prepare(requests: number): void
}

export interface TunnelOptions {
  /** How many channels at most (default 50; an sshd allows 10 sessions, forwarded channels are not counted). */
  readonly channels?: number
  /** Has so many streams opened ahead; those that are kept already count. */
  readonly prepare?: ((streams: number) => void) | undefined
  /** Milliseconds in which the next byte of an answer must come (default 30,000). */
  readonly deadline?: number
}

/** HTTP over `connect`, a source of byte streams such as `() => session.tunnel(port)`; streams are kept and used again. */
export function tunnelFetch(connect: () => Promise<Duplex>, options: TunnelOptions = {}): TunnelFetch {
  const { channels = 50, deadline = 30_000 } = options
  const open = new Set<Duplex>()
  const kept = new Agent({ keepAlive: true, maxSockets: channels, maxFreeSockets: channels })
  const fresh = new Agent({ keepAlive: false })
  // An Agent counts a stream only once it is open; the gate is what keeps the number of channels.
  const gate = new Gate(channels)
  let closed = false

  kept.createConnection = fresh.createConnection = (_options, done) => {
    connect().then(
      (stream) => {
        const socket = stream instanceof Socket ? stream : new ChannelSocket(stream)
        open.add(socket)
        socket.once('close', () => open.delete(socket))
        if (closed) socket.destroy()
        done?.(null, socket)
      },
      (error: Error) => done?.(new NotSent(error), undefined as never),
    )
    return undefined
  }

  const fetch = async (path: string, init: TunnelRequest = {}): Promise<TunnelAnswer> => {
    init.signal?.throwIfAborted()
    await gate.enter(init.signal)
    if (closed) {
      gate.leave()
      throw unreachable('tunnel-closed', 'the tunnel to the PDS is closed')
    }
    return send(init.channel === 'fresh' ? fresh : kept, path, init, deadline, () => gate.leave())
  }

  const close = () => {
    closed = true
    kept.destroy()
    fresh.destroy()
    for (const stream of open) stream.destroy()
  }
  const prepare = (requests: number) => options.prepare?.(Math.min(requests, channels) - open.size)
  return Object.assign(fetch, { close, prepare })
}

/** Carries what `connect` threw past node:http, which puts its own words on errors. */
class NotSent extends Error {
  readonly reason: Error

  constructor(reason: Error) {
    super(reason.message)
    this.reason = reason
  }
}

/** Why a stream in use ended. A Failure, such as that of the lost link, would mean that nothing was sent. */
const broken = (error: Error): Error =>
  error instanceof Failure ? new Error(error.message, { cause: error }) : error

const timedOut = (message: string): Error => Object.assign(new Error(message), { name: 'TimeoutError' })

/** How long a whole answer may take at most, and how many bytes of it give a second more. */
const wholeAnswer = 30_000
const bytesPerSecond = 16 * 1024

const noChannel = (deadline: number): Error =>
  unreachable('channel-timeout', `no channel to the PDS opened within ${deadline} ms`)

function send(
  agent: InstanceType<typeof Agent>,
  path: string,
  { method = 'GET', headers = {}, body, signal, within = wholeAnswer }: TunnelRequest,
  deadline: number,
  done: () => void,
): Promise<TunnelAnswer> {
  const began = performance.now()
  return new Promise((resolve, reject) => {
    const length = method === 'POST' ? { 'content-length': String(body?.byteLength ?? 0) } : {}
    const request = httpRequest({
      agent,
      path,
      method,
      host: '127.0.0.1',
      headers: { ...headers, ...length },
    })
    const ending: Ending = { reason: undefined }
    let finish = () => {
      finish = () => {}
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      done()
    }
    const end = (reason: Error) => {
      ending.reason = reason
      const { socket } = request
      request.destroy(reason)
      if (socket) return
      // Without a stream yet, node:http says nothing of it until one comes.
      finish()
      reject(reason)
    }
    const first = Math.min(deadline, within)
    const late = () => end(request.socket ? timedOut(`nothing came for ${first} ms`) : noChannel(first))
    const timer = setTimeout(late, first)
    /** Steady drops do not make an answer: what has come so far decides how long it may take. */
    const received = (bytes: number) => {
      timer.refresh()
      const allowed = within + (bytes / bytesPerSecond) * 1000
      if (performance.now() - began > allowed)
        end(timedOut(`it was not whole within ${Math.round(allowed / 1000)} s`))
    }
    const abort = () => end(signal?.reason as Error)
    signal?.addEventListener('abort', abort, { once: true })
    // It may fail more than once: by a hang-up, then by the loss of the link under it.
    request.on('error', (error) =>
      reject(error instanceof NotSent ? error.reason : (ending.reason ?? broken(error))),
    )
    request.once('response', (message) => resolve(toAnswer(message, received, ending)))
    request.once('close', () => finish())
    request.end(body)
  })
}

/** Why a request was ended on purpose; of a channel that is no socket node:http reports only the hang-up that follows. */
interface Ending {
  reason: Error | undefined
}

/** Told how many bytes of the body have come so far. */
type Received = (bytes: number) => void

function toAnswer(message: IncomingMessage, received: Received, ending: Ending): TunnelAnswer {
  const headers: Record<string, string | undefined> = {}
  for (const [name, value] of Object.entries(message.headers)) headers[name] = String(value)
  return { status: message.statusCode ?? 0, headers, body: chunks(message, received, ending) }
}

async function* chunks(
  message: IncomingMessage,
  received: Received,
  ending: Ending,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  try {
    for await (const chunk of message) {
      bytes += (chunk as Uint8Array).byteLength
      received(bytes)
      yield chunk as Uint8Array
    }
  } catch (error) {
    throw ending.reason ?? broken(error as Error)
  }
}

/** Lets so many in at a time; the others wait in line. */
class Gate {
  #free: number
  readonly #line: (() => void)[] = []

  constructor(places: number) {
    this.#free = places
  }

  enter(signal?: AbortSignal): Promise<void> {
    if (this.#free > 0) {
      this.#free--
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#line.splice(this.#line.indexOf(go), 1)
        reject(signal?.reason)
      }
      const go = () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.#line.push(go)
    })
  }

  leave(): void {
    const next = this.#line.shift()
    if (next) next()
    else this.#free++
  }
}
