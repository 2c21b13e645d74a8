import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { entryFor } from '../support/host-entry.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { problem, row, run } from './cli.ts'

let rig: RigHost
let place: Scratch

beforeAll(async () => {
  ;[rig, place] = await Promise.all([startRig({ rateLimits: false }), scratch()])
})
afterAll(async () => {
  await Promise.all([rig.stop(), place[Symbol.asyncDispose]()])
})

type Answer = Parameters<typeof createServer>[1]

/** Something that answers on the port of the PDS, while `use` is under way. */
async function instead<T>(
  answer: NonNullable<Answer>,
  use: (env: Record<string, string>) => Promise<T>,
): Promise<T> {
  const server = createServer(answer)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  try {
    const { port } = server.address() as AddressInfo
    return await use(await entryFor(place, rig, { port }))
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

test('a PDS that drips keeps no command for ever', async () => {
  const drip: Answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const timer = setInterval(() => response.write(' '), 500)
    response.on('close', () => clearInterval(timer))
  }
  await instead(drip, async (env) => {
    const [health, status, list, invite] = await Promise.all([
      run(rig, ['health', '--json'], { env }),
      run(rig, ['status', '--json'], { env }),
      run(rig, ['account', 'list', '--json'], { env }),
      run(rig, ['invite', 'create', '--json'], { env }),
    ])
    expect(health.code).toBe(3)
    const { checks } = row<{ checks: { name: string; status: string; summary: string }[] }>(health)
    expect(checks.find(({ name }) => name === 'pds')).toMatchObject({
      status: 'fail',
      summary: expect.stringContaining('not whole within 10 s'),
    })
    expect(row(status)).toMatchObject({ version: null, accounts: null })
    expect([list.code, problem(list).code]).toEqual([5, 'pds-timeout'])
    expect([invite.code, problem(invite).code]).toEqual([5, 'answer-lost'])
    expect(problem(invite).message).toContain('may or may not have been done')
  })
}, 120_000)

test('200 MB of junk cost neither time nor memory', async () => {
  const piece = Buffer.alloc(1 << 20, 0x78)
  const junk: Answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' })
    let left = 200
    const more = (): void => {
      while (left-- > 0) if (!response.write(piece)) return void response.once('drain', more)
      response.end()
    }
    more()
  }
  await instead(junk, async (env) => {
    const health = await run(rig, ['health', '--json'], { env, measure: 'memory' })
    expect(health.code).toBe(3)
    expect(row(health)).toMatchObject({ ok: false, version: null })
    expect(health.peakMegabytes).toBeLessThan(300)
  })
}, 120_000)

test("a proxy's page for a change is no word on whether it was made", async () => {
  const page: Answer = (request, response) => {
    response.writeHead(request.method === 'POST' ? 502 : 200, { 'content-type': 'text/html' })
    response.end('<html><h1>Bad Gateway</h1></html>')
  }
  await instead(page, async (env) => {
    const ran = await run(rig, ['invite', 'create', '--json'], { env })
    expect([ran.code, problem(ran).code]).toEqual([5, 'answer-lost'])
    expect(problem(ran).message).not.toContain('nothing was changed')
  })
}, 120_000)
