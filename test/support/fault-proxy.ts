import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** An answer of the PDS behind the proxy. */
interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** One request that stands at the proxy, and what can be done with it. */
export interface Standing {
  /** Has the PDS do it, and gives its answer, which the client does not have yet. */
  forward(): Promise<Answer>
  /** Gives the client this answer. */
  give(answer: Partial<Omit<Answer, 'body'>> & { body: Buffer | string }): void
  /** Ends the client's connection. */
  cut(): void
  readonly response: ServerResponse
}

/** What to do with a request; doing nothing lets the client wait. */
export type Fault = (standing: Standing) => unknown

/** HTTP on loopback in front of a PDS, with faults at chosen methods. */
export interface FaultProxy extends AsyncDisposable {
  readonly port: number
  /** The methods that were called, in the order of their coming. */
  readonly called: string[]
  /** The same with what was sent along, once it was there. */
  readonly sent: { readonly nsid: string; readonly body: string }[]
  /** From now on this is done at a method, each time or so many times; `*` is every method without a fault of its own. */
  at(nsid: string, fault: Fault, times?: number): void
  /** Takes all faults away, and forgets what was called. */
  heal(): void
}

/** Has the PDS do it, and loses the answer. */
export const loseAnswer: Fault = async ({ forward, cut }) => {
  await forward()
  cut()
}

/** Gives an answer of one's own in place of the PDS's. */
export const answer =
  (
    status: number,
    body: string,
    headers: IncomingHttpHeaders = { 'content-type': 'application/json' },
  ): Fault =>
  ({ give }) =>
    give({ status, headers, body })

/** Starts one. */
export async function faultProxy(pdsPort: number): Promise<FaultProxy> {
  const faults = new Map<string, { fault: Fault; left: number }>()
  const called: string[] = []
  const sent: FaultProxy['sent'] = []
  const server = createServer(async (incoming, response) => {
    response.on('error', () => {})
    const nsid = /^\/xrpc\/([^?]*)/.exec(incoming.url ?? '')?.[1] ?? ''
    called.push(nsid)
    const body = await buffer(incoming).catch(() => Buffer.alloc(0))
    sent.push({ nsid, body: body.toString() })
    const { url, method, headers } = incoming
    const standing: Standing = {
      response,
      async forward() {
        const onward = request({ host: '127.0.0.1', port: pdsPort, path: url, method, headers, agent: false })
        onward.end(body)
        const [came] = await once(onward, 'response')
        return { status: came.statusCode, headers: came.headers, body: await buffer(came) }
      },
      give({ status = 200, headers: { 'transfer-encoding': _, ...rest } = {}, body: text }) {
        response.writeHead(status, { ...rest, 'content-length': Buffer.byteLength(text) }).end(text)
      },
      cut: () => void response.destroy(),
    }
    const found = faults.get(nsid) ?? faults.get('*')
    if (found && found.left-- > 0) await found.fault(standing)
    else await standing.forward().then(standing.give, standing.cut)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    called,
    sent,
    at: (nsid, fault, times = Number.POSITIVE_INFINITY) => void faults.set(nsid, { fault, left: times }),
    heal() {
      faults.clear()
      called.length = 0
      sent.length = 0
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
