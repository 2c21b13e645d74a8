import { spawnSync } from 'node:child_process'
import { chmod, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import type { Host } from '../../../src/host/access/host.ts'
import { openHost } from '../../../src/host/open-host.ts'
import { openTrail, type TrailEntry } from '../../../src/host/trail/append.ts'
import {
  type Change,
  joinBackwards,
  joinChanges,
  readTrail,
  readTrailBackwards,
  type TrailLine,
} from '../../../src/host/trail/history.ts'
import { openLocal } from '../../../src/ssh/connect/local.ts'
import { failureOf } from '../../support/failing.ts'
import {
  give,
  type LocalPds,
  localPds,
  localUser,
  sessionWith,
  shells,
  withoutRoot,
} from '../../support/local-host.ts'

const entry = (id: number | string, more: Partial<TrailEntry> = {}): TrailEntry => ({
  time: '2026-11-22T18:00:00.000Z',
  id: String(id),
  event: 'intent',
  operator: { user: 'ana', machine: 'laptop', ssh: 'ops' },
  command: 'account takedown',
  subject: 'alice.test',
  version: '0.1.0',
  ...more,
})

const hostOf = (pds: LocalPds): Host => openHost(async () => openLocal(), pds.config)
const fileOf = (pds: LocalPds): string => pds.path('kimbia-ops/trail.jsonl')
const textOf = (pds: LocalPds): Promise<string> => readFile(fileOf(pds), 'utf8')
const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8)

async function linesOf(host: Host, length?: number): Promise<TrailLine[]> {
  const lines: TrailLine[] = []
  for await (const line of readTrail(host, length)) lines.push(line)
  return lines
}

/** The lines in their order, read from the end. */
async function linesFromEnd(host: Host, length?: number): Promise<TrailLine[]> {
  const lines: TrailLine[] = []
  for await (const window of readTrailBackwards(host, length)) lines.unshift(...window)
  return lines
}

/** Writes entries and ends; whatever fails, the writer is ended. */
async function write(host: Host, ...entries: TrailEntry[]): Promise<void> {
  const trail = await openTrail(host)
  try {
    for (const one of entries) await trail.write(one)
  } finally {
    await trail.end()
  }
}

describe.each(Object.entries(shells))('with %s as sh', (_, shell) => {
  const programs = ['id', 'cat', 'mkdir', 'chmod', 'tail', 'sync', 'tee', 'tr', 'dd', 'sed', 'head', 'wc']
  const place = async (pds: LocalPds) => {
    const session = await sessionWith(pds.dir, shell, programs)
    return openHost(async () => session, pds.config)
  }

  test('each entry is a line, in a file and a directory of root’s alone', async () => {
    await using pds = await localPds()
    const odd = entry(1, { reason: `it's "odd" \\n \\\\ %s $HOME \`x\` é 前\n\u0000\u2028 -n` })
    const done = entry(1, { event: 'outcome', outcome: 'ok' })
    const host = await place(pds)
    await write(host, odd, done)
    await write(host, entry(2))
    const lines = (await textOf(pds)).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual([odd, done, entry(2)])
    expect([await modeOf(fileOf(pds)), await modeOf(pds.path('kimbia-ops'))]).toEqual(['600', '700'])
    expect(await linesOf(host)).toEqual([odd, done, entry(2)].map((one) => ({ kind: 'entry', entry: one })))
  })

  test('after a line that was cut off, a new line is begun', async () => {
    await using pds = await localPds()
    await mkdir(pds.path('kimbia-ops'))
    await writeFile(fileOf(pds), `${JSON.stringify(entry(1))}\n{"time":"2026-`, { mode: 0o644 })
    const host = await place(pds)
    await write(host, entry(2))
    expect(await textOf(pds)).toBe(
      `${JSON.stringify(entry(1))}\n{"time":"2026-\n${JSON.stringify(entry(2))}\n`,
    )
    expect(await modeOf(fileOf(pds))).toBe('600')
    expect((await linesOf(host)).map((line) => line.kind)).toEqual(['entry', 'unreadable', 'entry'])
  })

  test('what cannot be written is told, with the reason', async () => {
    await using pds = await localPds()
    await mkdir(fileOf(pds), { recursive: true })
    const failure = await failureOf(write(await place(pds), entry(1)))
    expect(failure).toMatchObject({ outcome: 'failed', code: 'trail-not-writable' })
    expect(failure.message).toBe(`local:${fileOf(pds)} cannot be written: it is not a regular file`)
  })

  test('is read in windows from either end, whole lines and characters', async () => {
    await using pds = await localPds()
    await mkdir(pds.path('kimbia-ops'))
    const entries = Array.from({ length: 12 }, (_, i) => entry(i, { reason: '前é🐎'.repeat((i * 7) % 11) }))
    const torn = Buffer.concat([Buffer.from('{"a":"前'), Buffer.of(0xe5, 0x89)])
    const whole = Buffer.from(entries.map((one) => `${JSON.stringify(one)}\n`).join(''))
    await writeFile(fileOf(pds), Buffer.concat([whole, torn, Buffer.from('\n'), whole, torn]))
    const host = await place(pds)
    const kinds = [...entries, undefined, ...entries, undefined].map((one) => one?.id ?? 'torn')
    const told = (lines: readonly TrailLine[]) =>
      lines.map((line) => (line.kind === 'entry' ? line.entry.id : 'torn'))
    const all = await linesOf(host)
    expect(told(all)).toEqual(kinds)
    for (const length of [150, 401, 1_000_000]) {
      expect(await linesOf(host, length)).toEqual(all)
      expect(await linesFromEnd(host, length)).toEqual(all)
    }
  })

  test('two writers of long lines do not tear each other’s', async () => {
    await using pds = await localPds()
    const host = await place(pds)
    const trails = await Promise.all([openTrail(host), openTrail(host), openTrail(host)])
    const outcome = { event: 'outcome' } as const
    await Promise.all(
      trails.flatMap((trail, w) =>
        Array.from({ length: 60 }, (_, i) =>
          trail.write(entry(w, { ...outcome, message: `${w}`.repeat(i * 600) })),
        ),
      ),
    )
    await Promise.all(trails.map((trail) => trail.end()))
    const lines = await linesOf(host)
    expect(lines.filter((line) => line.kind === 'entry')).toHaveLength(180)
    expect(lines).toHaveLength(180)
  })
})

test('ten thousand entries at once', async () => {
  await using pds = await localPds()
  const host = hostOf(pds)
  const trail = await openTrail(host)
  const entries = Array.from({ length: 10_000 }, (_, i) => entry(i, { subject: `user${i}.test` }))
  await Promise.all(entries.map((one) => trail.write(one)))
  await trail.end()
  expect(await textOf(pds)).toBe(entries.map((one) => `${JSON.stringify(one)}\n`).join(''))
  expect((await linesOf(host)).length).toBe(10_000)
  expect(await linesFromEnd(host)).toEqual(await linesOf(host))
})

test('an entry is there when its write resolves', async () => {
  await using pds = await localPds()
  const trail = await openTrail(hostOf(pds))
  for (const id of [1, 2, 3]) {
    await trail.write(entry(id))
    expect((await textOf(pds)).split('\n')).toHaveLength(id + 1)
  }
  await trail.end()
})

test.each(['the file', 'the directory'])('%s as a symbolic link is not followed', async (what) => {
  await using pds = await localPds()
  await mkdir(pds.path('elsewhere'))
  await writeFile(pds.path('victim'), 'mine\n')
  if (what === 'the directory') await symlink(pds.path('elsewhere'), pds.path('kimbia-ops'))
  else {
    await mkdir(pds.path('kimbia-ops'))
    await symlink(pds.path('victim'), fileOf(pds))
  }
  const failure = await failureOf(write(hostOf(pds), entry(1)))
  expect(failure).toMatchObject({ outcome: 'failed', code: 'trail-not-writable' })
  expect(failure.message).toContain('symbolic link')
  expect(await readFile(pds.path('victim'), 'utf8')).toBe('mine\n')
})

describe.skipIf(withoutRoot)('a place that cannot be written', () => {
  test('a directory of another user’s', async () => {
    await using pds = await localPds()
    await using user = await localUser('none')
    await give([pds.path('pds.env')], user.operator)
    await chmod(pds.dir, 0o755)
    const host = openHost(async () => user.open(), { ...pds.config, sudo: 'never' })
    const failure = await failureOf(write(host, entry(1)))
    expect(failure).toMatchObject({ outcome: 'failed', code: 'trail-not-writable' })
    expect(failure.message).toContain('Permission denied')
  })

  test('a trail of another user’s cannot be read either', async () => {
    await using pds = await localPds()
    await using user = await localUser('none')
    await give([pds.path('pds.env')], user.operator)
    await chmod(pds.dir, 0o755)
    await write(hostOf(pds), entry(1))
    const host = openHost(async () => user.open(), { ...pds.config, sudo: 'never' })
    expect(await failureOf(linesOf(host))).toMatchObject({
      outcome: 'unreachable',
      code: 'trail-not-readable',
    })
  })

  test('a read-only file system', async () => {
    await using pds = await localPds()
    await mkdir(pds.path('kimbia-ops'))
    using _mounted = mount(pds.path('kimbia-ops'), 'ro')
    const failure = await failureOf(write(hostOf(pds), entry(1)))
    expect(failure).toMatchObject({ outcome: 'failed', code: 'trail-not-writable' })
    expect(failure.message).toContain('Read-only file system')
  })

  test('a full disk: what was confirmed is there, what was not is told, and the next line is whole', async () => {
    await using pds = await localPds()
    await mkdir(pds.path('kimbia-ops'))
    using _mounted = mount(pds.path('kimbia-ops'), 'size=64k')
    const host = hostOf(pds)
    const trail = await openTrail(host)
    const results = await Promise.allSettled(
      Array.from({ length: 500 }, (_, i) =>
        trail.write(entry(i, { event: 'outcome', message: 'x'.repeat(500) })),
      ),
    )
    const confirmed = results.filter(({ status }) => status === 'fulfilled').length
    expect(confirmed).toBeGreaterThan(10)
    expect(confirmed).toBeLessThan(500)
    const [refused] = results.filter((result) => result.status === 'rejected')
    expect(refused?.reason).toMatchObject({ outcome: 'failed', code: 'trail-not-writable' })
    expect(String(refused?.reason.message)).toContain('No space left on device')
    const kept = (await linesOf(host)).filter((line) => line.kind === 'entry')
    expect(kept).toHaveLength(confirmed)

    spawnSync('mount', ['-o', 'remount,size=1m', pds.path('kimbia-ops')])
    await trail.write(entry('after'))
    await trail.end()
    expect((await linesOf(host)).at(-1)).toEqual({ kind: 'entry', entry: entry('after') })
  })
})

function mount(dir: string, options: string): Disposable {
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', dir], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`mount: ${stderr}`)
  return { [Symbol.dispose]: () => void spawnSync('umount', [dir]) }
}

describe('reading', () => {
  test('a trail that was never written', async () => {
    await using pds = await localPds()
    expect(await linesOf(hostOf(pds))).toEqual([])
    expect(await linesFromEnd(hostOf(pds))).toEqual([])
    await mkdir(pds.path('kimbia-ops'))
    expect(await linesOf(hostOf(pds))).toEqual([])
  })

  test('lines that are none are kept, blank ones are not', async () => {
    await using pds = await localPds()
    await mkdir(pds.path('kimbia-ops'))
    await writeFile(fileOf(pds), `\n{}\n[1]\nnull\n${JSON.stringify({ ...entry(1), operator: 'x' })}\n\n{"a`)
    expect((await linesOf(hostOf(pds))).map((line) => line.kind)).toEqual(Array(5).fill('unreadable'))
  })

  test('changes are intents with their outcomes', async () => {
    const line = (one: TrailEntry): TrailLine => ({ kind: 'entry', entry: one })
    const lines = [
      line(entry('gone', { event: 'outcome', outcome: 'ok' })),
      line(entry('a', { did: 'did:plc:a', reason: 'spam' })),
      line(entry('b', { subject: 'bob.test' })),
      line(entry('b', { event: 'outcome', outcome: 'failed', message: 'no' })),
      line(entry('a', { event: 'outcome', outcome: 'ok' })),
      { kind: 'unreadable', text: '{"a' } as const,
      line(entry('c')),
    ]
    const changes = await joinChanges(lines)
    const [, a, b, torn, c] = changes
    expect(a).toEqual({
      time: '2026-11-22T18:00:00.000Z',
      operation: null,
      status: null,
      operator: 'ana@laptop as ops',
      command: 'account takedown',
      subject: 'alice.test',
      did: 'did:plc:a',
      reason: 'spam',
      outcome: 'ok',
      message: null,
    })
    expect(b).toMatchObject({ subject: 'bob.test', outcome: 'failed', message: 'no' })
    expect(torn).toMatchObject({ time: null, outcome: 'unreadable', message: 'not a line of the trail: {"a' })
    expect(c).toMatchObject({ outcome: 'unknown', message: null })
    const backwards: Change[] = []
    for await (const change of joinBackwards([lines.slice(3), lines.slice(0, 3)])) backwards.push(change)
    expect(backwards.toReversed()).toEqual(changes)
  })
})
