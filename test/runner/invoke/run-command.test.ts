import { describe, expect, test, vi } from 'vitest'
import { failed, unreachable } from '../../../src/base/failure.ts'
import type { CallOptions } from '../../../src/pds/xrpc/client.ts'
import { interruption } from '../../../src/pds/xrpc/retry.ts'
import { column } from '../../../src/runner/command/columns.ts'
import { type Command, printer, query } from '../../../src/runner/command/command.ts'
import { argument } from '../../../src/runner/command/parameters.ts'
import { text } from '../../../src/runner/command/types.ts'
import { crowdOf, planned, takedowns, trying, userOf } from '../../support/plans.ts'
import { scriptedHost } from '../../support/scripted-host.ts'
import { changedBy, errorOf, nothing, rowsOf, scriptedWorld, told, unchanged } from '../../support/world.ts'

const tryIt = ['try', 'it', '--yes', '--json']

describe('the trail', () => {
  test('has the intent of each target before its first change, and its outcome once it is read back', async () => {
    const ran = await scriptedWorld({ pds: crowdOf(1), commands: planned(takedowns(1)) }).run(...tryIt)
    expect(ran.happened).toEqual([
      'intent',
      'change updateSubjectStatus',
      'read getSubjectStatus',
      'outcome ok',
      'stdout',
    ])
  })

  test('of many: an intent and an outcome for each', async () => {
    const ran = await scriptedWorld({ pds: crowdOf(12), commands: planned(takedowns(12)) }).run(...tryIt)
    expect(ran.trail.filter(({ event }) => event === 'intent')).toHaveLength(12)
    expect(ran.trail.filter(({ outcome }) => outcome === 'ok')).toHaveLength(12)
    const done = ran.happened.lastIndexOf('change updateSubjectStatus')
    expect(ran.happened.indexOf('outcome ok')).toBeGreaterThan(done)
  })

  test('cannot be written: nothing is done, and the rest is not tried', async () => {
    const host = scriptedHost({ refuse: () => 'No space left on device' })
    const ran = await scriptedWorld({ host, pds: crowdOf(24), commands: planned(takedowns(24)) }).run(
      ...tryIt,
    )
    expect(ran).toMatchObject({ code: 1, stdout: '', changes: [], trail: [] })
    expect(errorOf(ran)).toMatchObject({ code: 'trail-not-writable', done: [] })
    expect(errorOf(ran).notTried).toHaveLength(8)
  })

  test('cannot be written for one target', async () => {
    const host = scriptedHost({ refuse: () => 'Read-only file system' })
    const ran = await scriptedWorld({ host, pds: crowdOf(1), commands: planned(takedowns(1)) }).run(...tryIt)
    expect(ran).toMatchObject({ code: 1, stdout: '', changes: [] })
    expect(errorOf(ran)).toEqual({
      code: 'trail-not-writable',
      message: 'ops@pds.test:22:/pds/kimbia-ops/trail.jsonl cannot be written: Read-only file system',
      hint: 'nothing is changed on a host whose trail cannot be written',
    })
  })

  test('cannot be opened: nothing is done', async () => {
    const host = scriptedHost()
    host.converse = () => Promise.reject(unreachable('no-root', 'sudo is refused'))
    const ran = await scriptedWorld({ host, pds: crowdOf(1), commands: planned(takedowns(1)) }).run(...tryIt)
    expect(ran).toMatchObject({ code: 5, stdout: '', changes: [], trail: [] })
  })

  test('is cut off after the change: what was done stands, and is told as such', async () => {
    const host = scriptedHost({ refuse: ({ event }) => (event === 'outcome' ? 'No space left' : undefined) })
    const ran = await scriptedWorld({ host, pds: crowdOf(1), commands: planned(takedowns(1)) }).run(...tryIt)
    expect(ran.code).toBe(6)
    expect(rowsOf(ran)).toEqual([{ name: 'user0.test', ...changedBy(1) }])
    expect(ran.changes).toHaveLength(1)
    expect(errorOf(ran)).toMatchObject({
      code: 'trail-cut-off',
      hint: expect.stringContaining('do not repeat it'),
    })
    expect(errorOf(ran).message).toMatch(/^it was done, but its outcome could not be written to the trail: /)
  })

  test('is not kept of what changes only this machine', async () => {
    const commands = planned([{ subject: 'x', steps: [], rows: [{ name: 'x' }] }], { on: 'machine' })
    expect(await scriptedWorld({ commands }).run('try', 'it')).toMatchObject({ code: 0, ...nothing })
  })
})

describe('the report', () => {
  test('has a row for each target, in order, whether it was changed or not', async () => {
    const items = takedowns(3).map((item, index) => (index === 1 ? { ...item, steps: [] } : item))
    const ran = await scriptedWorld({ pds: crowdOf(3), commands: planned(items) }).run(...tryIt)
    expect(rowsOf(ran)).toEqual([
      { name: 'user0.test', ...changedBy(1) },
      { name: 'user1.test', ...unchanged },
      { name: 'user2.test', ...changedBy(1) },
    ])
  })

  test('says that there was nothing to do, on standard error', async () => {
    const same = takedowns(1).map((item) => ({ ...item, steps: [] }))
    const world = scriptedWorld({ commands: planned(same) })
    expect(await world.run('try', 'it')).toMatchObject({ code: 0, stderr: 'nothing to do\n' })
    expect(await world.run('try', 'it', '--quiet')).toMatchObject({ code: 0, stderr: '' })
  })

  test('says what is to be done by hand only after success', async () => {
    const commands = planned(takedowns(1), { afterwards: ['tell them'] })
    const good = await scriptedWorld({ pds: crowdOf(1), commands }).run(...tryIt)
    expect(good.stderr).toContain('tell them')
    const failure = failed('no', 'no')
    const bad = await scriptedWorld({ pds: crowdOf(1, [{ change: 1, failure }]), commands }).run(...tryIt)
    expect(bad.stderr).not.toContain('tell them')
  })

  test('the way there breaks in the middle: done, failed and not tried are named', async () => {
    const pds = crowdOf(24, [{ change: 3, failure: unreachable('link-lost', 'gone') }])
    const ran = await scriptedWorld({ pds, commands: planned(takedowns(24)) }).run(...tryIt)
    expect(ran.code).toBe(6)
    const { code, done, failed: misses, notTried } = errorOf(ran) as Record<string, unknown[] | string>
    expect(code).toBe('partial')
    expect(misses).toHaveLength(1)
    expect(rowsOf(ran).map(({ name }) => name)).toEqual(done)
    expect([...(done ?? []), ...(notTried ?? [])]).toHaveLength(23)
  })

  test('Ctrl-C in the middle: what has begun is finished, and the rest is named', async () => {
    const stop = new AbortController()
    const world = scriptedWorld({
      pds: crowdOf(24),
      commands: planned(takedowns(24)),
      stop: stop.signal,
      async between(change, make) {
        if (userOf(change) === 'user2.test') stop.abort()
        return await make()
      },
    })
    const ran = await world.run(...tryIt)
    expect(ran.code).toBe(130)
    const { done, notTried } = errorOf(ran) as { done: string[]; notTried: string[] }
    expect(done).toHaveLength(ran.changes.length)
    expect(done.length + notTried.length).toBe(24)
    expect(notTried).toContain('user23.test')
    expect(told(ran).filter((line) => line.startsWith('ok'))).toHaveLength(done.length)
  })

  test('a dry run of what cannot be done says so, and that nothing was', async () => {
    const refused = [{ subject: 'nobody', code: 'account-not-found', message: 'no such account' }]
    const world = scriptedWorld({ commands: planned(takedowns(2), { refused }) })
    const ran = await world.run('try', 'it', '--dry-run', '--json')
    expect(ran).toMatchObject({ code: 1, ...nothing })
    expect(rowsOf(ran)).toHaveLength(3)
    expect(errorOf(ran)).toMatchObject({
      code: 'account-not-found',
      message: '1 target cannot be done, as shown',
    })
  })
})

describe('what is missing', () => {
  const account = ['account', 'info', '--json']

  test('is asked for on a terminal', async () => {
    const terminal = { interactive: true, answers: [' nobody.test '] }
    const ran = await scriptedWorld({ terminal }).run(...account)
    expect(ran).toMatchObject({ code: 1, asked: ['text handle, DID, URL or email'] })
    expect(errorOf(ran).message).toContain('nobody.test')
  })

  test.each([
    ['not a word', 2],
    ['', 2],
  ])('is checked as if it had been typed before: “%s”', async (answer, code) => {
    const terminal = { interactive: true, answers: [answer] }
    const ran = await scriptedWorld({ terminal }).run(...account)
    expect(ran).toMatchObject({ code, happened: [] })
  })

  test.each([
    ['nobody is there', {}, []],
    ['nobody may be asked', { interactive: true }, ['--no-input']],
  ])('is a usage error when %s', async (_, terminal, flags) => {
    const ran = await scriptedWorld({ terminal }).run(...account, ...flags)
    expect(ran).toMatchObject({ code: 2, stdout: '', asked: [], happened: [] })
    expect(errorOf(ran).message).toContain('<account>')
  })
})

describe('everything that was opened is closed', () => {
  const broken = (cause: Error): Record<string, readonly Command[]> => ({
    'try it': trying(async ({ pds }) => {
      await pds.query('com.atproto.server.describeServer', {})
      throw cause
    }),
    look: [
      query({
        name: 'look',
        summary: 'Look',
        examples: [],
        input: {},
        output: { name: column(text, 'what was seen') },
        result: 'one',
        async read(_input, { pds }) {
          await pds.query('com.atproto.server.describeServer', {})
          throw cause
        },
      }),
    ],
  })

  test.each([
    ['try it', new TypeError('a bug')],
    ['try it', failed('no', 'a Failure')],
    ['look', new TypeError('a bug')],
    ['look', failed('no', 'a Failure')],
  ])('after “%s” ended in %s', async (line, cause) => {
    const world = scriptedWorld({ commands: broken(cause)[line] as readonly Command[] })
    const ending = world.run(...line.split(' '))
    if (cause instanceof TypeError) await expect(ending).rejects.toThrow(`TypeError: ${cause.message}`)
    else expect(await ending).toMatchObject({ code: 1, stderr: `error: ${cause.message}\n` })
    expect([world.host.disposed(), world.pds.disposals]).toEqual([true, 1])
  })

  test('and each only once, however often it is looked at', async () => {
    const world = scriptedWorld({ pds: crowdOf(3), commands: planned(takedowns(3)) })
    await world.run(...tryIt)
    expect(world.pds.disposals).toBe(1)
  })

  test('and what is not needed is not opened', async () => {
    const speak = printer({
      name: 'speak',
      summary: 'Speak',
      examples: [],
      input: { word: argument(text, 'what') },
      print: ({ word }) => `${word}\n`,
    })
    const world = scriptedWorld({ commands: [speak] as Command[] })
    expect(await world.run('speak', 'hi')).toMatchObject({ code: 0, stdout: 'hi\n', happened: ['stdout'] })
    expect([world.host.disposed(), world.pds.disposals]).toEqual([false, 0])
  })
})

describe('--timeout', () => {
  test.each([
    ['account takedown user0 --yes'],
    ['account create a@example.com alice'],
    ['account list'],
    ['invite list'],
    ['invite disable some-code --yes'],
    ['xrpc get _health'],
  ])('ends a wait for the PDS: %s', async (line) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const pds = crowdOf(1)
      const never = ({ signal }: CallOptions = {}) =>
        new Promise<never>((_, reject) => {
          signal?.addEventListener('abort', () => reject(interruption(signal)))
        })
      pds.query = (_nsid, _params, options) => never(options)
      pds.get = (_nsid, _params, options) => never(options)
      const ran = scriptedWorld({ pds }).run(...line.split(' '), '--json', '--timeout', '5s')
      await vi.advanceTimersByTimeAsync(5_000)
      expect(await ran).toMatchObject({ code: 5, stdout: '', ...nothing })
      expect(errorOf(await ran)).toMatchObject({
        code: 'timeout',
        message: expect.stringMatching(/^it took longer than --timeout 5s/),
      })
    } finally {
      vi.useRealTimers()
    }
  })

  test('in the middle of many: what has begun is finished, and the rest is named', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const world = scriptedWorld({
        pds: crowdOf(24),
        commands: planned(takedowns(24)),
        async between(change, make) {
          if (userOf(change) === 'user2.test') vi.advanceTimersByTime(5_000)
          return await make()
        },
      })
      const ran = await world.run(...tryIt, '--timeout', '5s')
      expect(ran.code).toBe(6)
      const { done, notTried } = errorOf(ran) as { done: string[]; notTried: string[] }
      expect(done).toHaveLength(ran.changes.length)
      expect(done.length + notTried.length).toBe(24)
    } finally {
      vi.useRealTimers()
    }
  })
})
