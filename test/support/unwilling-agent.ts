import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import ssh2 from 'ssh2'

/** An ssh-agent that shows a key and refuses to sign with it, as after `ssh-add -c` and a No. */
export async function startUnwillingAgent(path: string, publicKey: Buffer): Promise<AsyncDisposable> {
  const key = ssh2.utils.parseKey(publicKey)
  if (key instanceof Error) throw key
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    const protocol = new ssh2.AgentProtocol(false)
    protocol.on('identities', (request) => protocol.getIdentitiesReply(request, [key]))
    protocol.on('sign', (request) => protocol.failureReply(request))
    protocol.pipe(socket).pipe(protocol)
    socket.on('error', () => {})
  })
  server.listen(path)
  await once(server, 'listening')
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
