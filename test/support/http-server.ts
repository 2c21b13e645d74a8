import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Duplex, duplexPair } from 'node:stream'

/** A request that a scripted server got. */
export interface Got {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
}

/** An HTTP server on channels that are no sockets, as a tunnel gives them, and on a loopback port. */
export interface HttpServer extends AsyncDisposable {
  readonly port: number
  readonly got: Got[]
  /** Opens a channel to it. */
  connect(): Promise<Duplex>
  /** How many channels were opened so far, and how many there are now. */
  readonly opened: number
  readonly open: number
  /** Ends the server's side of every channel, as a server does with idle ones. */
  hangUp(): void
}

/** Answers each request with what `answer` does, which is called once the request is there as a whole. */
export async function httpServer(answer: (got: Got, response: ServerResponse) => void): Promise<HttpServer> {
  const got: Got[] = []
  const far = new Set<Duplex>()
  const all = { opened: 0 }
  const listener: RequestListener = async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const it = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body }
    got.push(it)
    answer(it, response)
  }
  const server = createServer({ keepAliveTimeout: 0 }, listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    got,
    async connect() {
      const [near, other] = duplexPair()
      all.opened++
      far.add(other)
      other.once('close', () => far.delete(other))
      near.once('close', () => other.destroy())
      // A reset: both ends of a pair are one machine, so the other end must be told.
      other.once('close', () => near.destroy())
      server.emit('connection', other)
      return near
    },
    get opened() {
      return all.opened
    },
    get open() {
      return far.size
    },
    hangUp: () => far.forEach((side) => void side.end()),
    async [Symbol.asyncDispose]() {
      for (const side of far) side.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A JSON answer. */
export const json = (
  response: ServerResponse,
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void => {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
  response.end(JSON.stringify(body))
}
