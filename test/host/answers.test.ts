import { mkdir, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import type { HostView } from '../../src/host/access/host.ts'
import { readRecord } from '../../src/host/admin-password/record.ts'
import { readDrift } from '../../src/host/apply/env-drift.ts'
import { readOtherImage } from '../../src/host/apply/image-drift.ts'
import { readPending } from '../../src/host/change/pending.ts'
import { readDisk } from '../../src/host/disk.ts'
import { readComposeEngine, readEngine } from '../../src/host/docker/engine.ts'
import { readImageFacts } from '../../src/host/images/image-facts.ts'
import { openHost } from '../../src/host/open-host.ts'
import { readTrail, readTrailBackwards } from '../../src/host/trail/history.ts'
import { openLocal } from '../../src/ssh/connect/local.ts'
import { failureOf } from '../support/failing.ts'
import { localPds } from '../support/local-host.ts'
import { engineAnswer } from '../support/scripted-engine.ts'
import { scriptedHost } from '../support/scripted-host.ts'

const all = async (rows: AsyncIterable<unknown>): Promise<unknown[]> => {
  const found: unknown[] = []
  for await (const row of rows) found.push(row)
  return found
}

/** What is read of a host, each by the comment of its script. */
const looks: Readonly<Record<string, (host: HostView) => Promise<unknown>>> = {
  '# read the trail': (host) => all(readTrail(host)),
  '# read the record': readRecord,
  '# what change stands': readPending,
  '# look at the disks': readDisk,
  '# look at the containers': readEngine,
}

describe.each(Object.entries(looks))('%s', (comment, look) => {
  test.each([
    ['nothing', ''],
    ['one word', 'Welcome\n'],
    ['three words', 'one two three\n'],
    ['numbers', '0 100 1d\n'],
    ['half of an answer', 'window 0'],
  ])('answered by %s is a failure, and no empty result', async (_, stdout) => {
    const host = scriptedHost().on(comment, stdout)
    expect(await failureOf(look(host))).toMatchObject({ outcome: 'unreachable' })
    expect(host.asked).toHaveLength(1)
  })

  test('that ended with a code of its own is a failure, with what it said', async () => {
    const host = scriptedHost().on(comment, { code: 2, stderr: 'no such luck' })
    const failure = await failureOf(look(host))
    expect(failure.outcome).toBe('unreachable')
    expect(failure.message).toContain('no such luck')
    expect(failure.hint ?? failure.message).toBeTruthy()
  })
})

test('a trail that is read from its end is no empty one either', async () => {
  const host = scriptedHost().on('# read the trail', '0 100 1d\n')
  expect(await failureOf(all(readTrailBackwards(host)))).toMatchObject({ code: 'trail-not-readable' })
})

test('a host that was never changed says so', async () => {
  await using pds = await localPds()
  const host = openHost(async () => openLocal(), pds.config)
  expect(await all(readTrail(host))).toEqual([])
  expect(await readRecord(host)).toMatchObject({ text: undefined, record: undefined })
  expect(await readPending(host)).toBeUndefined()
  expect(await readDisk(host)).toMatchObject({ databases: 0, disks: [{ mount: expect.any(String) }] })
  await writeFile(pds.path('account.sqlite'), 'x'.repeat(10))
  await writeFile(pds.path('account.sqlite-wal'), 'x'.repeat(5))
  expect(await readDisk(host)).toMatchObject({ databases: 15 })
})

test('a record is read whole, and one that cannot be read is not taken for none', async () => {
  await using pds = await localPds()
  const host = openHost(async () => openLocal(), pds.config)
  await mkdir(pds.path('kimbia-ops'))
  const file = pds.path('kimbia-ops/admin-password.json')
  for (const text of ['', 'none\n', '{"rotatedAt":"2026-', 'null\n']) {
    await writeFile(file, text)
    expect(await readRecord(host)).toMatchObject({ text, record: undefined, path: file })
  }
})

test('a note of an earlier image that was cut off is told, and so is one that cannot be read at all', async () => {
  const answer = (notes: string) =>
    `kimbia-ops:image\nkimbia-ops:docker\n1\nkimbia-ops:images\n1\nkimbia-ops:copies\n1\nkimbia-ops:databases\nkimbia-ops:previous\n${notes}kimbia-ops:end\n`
  const facts = async (stdout: string) => {
    const path = '/pds/compose.yaml'
    const host = scriptedHost()
      .on('# look at the containers', engineAnswer([{}], [path]))
      .on('# look at the image', stdout)
    return readImageFacts(await readComposeEngine(host), 'sha256:1', [], host)
  }
  const note = '{"stamp":"20261101T000000Z","imageId":"sha256:2"}\n'
  expect(await facts(answer(note))).toMatchObject({
    previous: [{ imageId: 'sha256:2' }],
    unreadable: undefined,
  })
  expect(await facts(answer(`{"sta\n${note}`))).toMatchObject({
    previous: [{ imageId: 'sha256:2' }],
    unreadable: '/pds/kimbia-ops/images.jsonl cannot be read at line 1',
  })
  expect(await failureOf(facts(answer('').replace('kimbia-ops:end\n', '')))).toMatchObject({
    code: 'no-facts',
  })
})

test('where compose or docker cannot tell, nothing is taken to be as it was', async () => {
  const path = '/pds/compose.yaml'
  const texts = { [path]: 'services:\n  pds:\n    image: ghcr.io/x/pds:$TAG\n' }
  const host = scriptedHost()
    .on('# look at the containers', engineAnswer([{ env: ['PDS_OLD=1'] }], [path], { texts }))
    .on('# how compose resolves pds', { code: 15, stderr: 'no configuration file provided' })
    .on('config --images', { code: 15, stderr: 'no configuration file provided' })
    .on(/^docker image inspect/, { code: 1, stderr: 'the daemon is gone' })
  const engine = await readComposeEngine(host)
  const refused = await failureOf(readOtherImage(host, engine))
  expect(refused).toMatchObject({ outcome: 'failed', code: 'compose-refused' })
  expect(refused.message).toContain('no configuration file provided')
  const { pds } = engine
  if (!pds) throw new Error('there is no container')
  const other = { ...pds, imageId: 'sha256:other' }
  expect((await failureOf(readDrift(host, engine, other, 'A=1\n'))).message).toContain('the daemon is gone')
})
