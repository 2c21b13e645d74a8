import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A stretch of wire in front of a port, that can be cut or go dead. */
export interface Relay extends AsyncDisposable {
  readonly port: number
  /** How many connections it has carried. */
  readonly carried: () => number
  /** Ends every connection at once. */
  cut(): void
  /** From now on nothing gets through, and nobody is told. */
  freeze(): void
}

/** Puts a relay on loopback in front of a loopback port; each way takes `delay` milliseconds. */
export async function relayTo(target: number, { delay = 0 } = {}): Promise<Relay> {
  const sockets = new Set<Socket>()
  let count = 0
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    return socket
  }
  const server = createServer({ noDelay: true }, (near) => {
    count++
    const far = keep(connect({ host: '127.0.0.1', port: target, noDelay: true }))
    keep(near)
    if (delay === 0) near.pipe(far).pipe(near)
    else {
      carry(near, far, delay)
      carry(far, near, delay)
    }
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
  })
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    carried: () => count,
    cut,
    freeze() {
      for (const socket of sockets) socket.unpipe().pause()
    },
    async [Symbol.asyncDispose]() {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Passes on what comes, in its order, each piece that much later. */
function carry(from: Socket, to: Socket, delay: number): void {
  from.on('data', (chunk) => setTimeout(() => to.writable && to.write(chunk), delay))
  from.on('end', () => setTimeout(() => to.end(), delay))
}
