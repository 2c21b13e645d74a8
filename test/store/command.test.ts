import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { Store } from '../../src/store/store.ts'
import { failureOf } from '../support/failing.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { shown } from './shown.ts'
import { watched } from './watched.ts'

const [old, next] = [new Secret('old-5ecret'), new Secret('n3xt-5ecret')]
let place: Scratch
beforeEach(async () => {
  place = await scratch()
})
afterEach(async () => {
  vi.useRealTimers()
  await place[Symbol.asyncDispose]()
})

const store = (line: string, readCommand?: string): Store =>
  openStore(`command:${line}`, { base: place.dir, hostName: 'kimbia', readCommand })
const text = (name: string) => readFileSync(place.file(name), 'utf8')
const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('with one place', () => {
  const one = () => store(`cat >'${place.file('one')}'`, `cat '${place.file('one')}'`)

  test('the pending password takes it at once, and the current one is written back', async () => {
    await one().markCurrent(old)
    await one().writePending(next)
    expect(text('one')).toBe('n3xt-5ecret\n')
    await one().discard(old)
    expect(shown(await one().read())).toEqual(['old-5ecret', undefined])
    await one().markCurrent(next)
    await one().markCurrent(next)
    expect(shown(await one().read())).toEqual(['n3xt-5ecret', undefined])
  })

  test('one that takes the password and does not keep it is found out', async () => {
    const lost = store('cat >/dev/null', 'echo something else')
    expect(await failureOf(lost.writePending(next))).toMatchObject({ code: 'store-unverified' })
    expect(await failureOf(lost.markCurrent(next))).toMatchObject({ code: 'store-unverified' })
  })
})

test('with a place for each, by KIMBIA_OPS_SLOT', async () => {
  const file = `'${place.dir}'/$KIMBIA_OPS_HOST.$KIMBIA_OPS_SLOT`
  const two = store(`cat >${file}`, `cat ${file}`)
  await two.markCurrent(old)
  expect(shown(await two.read())).toEqual(['old-5ecret', undefined])
  await two.writePending(next)
  expect(shown(await two.read())).toEqual(['old-5ecret', 'n3xt-5ecret'])
  expect([text('kimbia.current'), text('kimbia.pending')]).toEqual(['old-5ecret\n', 'n3xt-5ecret\n'])
})

test('without a line to read, nothing is read', async () => {
  const blind = store(`cat >>'${place.file('one')}'`)
  expect(blind.readable).toBe('no')
  await blind.writePending(next)
  expect(text('one')).toBe('n3xt-5ecret\n')
  const failure = await failureOf(blind.read())
  expect(failure).toMatchObject({ outcome: 'failed', code: 'store-not-readable' })
  expect(failure.hint).toContain('“read: LINE”')
})

test('no other process sees the password in words or environment', async () => {
  const slow = store(`sleep 0.2; cat >'${place.file('one')}'`, `sleep 0.2; cat '${place.file('one')}'`)
  const seen = await watched(async () => {
    await slow.writePending(next)
    await slow.markCurrent(next)
  })
  expect(seen).toContain('KIMBIA_OPS_SLOT=current')
  expect(seen).not.toContain(next.reveal())
})

describe('what goes wrong', () => {
  test('a failure is told with its last words, and without the password', async () => {
    const line = 'read x; echo "$x is refused: $x" >&2; exit 3'
    const failure = await failureOf(store(line).writePending(next))
    expect(failure).toMatchObject({ outcome: 'failed', code: 'store-refused' })
    expect(failure.message).toContain('exit code 3: ‹secret› is refused: ‹secret›')
    expect(JSON.stringify(failure) + failure.stack).not.toContain(next.reveal())
  })

  test('not even the end of it, where long words are cut', async () => {
    const failure = await failureOf(store('read x; printf "%s%492s" "$x" end >&2; exit 1').writePending(next))
    expect(failure.message).not.toContain('5ecret')
    expect(failure.message).toContain('end')
  })

  test('a line to read that fails shows nothing of what it printed', async () => {
    const failure = await failureOf(store('cat', 'echo old-5ecret; echo no old-5ecret >&2; exit 1').read())
    expect(failure.message).toContain('exit code 1: no ‹secret›')
  })

  test('a program that is not there is told by check, which runs nothing', async () => {
    const failure = await failureOf(store('no-such-program insert x').check())
    expect(failure).toMatchObject({ code: 'store-tool-missing' })
    expect(failure.message).toContain('no-such-program')
    expect(await failureOf(store('cat', 'no-such-reader x').check())).toMatchObject({
      code: 'store-tool-missing',
    })
    await store(`touch '${place.file('ran')}'`, 'cat x').check()
    expect(existsSync(place.file('ran'))).toBe(false)
  })

  test('one that is killed', async () => {
    const failure = await failureOf(store('kill -KILL $$').writePending(next))
    expect(failure.message).toContain('SIGKILL')
  })

  test('one that does not end is ended after 60 s, with what it has started', async () => {
    await writeFile(place.file('child'), 'trap "" TERM; echo $$ >"$1"; while :; do sleep 0.1; done\n')
    const line = `sh '${place.file('child')}' '${place.file('pid')}' & wait`
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const failing = failureOf(store(line).writePending(next))
    // Its pid is awaited in real time.
    const until = Date.now() + 20_000
    while (!(existsSync(place.file('pid')) && text('pid') !== '') && Date.now() < until)
      await new Promise((resolve) => setImmediate(resolve))
    const pid = Number(text('pid'))
    await vi.advanceTimersByTimeAsync(59_000)
    expect(isAlive(pid)).toBe(true)
    await vi.advanceTimersByTimeAsync(3_500)
    expect(await failing).toMatchObject({ outcome: 'failed', code: 'store-timeout' })
    vi.useRealTimers()
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 10_000)
  })
})
