/** The yardstick for `account list`: the same HTTP calls, made on the host itself by a script with nothing around it. */
import { Agent, request } from 'node:http'

const [port = '', password = ''] = [process.env.BENCH_PORT, process.env.BENCH_PASSWORD]
const agent = new Agent({ keepAlive: true, maxSockets: 8 })
const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`

interface Page {
  readonly cursor?: string
  readonly repos: readonly { did: string; active: boolean; status?: string }[]
}

interface Infos {
  readonly infos: readonly { did: string; handle: string; email?: string; indexedAt: string }[]
}

const get = <T>(path: string): Promise<T> =>
  new Promise((resolve, reject) => {
    const call = request(
      { host: '127.0.0.1', port, path: `/xrpc/${path}`, agent, headers: { authorization } },
      (answer) => {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('end', () =>
          answer.statusCode === 200
            ? resolve(JSON.parse(Buffer.concat(parts).toString()) as T)
            : reject(new Error(`${path}: ${answer.statusCode}`)),
        )
      },
    )
    call.on('error', reject)
    call.end()
  })

let under: Promise<void>[] = []
let cursor: string | undefined
do {
  const page: Page = await get(
    `com.atproto.sync.listRepos?limit=1000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`,
  )
  await Promise.all(under)
  under = []
  for (let i = 0; i < page.repos.length; i += 100) {
    const some = page.repos.slice(i, i + 100)
    under.push(
      get<Infos>(
        `com.atproto.admin.getAccountInfos?${some.map(({ did }) => `dids=${encodeURIComponent(did)}`).join('&')}`,
      ).then(({ infos }) => {
        const views = new Map(infos.map((view) => [view.did, view]))
        const lines = some.map(({ did, active, status }) =>
          JSON.stringify({ ...views.get(did), status: active ? 'active' : status }),
        )
        process.stdout.write(`${lines.join('\n')}\n`)
      }),
    )
  }
  cursor = page.cursor
} while (cursor !== undefined)
await Promise.all(under)
agent.destroy()
