import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { PassThrough, type Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { whileRead } from '../../src/ssh/session/stream-lines.ts'
import type { Session } from '../../src/ssh/session.ts'
import { act, ask } from '../../src/ssh/shell.ts'
import { failureOf } from '../support/failing.ts'
import { closedPort, listen } from '../support/relay.ts'
import { scratchForAll } from '../support/scratch.ts'
import { type Way, ways } from '../support/sessions.ts'

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Waits for something that must come about, however long this machine takes. */
const eventually = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 20 })

describe.each(Object.entries(ways))('%s', (_name, open) => {
  // A skipped way is counted by its one skipped test.
  if (open === undefined) return test.skip('is not on this machine', () => {})
  let way: Way
  let session: Session

  beforeAll(async () => {
    way = await open()
    session = await way.open()
  }, 30_000)

  afterAll(async () => {
    await session?.dispose()
    await way?.[Symbol.asyncDispose]()
  })

  const ended = async (pid: number) => {
    // Given up before it could even write its number.
    if (!pid) return
    if (way.endsCommands === 'yes') await eventually(() => expect(isAlive(pid)).toBe(false))
    else process.kill(pid)
  }

  describe('a command', () => {
    test.each([0, 1, 7, 127, 255])('its exit code %i is an answer', async (code) => {
      const answer = await session.ask(ask`echo out; echo err >&2; exit ${code}`)
      expect(answer).toEqual({ code, stdout: 'out\n', stderr: 'err\n' })
    })

    test('acting is the same as asking', async () => {
      expect(await session.act(act`exit 3`)).toEqual({ code: 3, stdout: '', stderr: '' })
    })

    test('what is not there is code 127', async () => {
      expect(await session.ask(ask`no-such-program-here`)).toMatchObject({ code: 127 })
    })

    test('sh runs it, and every word arrives as it was', async () => {
      const words = ["it's", '$HOME', '`id`', 'two  words', '', 'žluť 🐎', 'line\nbreak', '\\n']
      const { stdout } = await session.ask(ask`printf '%s\\0' ${words}`)
      expect(stdout.split('\0').slice(0, -1)).toEqual(words)
    })

    test('a script of several lines is one command', async () => {
      const script = ask`set -e
        f() { printf '%s;' "$1"; }
        for i in 1 2 3; do f "$i"; done
        cat <<'END'
here $HOME
END`
      expect(await session.ask(script)).toEqual({ code: 0, stdout: '1;2;3;here $HOME\n', stderr: '' })
    })

    test('without stdin it reads nothing', async () => {
      expect(await session.ask(ask`cat; echo end`)).toMatchObject({ stdout: 'end\n' })
    })

    test.each<[string, string | Secret | Uint8Array]>([
      ['text', 'grüße\n'],
      ['a secret', new Secret('grüße\n')],
      ['bytes', Buffer.from('grüße\n')],
    ])('stdin takes %s', async (_what, stdin) => {
      expect(await session.ask(ask`cat`, { stdin })).toEqual({ code: 0, stdout: 'grüße\n', stderr: '' })
    })

    test('10 MB of stdin arrive whole', async () => {
      const stdin = Buffer.alloc(10 * 1024 * 1024, 'kimbia ')
      const { stdout } = await session.ask(ask`sha256sum`, { stdin })
      expect(stdout.split(' ')[0]).toBe(sha256(stdin))
    })

    test('20 MB of output arrive whole', async () => {
      const { code, stdout } = await session.ask(ask`head -c 20971520 /dev/zero | tr '\\0' k`)
      expect(code).toBe(0)
      expect(sha256(stdout)).toBe(sha256('k'.repeat(20 * 1024 * 1024)))
    })

    test('a command that leaves its stdin unread still answers', async () => {
      const stdin = Buffer.alloc(10 * 1024 * 1024)
      expect(await session.ask(ask`echo done; exit 4`, { stdin })).toEqual({
        code: 4,
        stdout: 'done\n',
        stderr: '',
      })
    })

    test('a character split between two chunks stays whole', async () => {
      // F0 9F 90 8E is a horse.
      const script = ask`printf '\\360\\237'; sleep 0.1; printf '\\220\\216'; printf '\\303' >&2; sleep 0.1; printf '\\274' >&2`
      expect(await session.ask(script)).toEqual({ code: 0, stdout: '🐎', stderr: 'ü' })
    })

    test('nothing is trimmed', async () => {
      expect(await session.ask(ask`printf '\\n a \\n\\n'`)).toMatchObject({ stdout: '\n a \n\n' })
    })

    test('many at once do not mix', async () => {
      const numbers = Array.from({ length: 8 }, (_, i) => i)
      const answers = await Promise.all(
        numbers.map((n) => session.ask(ask`read x; echo "${n} $x"`, { stdin: `in ${n}\n` })),
      )
      expect(answers.map(({ stdout }) => stdout)).toEqual(numbers.map((n) => `${n} in ${n}\n`))
    })

    test('one that is killed by a signal is no answer', async () => {
      const failure = await failureOf(session.ask(ask`echo last words >&2; kill -KILL $$`))
      expect(failure).toMatchObject({ outcome: 'unreachable', code: 'killed' })
      expect(failure.message).toContain('SIGKILL')
      expect(failure.message).toContain('last words')
    })

    test('a missed deadline gives it up, and ends it', async () => {
      await using place = await scratchForAll()
      const pidFile = place.file('pid')
      const running = session.act(act`echo $$ >${pidFile}; sleep 60`, { deadline: 1500 })
      expect(await failureOf(running)).toMatchObject({ outcome: 'unreachable', code: 'deadline' })
      await ended(Number(existsSync(pidFile) && readFileSync(pidFile, 'utf8')))
      expect(await session.ask(ask`echo still here`)).toMatchObject({ stdout: 'still here\n' })
    }, 30_000)

    test('an abort gives it up, and ends it', async () => {
      await using place = await scratchForAll()
      const pidFile = place.file('pid')
      const abort = new AbortController()
      const running = failureOf(session.act(act`echo $$ >${pidFile}; sleep 60`, { signal: abort.signal }))
      await eventually(() => expect(readFileSync(pidFile, 'utf8')).toMatch(/\d\n/))
      abort.abort()
      expect(await running).toMatchObject({ outcome: 'interrupted', code: 'interrupted' })
      await ended(Number(existsSync(pidFile) && readFileSync(pidFile, 'utf8')))
    }, 30_000)

    test('an abort that came before starts nothing', async () => {
      await using place = await scratchForAll()
      const signal = AbortSignal.abort()
      expect(await failureOf(session.act(act`touch ${place.file('made')}`, { signal }))).toMatchObject({
        outcome: 'interrupted',
      })
      await session.ask(ask`true`)
      expect(existsSync(place.file('made'))).toBe(false)
    })

    test('more output than anyone could want is a failure', async () => {
      const failure = await failureOf(session.ask(ask`head -c 70000000 /dev/zero`))
      expect(failure).toMatchObject({ outcome: 'failed', code: 'output-limit' })
    }, 30_000)
  })

  describe('lines', () => {
    const all = async (lines: AsyncIterable<string>): Promise<string[]> => {
      const found: string[] = []
      for await (const line of lines) found.push(line)
      return found
    }

    test('come as they are printed, whole, the last one without its end too', async () => {
      const lines = session.lines(ask`printf 'a\\n\\n\\303'; sleep 0.1; printf '\\274\\nend'`)
      expect(await all(lines)).toEqual(['a', '', 'ü', 'end'])
    })

    test('each is there before the next is printed', async () => {
      await using place = await scratchForAll()
      const go = place.file('go')
      const lines = session.lines(ask`echo one; until [ -e ${go} ]; do sleep 0.02; done; echo two`)
      const taken: string[] = []
      for await (const line of lines) {
        taken.push(line)
        if (line === 'one') writeFileSync(go, '')
      }
      expect(taken).toEqual(['one', 'two'])
    })

    test('a first line is read before its own standard input', async () => {
      const lines = session.lines(ask`read -r x; echo "got $x"`, { first: new Secret('pässword') })
      expect(await all(lines)).toEqual(['got pässword'])
    })

    test('a command that fails is a failure at its end, with what it said about it', async () => {
      const taken: string[] = []
      const failure = await failureOf(
        (async () => {
          for await (const line of session.lines(ask`echo out; echo no such log >&2; exit 3`))
            taken.push(line)
        })(),
      )
      expect(failure).toMatchObject({ outcome: 'failed', code: 'command-failed' })
      expect(failure.message).toMatch(/code 3.*no such log/)
      expect(taken).toEqual(['out'])
    })

    test('one that nobody reads on does not run ahead, and ends when it is left', async () => {
      await using place = await scratchForAll()
      const [pidFile, count] = [place.file('pid'), place.file('count')]
      const script = ask`echo $$ >${pidFile}; i=0
        while [ $i -lt 2000 ]; do i=$((i + 1)); echo $i >${count}; head -c 65536 /dev/zero | tr '\\0' k; echo; done`
      const lines = session.lines(script)
      for await (const line of lines) {
        expect(line).toHaveLength(65_536)
        await new Promise((resolve) => setTimeout(resolve, 500))
        // 2000 of these would be 130 MB.
        expect(Number(readFileSync(count, 'utf8'))).toBeLessThan(500)
        break
      }
      await eventually(() => expect(isAlive(Number(readFileSync(pidFile, 'utf8')))).toBe(false))
    }, 30_000)

    test('the end of standard input ends a silent program when its reader leaves, and when it is aborted', async () => {
      const program = ['sh', '-c', 'echo $$; exec sleep 60']
      let pid = 0
      for await (const line of session.lines(whileRead(program))) {
        pid = Number(line)
        break
      }
      await eventually(() => expect(isAlive(pid)).toBe(false))
      const abort = new AbortController()
      const failure = await failureOf(
        (async () => {
          for await (const line of session.lines(whileRead(program), { signal: abort.signal })) {
            pid = Number(line)
            abort.abort()
          }
        })(),
      )
      expect(failure).toMatchObject({ outcome: 'interrupted' })
      await eventually(() => expect(isAlive(pid)).toBe(false))
      expect(await session.ask(ask`echo still here`)).toMatchObject({ stdout: 'still here\n' })
    }, 60_000)

    test('a lost line is a failure', async () => {
      if (!way.wire) return
      await using own = await open()
      const other = await own.open()
      const failure = await failureOf(
        (async () => {
          for await (const _ of other.lines(whileRead(['sh', '-c', 'echo a; exec sleep 60']))) own.wire?.cut()
        })(),
      )
      expect(failure).toMatchObject({ outcome: 'unreachable' })
      await other.dispose()
    }, 30_000)
  })

  describe('a conversation', () => {
    test('answers line by line, in order, even when asked all at once', async () => {
      const talk = await session.converse(ask`while read -r x; do echo "got $x"; done`)
      const lines = Array.from({ length: 50 }, (_, i) => `line ${i} ü`)
      expect(await talk.say('hello')).toBe('got hello')
      expect(await Promise.all(lines.map((line) => talk.say(line)))).toEqual(
        lines.map((line) => `got ${line}`),
      )
      expect(await talk.end()).toEqual({ code: 0, stdout: '', stderr: '' })
    })

    test('a character split between two chunks stays whole', async () => {
      const talk = await session.converse(
        ask`read x; printf '\\303'; sleep 0.1; printf '\\274 '; sleep 0.1; echo end`,
      )
      expect(await talk.say('go')).toBe('ü end')
      await talk.end()
    })

    test('when it ends, whoever waits hears why', async () => {
      const talk = await session.converse(ask`read x; echo one; echo disk full >&2; exit 9`)
      const [first, second, third] = await Promise.allSettled([talk.say('a'), talk.say('b'), talk.say('c')])
      expect(first).toEqual({ status: 'fulfilled', value: 'one' })
      for (const one of [second, third]) {
        const failure = await failureOf(
          one.status === 'rejected' ? Promise.reject(one.reason) : Promise.resolve(),
        )
        expect(failure).toMatchObject({ outcome: 'failed', code: 'conversation-ended' })
        expect(failure.message).toMatch(/code 9.*disk full/)
      }
      expect(await failureOf(talk.say('d'))).toMatchObject({ code: 'conversation-ended' })
      expect(await talk.end()).toEqual({ code: 9, stdout: '', stderr: 'disk full\n' })
    })

    test('that stops answering is given up after its deadline, and so is all that waits for it', async () => {
      const talk = await session.converse(ask`read x; echo "got $x"; sleep 60`, { deadline: 3000 })
      expect(await talk.say('a')).toBe('got a')
      const failures = await Promise.all([failureOf(talk.say('b')), failureOf(talk.say('c'))])
      for (const failure of [...failures, await failureOf(talk.say('d')), await failureOf(talk.end())]) {
        expect(failure).toMatchObject({ outcome: 'unreachable', code: 'deadline' })
        expect(failure.message).toContain('echo "got $x"')
      }
      expect(await session.ask(ask`echo still here`)).toMatchObject({ stdout: 'still here\n' })
    }, 30_000)

    test('that does not end is given up after its deadline', async () => {
      const talk = await session.converse(ask`cat; sleep 60`, { deadline: 3000 })
      expect(await talk.say('a')).toBe('a')
      expect(await failureOf(talk.end())).toMatchObject({ outcome: 'unreachable', code: 'deadline' })
    }, 30_000)

    test('that is still to start when all is disposed of does not stay', async () => {
      const other = await way.open()
      const starting = failureOf(other.converse(ask`echo ready; cat`).then((talk) => talk.end()))
      await other.dispose()
      expect(await starting).toMatchObject({ outcome: 'unreachable' })
    })

    test('a line break cannot be smuggled in', async () => {
      const talk = await session.converse(ask`cat`)
      expect(() => talk.say('a\nb')).toThrow(TypeError)
      await talk.end()
    })
  })

  describe('attached', () => {
    const streams = (input: string) => {
      const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
      stdin.end(input)
      return { stdin, stdout, stderr }
    }
    const all = (stream: PassThrough): Promise<string> => text(stream.end() as unknown as Readable)

    test('the streams are joined, and the exit code is given as it is', async () => {
      const own = streams('typed\n')
      expect(await session.attach(act`cat; echo err >&2; exit 42`, own)).toBe(42)
      expect([await all(own.stdout), await all(own.stderr)]).toEqual(['typed\n', 'err\n'])
    })

    test('a first line goes in front of what is typed', async () => {
      const own = { ...streams('typed\n'), first: new Secret('pässword') }
      expect(await session.attach(act`cat`, own)).toBe(0)
      expect(await all(own.stdout)).toBe('pässword\ntyped\n')
    })

    test('an end by signal is 128 and its number', async () => {
      expect(await session.attach(act`kill -TERM $$`, streams(''))).toBe(128 + 15)
    })

    test.each(['stdout', 'stderr'] as const)(
      'ends as by a broken pipe when nobody reads its %s any more',
      async (name) => {
        await using place = await scratchForAll()
        const own = { ...streams(''), stdin: new PassThrough() }
        const reader = own[name]
        reader.once('data', () => reader.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })))
        const fd = name === 'stdout' ? 1 : 2
        const endless = act`echo $$ >${place.file('pid')}; while :; do echo more than a pipe can hold >&${fd}; done`
        expect(await session.attach(endless, own)).toBe(128 + 13)
        if (way.endsCommands === 'yes') await ended(Number(readFileSync(place.file('pid'), 'utf8')))
        expect(await session.ask(ask`echo still here`)).toMatchObject({ stdout: 'still here\n' })
      },
      30_000,
    )

    test('an output that is only closed counts as well', async () => {
      const own = { ...streams(''), stdin: new PassThrough() }
      own.stdout.once('data', () => own.stdout.destroy())
      expect(await session.attach(act`while :; do echo more; done`, own)).toBe(128 + 13)
    }, 30_000)

    test('an abort ends it', async () => {
      const abort = new AbortController()
      const own = { ...streams(''), stdin: new PassThrough(), signal: abort.signal }
      own.stdout.once('data', () => abort.abort())
      expect(await failureOf(session.attach(act`echo up; sleep 60`, own))).toMatchObject({
        outcome: 'interrupted',
      })
    })
  })

  describe('a tunnel', () => {
    test('carries bytes both ways, and the end of them', async () => {
      await using echo = await listen((socket) => socket.pipe(socket))
      const stream = await session.tunnel(echo.port)
      const data = Buffer.alloc(3_000_000, 'tunnel ')
      stream.end(data)
      expect(sha256(await text(stream))).toBe(sha256(data))
    })

    test('several are open at once', async () => {
      await using echo = await listen((socket) => socket.pipe(socket))
      const open = await Promise.all(Array.from({ length: 12 }, () => session.tunnel(echo.port)))
      const answers = open.map((stream, i) => text(stream.end(`${i}`)))
      expect(await Promise.all(answers)).toEqual(open.map((_, i) => `${i}`))
    })

    test('to a port where nobody listens is refused by name', async () => {
      const port = await closedPort()
      const failure = await failureOf(session.tunnel(port))
      expect(failure).toMatchObject({ outcome: 'unreachable', code: 'tunnel-refused' })
      expect(failure.message).toContain(String(port))
      expect(failure.hint).toBeTruthy()
    })
  })

  test('is closed twice as well as once, even with a command running', async () => {
    const other = await way.open()
    const running = failureOf(other.act(act`sleep 60`))
    await other.dispose()
    await other.dispose()
    expect(await running).toMatchObject({ outcome: 'unreachable' })
  })
})
