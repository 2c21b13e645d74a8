import { spawnSync } from 'node:child_process'
import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { Store } from '../../src/store/store.ts'
import { failureOf } from '../support/failing.ts'
import { withoutRoot } from '../support/local-host.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { shown } from './shown.ts'
import { watched } from './watched.ts'

const [old, next] = [new Secret('old-5ecret'), new Secret('n3xt-5ecret')]
let place: Scratch
beforeEach(async () => {
  place = await scratch()
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await place[Symbol.asyncDispose]()
})

const store = (path: string): Store => openStore(`file:${path}`, { base: place.dir, hostName: 'kimbia' })
const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

describe('a rotation', () => {
  test('from nothing at all, in folders that are made', async () => {
    const s = store('kept/here/kimbia')
    await s.check()
    expect(await readdir(place.dir)).toEqual([])
    expect(shown(await s.read())).toEqual([undefined, undefined])
    await s.markCurrent(old)
    await s.writePending(next)
    expect(shown(await s.read())).toEqual(['old-5ecret', 'n3xt-5ecret'])
    await s.markCurrent(next)
    await s.markCurrent(next)
    expect(shown(await s.read())).toEqual(['n3xt-5ecret', undefined])
    expect(await readdir(place.file('kept/here'))).toEqual(['kimbia'])
    expect(await readFile(place.file('kept/here/kimbia'), 'utf8')).toBe('n3xt-5ecret\n')
    expect(await modeOf(place.file('kept/here/kimbia'))).toBe('600')
    expect([await modeOf(place.file('kept')), await modeOf(place.file('kept/here'))]).toEqual(['700', '700'])
  })

  test('a pending password is given up', async () => {
    const s = store('kimbia')
    await s.markCurrent(old)
    await s.writePending(next)
    expect(await modeOf(place.file('kimbia.pending'))).toBe('600')
    await s.discard(old)
    await s.discard(old)
    expect(shown(await s.read())).toEqual(['old-5ecret', undefined])
  })

  test('no other process ever sees the password', async () => {
    const seen = await watched(async () => {
      await store('kimbia').writePending(next)
      await store('kimbia').markCurrent(next)
    })
    expect(seen).not.toContain(next.reveal())
  })
})

test.each(['n3xt-5ecret', 'n3xt-5ecret\n', 'n3xt-5ecret\r\n'])('what %j holds', async (text) => {
  await writeFile(place.file('kimbia'), text, { mode: 0o600 })
  expect(shown(await store('kimbia').read())).toEqual(['n3xt-5ecret', undefined])
})

test('only the newline at the end is not part of it', async () => {
  await writeFile(place.file('kimbia'), ' a b \n\n', { mode: 0o600 })
  expect(shown(await store('kimbia').read())[0]).toBe(' a b \n')
})

describe('what others could read', () => {
  test.each<[string, (s: Store) => Promise<unknown>]>([
    ['check', (s) => s.check()],
    ['read', (s) => s.read()],
    ['write', (s) => s.markCurrent(next)],
  ])('a file open to the group is refused by %s', async (_what, work) => {
    await writeFile(place.file('kimbia'), 'old-5ecret\n')
    await chmod(place.file('kimbia'), 0o640)
    const failure = await failureOf(work(store('kimbia')))
    expect(failure).toMatchObject({ outcome: 'failed', code: 'store-not-private' })
    expect(failure.hint).toBe(`run: chmod 600 '${place.file('kimbia')}'`)
    expect(await readFile(place.file('kimbia'), 'utf8')).toBe('old-5ecret\n')
  })

  test('a folder that others can read is no danger', async () => {
    await chmod(place.dir, 0o755)
    await store('kimbia').check()
    await store('kimbia').writePending(next)
    expect(shown(await store('kimbia').read())[1]).toBe(next.reveal())
  })

  test('a folder that others can write to is refused', async () => {
    await chmod(place.dir, 0o775)
    const failure = await failureOf(store('kimbia').writePending(next))
    expect(failure).toMatchObject({ code: 'store-not-private' })
    expect(failure.message).toContain('mode 775')
    expect(failure.hint).toBe(`run: chmod go-w '${place.dir}'`)
    expect(await readdir(place.dir)).toEqual([])
  })
})

describe('links', () => {
  test('stay links, and what they lead to is replaced', async () => {
    await mkdir(place.file('vault'), { mode: 0o700 })
    await writeFile(place.file('vault/real'), 'old-5ecret\n', { mode: 0o600 })
    await symlink('vault/real', place.file('kimbia'))
    await store('kimbia').markCurrent(next)
    expect((await lstat(place.file('kimbia'))).isSymbolicLink()).toBe(true)
    expect(await readFile(place.file('vault/real'), 'utf8')).toBe('n3xt-5ecret\n')
  })

  test('to nothing are told', async () => {
    await symlink('gone', place.file('kimbia'))
    expect(await failureOf(store('kimbia').markCurrent(next))).toMatchObject({ code: 'store-file-unusable' })
    expect((await lstat(place.file('kimbia'))).isSymbolicLink()).toBe(true)
  })
})

test('what a crash has left beside it is swept up', async () => {
  await writeFile(place.file('.kimbia.kimbia-ops.tmp'), 'half', { mode: 0o644 })
  await store('kimbia').markCurrent(next)
  expect(await readdir(place.dir)).toEqual(['kimbia'])
  expect(await modeOf(place.file('kimbia'))).toBe('600')
})

test('a folder in its place is told by check', async () => {
  await mkdir(place.file('kimbia'), { mode: 0o700 })
  expect(await failureOf(store('kimbia').check())).toMatchObject({ code: 'store-file-unusable' })
})

test.skipIf(withoutRoot)('a full disk leaves the old one (needs root)', async () => {
  const disk = place.file('disk')
  await mkdir(disk)
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8k,mode=700', 'tmpfs', disk])
  try {
    await store('disk/kimbia').markCurrent(old)
    spawnSync('sh', ['-c', 'cat /dev/zero >"$1"', 'sh', `${disk}/fill`])
    const failure = await failureOf(store('disk/kimbia').markCurrent(next))
    expect(failure).toMatchObject({ outcome: 'failed', code: 'store-not-written' })
    expect(failure.message).toContain('ENOSPC')
    expect(failure.hint).toContain('df -h')
    expect(shown(await store('disk/kimbia').read())).toEqual(['old-5ecret', undefined])
    expect((await readdir(disk)).sort()).toEqual(['fill', 'kimbia'])
  } finally {
    spawnSync('umount', [disk])
  }
})

test.skipIf(withoutRoot)('a folder that cannot be written to is told by check (needs root)', async () => {
  const disk = place.file('disk')
  await mkdir(disk)
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'ro,mode=700', 'tmpfs', disk])
  try {
    const failure = await failureOf(store('disk/a/kimbia').check())
    expect(failure).toMatchObject({ code: 'store-not-written' })
    expect(failure.message).toContain('EROFS')
  } finally {
    spawnSync('umount', [disk])
  }
})

test('~ is the home directory', async () => {
  vi.stubEnv('HOME', place.dir)
  await openStore('file:~/kimbia', { base: '/nowhere', hostName: 'kimbia' }).markCurrent(next)
  expect(await readdir(place.dir)).toEqual(['kimbia'])
})
