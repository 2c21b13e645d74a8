import { existsSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Session } from '../../../src/ssh/session.ts'
import { act, ask } from '../../../src/ssh/shell.ts'
import { failureOf } from '../../support/failing.ts'
import { listen, type Relay } from '../../support/relay.ts'
import { scratchForAll } from '../../support/scratch.ts'
import { type Way, ways } from '../../support/sessions.ts'

const eventually = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 20 })

const lost = { outcome: 'unreachable', code: 'link-lost' }

const { local: _, ...remote } = ways

describe.each(Object.entries(remote))('the link is lost: %s', (_name, open) => {
  if (open === undefined) return test.skip('is not on this machine', () => {})
  let way: Way
  let wire: Relay

  beforeAll(async () => {
    way = await open()
    if (way.wire === undefined) throw new Error('no wire to cut')
    wire = way.wire
  }, 30_000)

  afterAll(() => way?.[Symbol.asyncDispose]())

  /** Runs with a session, whose link a failed test must not leave behind. */
  const withSession = async (use: (session: Session) => Promise<void>, options?: { keepalive?: number }) => {
    const session = await way.open(options)
    try {
      await use(session)
    } finally {
      await session.dispose()
    }
  }

  test('before a command', () =>
    withSession(async (session) => {
      wire.cut()
      expect(await failureOf(session.ask(ask`true`))).toMatchObject(lost)
      expect(await failureOf(session.act(act`true`))).toMatchObject(lost)
      expect(await failureOf(session.converse(ask`cat`))).toMatchObject(lost)
      expect(await failureOf(session.tunnel(1))).toMatchObject(lost)
      const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }
      expect(await failureOf(session.attach(ask`cat`, streams))).toMatchObject(lost)
    }))

  test('during commands: every one of them hears', () =>
    withSession(async (session) => {
      await using place = await scratchForAll()
      const names = ['a', 'b', 'c'].map(place.file)
      const running = names.map((name) =>
        failureOf(session.act(act`echo half an answer; touch ${name}; sleep 5`)),
      )
      const talk = await session.converse(ask`read x; sleep 5`)
      const said = failureOf(talk.say('hello'))
      const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }
      const attached = failureOf(session.attach(act`touch ${place.file('d')}; sleep 5`, streams))
      await eventually(() => expect([...names, place.file('d')].every(existsSync)).toBe(true))
      wire.cut()
      for (const failure of await Promise.all([...running, said, attached]))
        expect(failure).toMatchObject(lost)
      expect(await failureOf(talk.say('again'))).toMatchObject(lost)
      expect(await failureOf(talk.end())).toMatchObject(lost)
    }))

  test('after a command: its answer stands, the next is lost', () =>
    withSession(async (session) => {
      expect(await session.ask(ask`echo done`)).toMatchObject({ code: 0, stdout: 'done\n' })
      wire.cut()
      expect(await failureOf(session.ask(ask`true`))).toMatchObject(lost)
    }))

  test('nobody waits: this process lives on, and a new session opens', async () => {
    await withSession(async () => wire.cut())
    await withSession(async (session) => {
      expect(await session.ask(ask`echo here`)).toMatchObject({ stdout: 'here\n' })
    })
  })

  test('a tunnel is told', () =>
    withSession(async (session) => {
      await using silent = await listen(() => {})
      const stream = await session.tunnel(silent.port)
      const error = new Promise((resolve) => stream.once('error', resolve))
      wire.cut()
      expect(await error).toMatchObject(lost)
    }))

  test('a tunnel that nobody listens to harms no one', () =>
    withSession(async (session) => {
      await using silent = await listen(() => {})
      const stream = await session.tunnel(silent.port)
      stream.resume()
      const closed = new Promise((resolve) => stream.once('close', resolve))
      wire.cut()
      await closed
    }))

  test('a dead line is found out by keepalive', () =>
    withSession(
      async (session) => {
        await using place = await scratchForAll()
        const running = failureOf(session.act(act`touch ${place.file('up')}; sleep 5`))
        await eventually(() => expect(existsSync(place.file('up'))).toBe(true))
        wire.freeze()
        expect(await running).toMatchObject(lost)
        expect(await failureOf(session.ask(ask`true`))).toMatchObject(lost)
      },
      { keepalive: 50 },
    ))

  test('a dead line: a deadline still holds, and closing does not hang', () =>
    withSession(async (session) => {
      wire.freeze()
      expect(await failureOf(session.ask(ask`true`, { deadline: 50 }))).toMatchObject({ code: 'deadline' })
    }))
})
