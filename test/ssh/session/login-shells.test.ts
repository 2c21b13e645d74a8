import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { Secret } from '../../../src/base/secret.ts'
import type { Session } from '../../../src/ssh/session.ts'
import { act, ask } from '../../../src/ssh/shell.ts'
import { failureOf } from '../../support/failing.ts'
import { withoutRoot } from '../../support/local-host.ts'
import { type LoginShell, loginShells, setLoginShell, writeStartFile } from '../../support/login-shells.ts'
import { scratchForAll } from '../../support/scratch.ts'
import { type Way, ways } from '../../support/sessions.ts'

const openWay = ways['ssh, to a real sshd']

describe.skipIf(withoutRoot || openWay === undefined)('a login shell', () => {
  let way: Way
  let session: Session
  const login = () => way.login ?? { user: '', home: '' }

  beforeAll(async () => {
    way = await (openWay as NonNullable<typeof openWay>)()
  })
  afterAll(() => way?.[Symbol.asyncDispose]())
  afterEach(() => session?.dispose())

  /** A session of a user with this shell, whose file at its start holds this. */
  async function sessionIn({ path, startFile }: LoginShell, text = ''): Promise<Session> {
    await setLoginShell(login().user, path)
    if (startFile) writeStartFile(login().home, startFile, text)
    return way.open()
  }

  const words = [
    "it's",
    '$HOME',
    '`id`',
    'two  words',
    '',
    'žluť 🐎',
    'line\nbreak',
    '\\n',
    '!!',
    '!x',
    '%d',
    '^a^b',
  ]

  describe.each(Object.entries(loginShells))('%s', (name, shell) => {
    if (!shell)
      return test.skip(
        shell === undefined && name === 'nu' ? 'is not to be had from Debian' : 'is not on this machine',
        () => {},
      )

    const talks = shell.talkative
    const manners: [string, string][] = [
      ['that is silent', ''],
      ...(talks ? [['that prints at its start and at its end', talks] as [string, string]] : []),
    ]
    test.each(manners)(
      '%s changes nothing of an answer',
      async (_, text) => {
        session = await sessionIn(shell, text)
        const { stdout } = await session.ask(ask`printf '%s\\0' ${words}`)
        expect(stdout.split('\0').slice(0, -1)).toEqual(words)
        expect(await session.ask(ask`cat; echo err >&2; exit 5`, { stdin: 'in ü' })).toEqual({
          code: 5,
          stdout: 'in ü',
          stderr: 'err\n',
        })
        expect(await session.ask(ask`:`)).toEqual({ code: 0, stdout: '', stderr: '' })
        const long = 'x!'.repeat(10_000)
        expect((await session.act(act`printf %s ${long}`)).stdout).toBe(long)
      },
      20_000,
    )

    test('that prints changes nothing of lines, nor of a conversation', async () => {
      session = await sessionIn(shell, shell.talkative)
      const lines: string[] = []
      for await (const line of session.lines(ask`echo a; printf b`)) lines.push(line)
      expect(lines).toEqual(['a', 'b'])
      const failing = async () => {
        for await (const _ of session.lines(ask`echo why >&2; exit 3`));
      }
      expect(await failureOf(failing())).toMatchObject({
        code: 'command-failed',
        message: expect.stringMatching(/code 3.*why$/s),
      })
      const talk = await session.converse(ask`while read -r x; do echo "<$x>"; done; exit 4`)
      expect(await Promise.all([talk.say('one'), talk.say("it's")])).toEqual(['<one>', "<it's>"])
      expect(await talk.end()).toMatchObject({ code: 4, stdout: '' })
    }, 20_000)

    test('hands the operator’s own streams on and nothing else, and the exit code', async () => {
      session = await sessionIn(shell, shell.talkative)
      const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
      stdin.end('two\n')
      const first = new Secret('one')
      const line = act`read -r a; read -r b; echo "$a|$b|"${"it's!\n"}; exit 4`
      expect(await session.attach(line, { stdin, stdout, stderr, first })).toBe(4)
      expect([stdout.read(), stderr.read()].map(String)).toEqual(["one|two|it's!\n\n", 'null'])
    }, 20_000)

    test('ends what is given up', async () => {
      session = await sessionIn(shell)
      await using place = await scratchForAll()
      const pidFile = place.file('pid')
      const abort = new AbortController()
      const running = failureOf(session.act(act`echo $$ >${pidFile}; sleep 60`, { signal: abort.signal }))
      const read = () => Number(readFileSync(pidFile, 'utf8'))
      await vi.waitFor(() => expect(read()).toBeGreaterThan(0), { timeout: 10_000 })
      abort.abort()
      await running
      await vi.waitFor(() => expect(() => process.kill(read(), 0)).toThrow(), { timeout: 10_000 })
    }, 30_000)
  })

  test.each([
    ['/usr/sbin/nologin', 'This account is currently not available.'],
    ['/usr/bin/git-shell', 'fatal: '],
    ['/bin/false', 'nothing came back'],
  ])(
    'that runs no commands is refused with what it printed: %s',
    async (path, said) => {
      session = await sessionIn({ path })
      const failures = await Promise.all([
        failureOf(session.ask(ask`echo in`)),
        failureOf(session.converse(ask`cat`).then((talk) => talk.say('a'))),
        failureOf(
          (async () => {
            for await (const _ of session.lines(ask`echo in`));
          })(),
        ),
      ])
      for (const failure of failures) {
        expect(failure).toMatchObject({ outcome: 'unreachable', code: 'no-shell' })
        expect(failure.message).toContain(said)
        expect(failure.hint).toContain('getent passwd')
      }
    },
    20_000,
  )

  test('that leaves something behind, or goes on after the command, is not waited for', async () => {
    const text = 'sleep 20 &\ntrap "sleep 20" EXIT\n'
    session = await sessionIn({ path: '/bin/bash', startFile: '.bashrc' }, text)
    const began = performance.now()
    expect(await session.ask(ask`echo in; exit 2`)).toEqual({ code: 2, stdout: 'in\n', stderr: '' })
    expect(performance.now() - began).toBeLessThan(10_000)
    rmSync(join(login().home, '.bashrc'))
  }, 20_000)

  test('that ends in the middle of a command gives no answer', async () => {
    session = await sessionIn({ path: '/bin/bash', startFile: '.bashrc' })
    const killed = await failureOf(session.ask(ask`echo half; kill -KILL $PPID`))
    expect(killed).toMatchObject({ outcome: 'unreachable', code: 'killed' })
    writeStartFile(login().home, '.bashrc', "trap 'kill -KILL $! 2>/dev/null; exit 0' EXIT\n")
    const cut = await failureOf(
      session.ask(ask`echo "secret-$((6 * 7))"; echo no room >&2; kill -KILL $PPID; sleep 1`),
    )
    expect(cut).toMatchObject({ outcome: 'unreachable', code: 'answer-incomplete' })
    expect(cut.message).toContain('no room')
    expect(cut.message).not.toContain('secret-42')
    rmSync(join(login().home, '.bashrc'))
  }, 20_000)
})
