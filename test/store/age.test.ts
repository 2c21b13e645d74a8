import { spawnSync } from 'node:child_process'
import { readdir, readFile, stat } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { runStoreStep, storeStep } from '../../src/plan/steps/store.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { Store } from '../../src/store/store.ts'
import { failureOf } from '../support/failing.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { shown } from './shown.ts'
import { watched } from './watched.ts'

const [old, next] = [new Secret('old-5ecret'), new Secret('n3xt-5ecret')]
const recipient = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'
const isMissing =
  !process.env.KIMBIA_TEST_REQUIRE?.split(',').includes('age') && spawnSync('age', ['--version']).status !== 0

let place: Scratch
beforeEach(async () => {
  place = await scratch()
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await place[Symbol.asyncDispose]()
})

const open = (to: string, readCommand?: string): Store =>
  openStore(`age:${to}:${place.file('kimbia.age')}`, { base: '/nowhere', hostName: 'kimbia', readCommand })

describe.skipIf(isMissing)('with age (skipped where it is not installed)', () => {
  const key = () => place.file('key.txt')
  const decrypt = (name: string) =>
    spawnSync('age', ['-d', '-i', key(), place.file(name)], { encoding: 'utf8' }).stdout
  const newKey = async (): Promise<string> => {
    spawnSync('age-keygen', ['-o', key()])
    return /age1\w+/.exec(await readFile(key(), 'utf8'))?.[0] ?? ''
  }
  const newSshKey = async (): Promise<string> => {
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'me@here: /there', '-f', key()])
    return (await readFile(`${key()}.pub`, 'utf8')).trim()
  }

  test.each([
    ['age', newKey],
    ['ssh', newSshKey],
  ])('a rotation, to an %s key', async (_kind, make) => {
    const s = open(await make(), `age -d -i '${key()}' '${place.file('kimbia.age')}'`)
    const before = await readdir(place.dir)
    await s.check()
    expect(await readdir(place.dir)).toEqual(before)
    expect(shown(await s.read())).toEqual([undefined, undefined])
    await s.markCurrent(old)
    await s.writePending(next)
    expect([decrypt('kimbia.age'), decrypt('kimbia.age.pending')]).toEqual(['old-5ecret\n', 'n3xt-5ecret\n'])
    await s.discard(old)
    await s.discard(old)
    await s.writePending(next)
    await s.markCurrent(next)
    await s.markCurrent(next)
    expect(shown(await s.read())).toEqual(['n3xt-5ecret', undefined])
    expect(await readdir(place.dir)).toEqual([...before, 'kimbia.age'].sort())
    expect(((await stat(place.file('kimbia.age'))).mode & 0o777).toString(8)).toBe('600')
  })

  test('a line that looks at KIMBIA_OPS_SLOT reads the pending one too', async () => {
    const line = `f='${place.file('kimbia.age')}'; [ $KIMBIA_OPS_SLOT = current ] || f=$f.pending; age -d -i '${key()}' "$f"`
    const s = open(await newKey(), line)
    await s.markCurrent(old)
    await s.writePending(next)
    expect(shown(await s.read())).toEqual(['old-5ecret', 'n3xt-5ecret'])
  })

  test('a line that reads something else is found out, and the pending file stays', async () => {
    const s = open(await newKey(), 'echo something')
    await s.writePending(next)
    expect(await failureOf(s.markCurrent(next))).toMatchObject({ code: 'store-unverified' })
    expect(decrypt('kimbia.age.pending')).toBe('n3xt-5ecret\n')
  })

  test('without a line to read, what was marked is the old one again once it is given up', async () => {
    const s = open(await newKey())
    await s.writePending(next)
    await s.markCurrent(next)
    const vault = {
      store: async () => s,
      assertConfiguredStore: async () => {},
      currentPassword: async () => old,
    }
    const step = storeStep('discard', s.name, 'of pds.env')
    await runStoreStep(step, { ...vault, formerPassword: async () => next })
    expect(decrypt('kimbia.age')).toBe('old-5ecret\n')
    expect(await readdir(place.dir)).not.toContain('kimbia.age.pending')
  })

  test('a key that is none is told by check, and writes nothing', async () => {
    const failure = await failureOf(open('age1nonsense').check())
    expect(failure).toMatchObject({ code: 'store-refused' })
    expect(failure.message).toContain('age1nonsense')
    expect(await failureOf(open('age1nonsense').markCurrent(next))).toMatchObject({ code: 'store-refused' })
    expect(await readdir(place.dir)).toEqual([])
  })

  test('no other process sees the password', async () => {
    const s = open(await newKey())
    const seen = await watched(async () => {
      for (let i = 0; i < 5; i++) await s.markCurrent(next)
    })
    expect(seen).not.toContain(next.reveal())
    expect(await readFile(place.file('kimbia.age'), 'latin1')).not.toContain(next.reveal())
  })
})

test('age is not installed', async () => {
  vi.stubEnv('PATH', place.dir)
  const failure = await failureOf(open(recipient).check())
  expect(failure).toMatchObject({ outcome: 'failed', code: 'store-tool-missing' })
  expect(failure.hint).toContain('the package “age”')
})

test('without a line to read, it is only written to', async () => {
  expect(open(recipient).readable).toBe('no')
  expect(await failureOf(open(recipient).read())).toMatchObject({ code: 'store-not-readable' })
})
