import { expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { resolved } from '../support/scripted-compose.ts'
import { engineAnswer } from '../support/scripted-engine.ts'
import { scriptedHost } from '../support/scripted-host.ts'
import { errorOf, nothing, rowsOf, scriptedWorld } from '../support/world.ts'

const at = (second: number) => new Date(Date.UTC(2026, 10, 22, 17, 0, second))
const line = (second: number, object: object) =>
  `${at(second).toISOString().slice(0, 23)}000000Z ${JSON.stringify({ level: 30, time: at(second).getTime(), name: 'pds', ...object })}\n`
const request = (second: number, url: string, ms: number, statusCode = 200) =>
  line(second, {
    req: { method: 'GET', url },
    res: { statusCode },
    responseTime: ms,
    msg: 'request completed',
  })

const log = [
  line(1, { msg: 'started' }),
  request(2, '/xrpc/_health', 3),
  request(3, '/xrpc/_health', 9),
  request(4, '/xrpc/_health', 5, 503),
  line(5, { level: 50, msg: 'disk of Alice is full' }),
  `${at(6).toISOString().slice(0, 23)}000000Z Error: crashed with admin-password\n`,
].join('')

const hostWith = (answer = log) =>
  scriptedHost()
    .on('# look at the containers', engineAnswer([{}, { service: 'caddy', id: 'caddy-id' }]))
    .on('docker logs', answer)
const show = async (...args: string[]) => {
  const host = hostWith()
  const ran = await scriptedWorld({ host }).run('logs', ...args)
  return {
    ran,
    asked: host.asked.at(-1) ?? '',
    messages: ran.stdout
      .split('\n')
      .map((it) => it.split('\t').slice(1).join(' '))
      .filter(Boolean),
  }
}

test('requests that are alike are one line, with how many and the slowest', async () => {
  const { ran, messages, asked } = await show()
  expect(messages).toEqual([
    'info pds started',
    'info pds GET /xrpc/_health 200, 2 times, up to 9 ms',
    'info pds GET /xrpc/_health 503 5 ms',
    'error pds disk of Alice is full',
    '- - Error: crashed with ‹secret›',
  ])
  expect(asked).toContain('--tail 200')
  expect(ran).toMatchObject({ code: 0, ...nothing })
})

test.each<[readonly string[], readonly string[]]>([
  [
    ['--requests', 'show'],
    ['started', '200 3 ms', '200 9 ms', '503 5 ms', 'full', 'crashed'],
  ],
  [
    ['--requests', 'hide'],
    ['started', 'full', 'crashed'],
  ],
  [
    ['--level', 'warn'],
    ['full', 'crashed'],
  ],
  [['--grep', 'ALICE'], ['full']],
  [['--grep', '503'], ['503 5 ms']],
  // A guess at a secret finds nothing.
  [['--grep', 'admin-password'], []],
])('%j', async (args, wanted) => {
  const { messages } = await show(...args)
  expect(messages).toHaveLength(wanted.length)
  for (const [index, part] of wanted.entries()) expect(messages[index]).toContain(part)
})

test('docker is told from when to when, and how many', async () => {
  const { asked } = await show(
    'caddy',
    '--since',
    '2026-11-22T16:00:00Z',
    '--until',
    '2026-11-22',
    '--tail',
    '7',
  )
  expect(asked).toMatch(/--since 2026-11-22T16:00:00.000Z --until 2026-11-22T00:00:00.000Z --tail 7 caddy-id/)
})

test('what is searched is searched whole', async () => {
  expect((await show('--grep', 'x')).asked).not.toContain('--tail')
})

test('JSON has every line as it was logged, those of a fold too', async () => {
  const rows = rowsOf((await show('--json')).ran)
  expect(rows.map(({ count, raw }) => [count, (raw as unknown[]).length])).toEqual(
    [1, 2, 1, 1, 1].map((n) => [n, n]),
  )
  expect(rows[1]?.raw).toMatchObject([{ responseTime: 3 }, { responseTime: 9 }])
  expect(JSON.stringify(rows)).not.toContain('admin-password')
})

test('a service that is not there is told with those that are', async () => {
  const { ran } = await show('nginx', '--json')
  expect(ran.code).toBe(1)
  expect(errorOf(ran)).toMatchObject({ code: 'no-container', hint: 'it has: caddy, pds' })
})

test('what docker says of a log that it does not give', async () => {
  const host = hostWith('').on('docker logs', {
    code: 1,
    stdout: 'Error response from daemon: configured logging driver does not support reading\n',
  })
  const ran = await scriptedWorld({ host }).run('logs', '--json')
  expect(ran.code).toBe(5)
  expect(errorOf(ran)).toMatchObject({
    code: 'no-log',
    message: expect.stringContaining('does not support reading'),
  })
})

test('a log that docker never gives is followed no longer than until that is known', async () => {
  let asked = 0
  const stop = new AbortController()
  const host = hostWith('').on('docker logs', () => {
    // Not for ever, should it be asked again and again.
    if (++asked === 3) stop.abort()
    return { code: 1, stdout: 'configured logging driver does not support reading\n' }
  })
  const ran = await scriptedWorld({ host, stop: stop.signal }).run('logs', '--follow', '--json')
  expect(ran.code).toBe(5)
  expect(errorOf(ran)).toMatchObject({ code: 'no-log' })
  expect(asked).toBe(1)
})

test('the password within an address of pds.env is masked wherever it is', async () => {
  const settings = 'PDS_PORT=3000\nPDS_EMAIL_SMTP_URL=smtps://user:hunter%2Ftwo@mail.test:465\n'
  const host = scriptedHost({ settings: { text: new Secret(settings) } })
    .on('# look at the containers', engineAnswer([{}]))
    .on('docker logs', line(1, { msg: 'refused hunter/two, given as hunter%2Ftwo' }))
  const ran = await scriptedWorld({ host }).run('logs')
  expect(ran.stdout).toContain('refused ‹secret›, given as ‹secret›')
})

test('a secret that pds.env makes from variables is masked as compose resolves it', async () => {
  const settings = `PDS_JWT_SECRET=\${JWT}\n`
  const host = scriptedHost({ settings: { text: new Secret(settings) } })
    .on('# look at the containers', engineAnswer([{}]))
    .on('# how compose resolves', resolved(['PDS_JWT_SECRET=from-dot-env']))
    .on('docker logs', line(1, { msg: 'signed with from-dot-env' }))
  const ran = await scriptedWorld({ host }).run('logs')
  expect(ran.stdout).toContain('signed with ‹secret›')
})

test('following goes on with the container that takes its place, and ends calmly', async () => {
  const stop = new AbortController()
  let looks = 0
  const host = scriptedHost()
    .on('# look at the containers', () => engineAnswer([{ id: looks++ === 0 ? 'old-id' : 'new-id' }]))
    .on('docker logs', (asked) => {
      if (asked.includes('old-id')) return line(1, { msg: 'stopping' })
      setTimeout(() => stop.abort(), 0)
      // Docker gives those of the same instant once more.
      return line(1, { msg: 'stopping' }) + line(2, { msg: 'new one' })
    })
  const ran = await scriptedWorld({ host, stop: stop.signal }).run('logs', '--follow')
  expect(ran.stdout.match(/stopping|new one/g)).toEqual(['stopping', 'new one'])
  expect(ran.stderr).toContain('pds was replaced by another container')
  expect(ran.code).toBe(0)
})
