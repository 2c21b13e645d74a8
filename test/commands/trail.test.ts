import { mkdir, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import trail from '../../src/commands/trail.ts'
import type { HostView } from '../../src/host/access/host.ts'
import { openHost } from '../../src/host/open-host.ts'
import { openLocal } from '../../src/ssh/connect/local.ts'
import { localPds } from '../support/local-host.ts'
import { rowsOf, viewsOf } from '../support/views.ts'

const nothing = {
  since: undefined,
  until: undefined,
  subject: undefined,
  operation: undefined,
  limit: undefined,
  command: undefined,
  reason: undefined,
  each: false,
}

/** A trail of `changes` changes, a minute apart, all intents before all outcomes. */
const linesOf = (changes: number): string => {
  const operator = { user: 'ana', machine: 'laptop', ssh: 'ops' }
  const line = (i: number, event: 'intent' | 'outcome') =>
    JSON.stringify({
      time: new Date(Date.UTC(2026, 10, 22, 0, i)).toISOString(),
      id: `${i}`,
      event,
      operator,
      command: 'account takedown',
      subject: `User${i}.test`,
      did: `did:plc:${i}`,
      version: '0.1.0',
      ...(event === 'outcome' && { outcome: 'ok' }),
    })
  const numbers = Array.from({ length: changes }, (_, i) => i)
  return [...numbers.map((i) => line(i, 'intent')), ...numbers.map((i) => line(i, 'outcome'))].join('\n')
}

test.each([
  ['all of it', {}, 1000, 'User0.test', 'User999.test'],
  ['the newest', { limit: 3 }, 3, 'User997.test', 'User999.test'],
  ['more than there are', { limit: 5000 }, 1000, 'User0.test', 'User999.test'],
  ['since then', { since: new Date('2026-11-22T16:00:00Z') }, 40, 'User960.test', 'User999.test'],
  ['until before then', { until: new Date('2026-11-22T00:02:00Z') }, 2, 'User0.test', 'User1.test'],
  [
    'the newest until before then',
    { until: new Date('2026-11-22T00:02:00Z'), limit: 1 },
    1,
    'User1.test',
    'User1.test',
  ],
  ['one subject', { subject: 'uSER77.' }, 1, 'User77.test', 'User77.test'],
  ['one DID', { subject: 'did:plc:500' }, 1, 'User500.test', 'User500.test'],
])('%s', async (_, wanted, count, first, last) => {
  await using pds = await localPds()
  await mkdir(pds.path('kimbia-ops'))
  await writeFile(pds.path('kimbia-ops/trail.jsonl'), linesOf(1000))
  const host = openHost(async () => openLocal(), pds.config)
  const rows = await rowsOf(trail.read({ ...nothing, ...wanted }, viewsOf({ host })))
  expect([rows.length, rows.at(0)?.subject, rows.at(-1)?.subject]).toEqual([count, first, last])
  expect(new Set(rows.map((row) => row.outcome))).toEqual(new Set(['ok']))
})

test('one run alone, by its id in any case; lines without one are of no run', async () => {
  await using pds = await localPds()
  await mkdir(pds.path('kimbia-ops'))
  const id = '20261122T180000Z-7f3a'
  const lines = linesOf(4)
    .split('\n')
    .map((line, index) => (index % 2 ? line.replace('{', `{"operation":"${id}",`) : line))
  await writeFile(pds.path('kimbia-ops/trail.jsonl'), lines.join('\n'))
  const host = openHost(async () => openLocal(), pds.config)
  const read = (wanted: object) => rowsOf(trail.read({ ...nothing, ...wanted }, viewsOf({ host })))
  const subjects = (rows: Awaited<ReturnType<typeof read>>) => rows.map((row) => row.subject)
  expect(subjects(await read({ operation: id.toLowerCase() }))).toEqual(['User1.test', 'User3.test'])
  expect(subjects(await read({ operation: '7F3A', limit: 1 }))).toEqual(['User3.test'])
  expect(subjects(await read({ operation: 'f3a' }))).toEqual([])
  expect((await read({})).map((row) => row.operation)).toEqual([null, id, null, id])
})

test('on a screen a run is one row, with how many it changed; filters by command and reason', async () => {
  await using pds = await localPds()
  await mkdir(pds.path('kimbia-ops'))
  const lines = linesOf(6)
    .split('\n')
    .map((line) => JSON.parse(line))
    .map((line) => ({
      ...line,
      ...(Number(line.id) < 4 && { operation: '20261122T180000Z-7f3a', reason: 'Spam wave, ticket 42' }),
      ...(line.id === '5' && { command: 'account restore' }),
      ...(line.id === '2' && line.outcome && { outcome: 'failed', message: 'not-there: gone' }),
    }))
  await writeFile(pds.path('kimbia-ops/trail.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'))
  const host = openHost(async () => openLocal(), pds.config)
  const subjects = async (wanted: object, result: 'screen' | 'elsewhere' = 'screen') => {
    const rows = await rowsOf(trail.read({ ...nothing, ...wanted }, { ...viewsOf({ host }), result }))
    return rows.map(({ subject, outcome }) => `${subject} ${outcome}`)
  }
  const each = [
    'User0.test ok',
    'User1.test ok',
    'User2.test failed',
    'User3.test ok',
    'User4.test ok',
    'User5.test ok',
  ]
  expect(await subjects({})).toEqual(['User0.test and 2 more ok', each[2], each[4], each[5]])
  expect(await subjects({ each: true })).toEqual(each)
  expect(await subjects({}, 'elsewhere')).toEqual(each)
  expect(await subjects({ reason: 'TICKET 42' }, 'elsewhere')).toEqual(each.slice(0, 4))
  expect(await subjects({ command: 'account restore' })).toEqual([each[5]])
  expect(await subjects({ command: 'account' }, 'elsewhere')).toEqual(each)
  expect(await subjects({ command: 'acc' })).toEqual([])
})

test('a host that was never changed', async () => {
  await using pds = await localPds()
  const host = openHost(async () => openLocal(), pds.config)
  expect(await rowsOf(trail.read(nothing, viewsOf({ host })))).toEqual([])
  expect(await rowsOf(trail.read({ ...nothing, limit: 2 }, viewsOf({ host })))).toEqual([])
})

test('the newest of a long trail are found without reading the rest', async () => {
  await using pds = await localPds()
  await mkdir(pds.path('kimbia-ops'))
  await writeFile(pds.path('kimbia-ops/trail.jsonl'), linesOf(20_000))
  const host = openHost(async () => openLocal(), pds.config)
  const sizes: number[] = []
  const watched: HostView = {
    ...host,
    async ask(shell, options) {
      const answer = await host.ask(shell, options)
      sizes.push(answer.stdout.length)
      return answer
    },
  }
  const read = (wanted: object) => rowsOf(trail.read({ ...nothing, ...wanted }, viewsOf({ host: watched })))
  const [first, last] = [await read({ limit: 1, subject: 'user0.test' }), await read({ limit: 1 })]
  expect([first[0]?.subject, last[0]?.subject]).toEqual(['User0.test', 'User19999.test'])
  expect(Math.max(...sizes)).toBeLessThan(1_100_000)
  expect(await read({})).toHaveLength(20_000)
  expect(Math.max(...sizes)).toBeLessThan(1_100_000)
})
