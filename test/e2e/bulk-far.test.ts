import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startRig } from '../../rig/host.ts'
import { seedAccounts } from '../../rig/pds/seed.ts'
import { byPort, entryFor } from '../support/host-entry.ts'
import { relayTo } from '../support/relay.ts'
import { scratch } from '../support/scratch.ts'
import { rows, run } from './cli.ts'

/** Passes requests on to a PDS, and counts how many changes are under way at once; each takes a while. */
async function counted(port: number) {
  let [now, most] = [0, 0]
  const server = createServer(async (got, response) => {
    const change = got.method === 'POST'
    if (change) {
      most = Math.max(most, ++now)
      response.on('close', () => now--)
      await pause(500)
    }
    const { method, url, headers } = got
    const onward = request({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    got.pipe(onward)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    port: (server.address() as AddressInfo).port,
    most: () => most,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

test('a wave goes over many connections through a slow link, after a long look too', async () => {
  await using rig = await startRig({ bypassKey: 'not-counted' })
  await using place = await scratch()
  await using link = await relayTo(rig.ssh.port, { delay: 150 })
  await using pds = await counted(rig.pdsPort)
  const accounts = await seedAccounts(rig, 3000, { prefix: 'far' })
  const env = await entryFor(place, rig, { ...(await byPort(place, rig, link.port)), port: pds.port })
  // They are found on the first page, and what is asked for beside it is given up.
  const stdin = accounts.slice(0, 100).map(({ handle }) => `${handle}\n`)
  const args = ['account', 'takedown', '--from', '-', '--confirm', '100', '--json']
  const ran = await run(rig, args, { env, stdin: stdin.join('') })
  expect(ran.code, ran.stderr).toBe(0)
  expect(rows(ran)).toHaveLength(100)
  expect(pds.most()).toBeGreaterThanOrEqual(12)
}, 120_000)
