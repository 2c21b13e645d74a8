import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { tunnelFetch } from '../../../src/ssh/http-tunnel.ts'
import { ways } from '../../support/sessions.ts'

const { local: _, ...remote } = ways

test.each(Object.entries(remote))(
  'answers that are dropped cost the others no channel: %s',
  async (_name, open) => {
    if (open === undefined) throw new Error('there is no such way on this machine')
    const server = createServer((request, response) => {
      if (request.url === '/small') return void response.end('yes')
      response.writeHead(200)
      response.write(Buffer.alloc(3 << 20, 0x78))
      setTimeout(() => response.end(Buffer.alloc(3 << 20, 0x78)), 100)
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    await using way = await open()
    const session = await way.open()
    const fetch = tunnelFetch(() => session.tunnel((server.address() as AddressInfo).port), { channels: 4 })
    try {
      for (let round = 0; round < 3; round++) {
        const answers = await Promise.all(Array.from({ length: 4 }, () => fetch('/large')))
        await Promise.all(
          answers.map(async ({ body }) => {
            for await (const chunk of body) if (chunk.byteLength > 0) break
          }),
        )
      }
      const small = Array.from({ length: 8 }, async () => {
        for await (const chunk of (await fetch('/small')).body) return Buffer.from(chunk).toString()
        return ''
      })
      const late = pause(5_000).then(() => 'nothing came')
      expect(await Promise.race([Promise.all(small), late])).toEqual(Array(8).fill('yes'))
    } finally {
      fetch.close()
      await session.dispose()
      server.closeAllConnections()
      server.close()
    }
  },
  30_000,
)
