import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { PassThrough, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Failure, unreachable } from '../../../src/base/failure.ts'
import { openTerminal } from '../../../src/runner/terminal/open-terminal.ts'
import type { TerminalParts } from '../../../src/runner/terminal/terminal.ts'
import { scratch } from '../../support/scratch.ts'

/** A stream that keeps what it is given, as a terminal of 40 columns or not; like those of a process it never ends. */
function sink(tty: boolean) {
  const chunks: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk))
      done()
    },
  })
  const end = () => stream
  return Object.assign(stream, { isTTY: tty, columns: 40, text: () => chunks.join(''), end })
}

const source = (tty: boolean): PassThrough & { isTTY: boolean } =>
  Object.assign(new PassThrough(), { isTTY: tty })

type Wishes = Partial<Pick<TerminalParts, 'env' | 'noInput' | 'color' | 'quiet' | 'signal' | 'openTty'>>

function terminal(tty: { stdin?: boolean; stdout?: boolean; stderr?: boolean }, wishes: Wishes = {}) {
  const stdin = source(tty.stdin ?? false)
  const stdout = sink(tty.stdout ?? false)
  const stderr = sink(tty.stderr ?? false)
  const opened = openTerminal({ stdin, stdout, stderr, env: {}, noInput: false, color: true, ...wishes })
  return { stdin, stdout, stderr, opened }
}

const all = { stdin: true, stdout: true, stderr: true }

const failureOf = async (promise: Promise<unknown>): Promise<Failure> => {
  const cause = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (cause instanceof Failure) return cause
  throw new Error(`no Failure: ${cause}`)
}

describe('colour', () => {
  it.each([
    ['a terminal', true, {}, true, true],
    ['a pipe', false, {}, true, false],
    ['--no-color', true, {}, false, false],
    ['NO_COLOR', true, { NO_COLOR: '1' }, true, false],
    ['an empty NO_COLOR', true, { NO_COLOR: '' }, true, true],
    ['FORCE_COLOR in a pipe', false, { FORCE_COLOR: '1' }, true, true],
    ['FORCE_COLOR=0', true, { FORCE_COLOR: '0' }, true, false],
    ['NO_COLOR against FORCE_COLOR', true, { NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
    ['--no-color against FORCE_COLOR', true, { FORCE_COLOR: '1' }, false, false],
    ['a dumb terminal', true, { TERM: 'dumb' }, true, false],
    ['CI', false, { CI: 'true' }, true, false],
  ] as const)('for %s', (_, tty, env, color, expected) => {
    expect(terminal({ stdout: tty }, { env, color }).opened.stdout.color).toBe(expected)
  })

  it('is decided for each stream by itself', () => {
    const { opened } = terminal({ stdout: false, stderr: true })
    expect([opened.stdout.color, opened.stderr.color]).toEqual([false, true])
  })
})

describe('output', () => {
  it('knows its width only where there is one', () => {
    expect(terminal({ stdout: true }).opened.stdout.columns).toBe(40)
    expect(terminal({}).opened.stdout.columns).toBe(Number.POSITIVE_INFINITY)
  })

  it('waits until more can be taken', async () => {
    const { opened, stdout } = terminal({})
    let release = (): void => {}
    stdout._write = (_chunk, _encoding, done) => {
      release = done
    }
    let written = false
    const writing = opened.stdout.write('x').then(() => {
      written = true
    })
    await sleep(5)
    expect(written).toBe(false)
    release()
    await writing
    expect(written).toBe(true)
  })

  it.each(['EPIPE', 'ERR_STREAM_DESTROYED'])('is over for good after %s', async (code) => {
    for (const name of ['stdout', 'stderr'] as const) {
      const made = terminal({})
      made[name]._write = (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code }))
      expect(await made.opened[name].write('x')).toBe(false)
      expect(await made.opened[name].write('x')).toBe(false)
    }
  })

  it('fails aloud when the disk is full', async () => {
    const { opened, stdout } = terminal({})
    stdout._write = (_chunk, _encoding, done) =>
      done(Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' }))
    const failure = await failureOf(opened.stdout.write('x'))
    expect(failure.message).toContain('no space left')
    expect(failure.outcome).toBe('failed')
  })

  it('loses what standard error cannot take, and fails for none of it', async () => {
    const { opened, stderr } = terminal({})
    stderr._write = (_chunk, _encoding, done) =>
      done(Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' }))
    expect(await opened.stderr.write('a note')).toBe(false)
  })

  it('ends quietly when the reader of a real pipe goes', async () => {
    const script = `
      import { openTerminal } from ${JSON.stringify(new URL('../../../src/runner/terminal/open-terminal.ts', import.meta.url).href)}
      const { stdin, stdout, stderr, env } = process
      const terminal = openTerminal({ stdin, stdout, stderr, env, noInput: false, color: true })
      let lines = 0
      while (lines < 1e6 && (await terminal.stdout.write('a line of some length, again and again\\n'))) lines++
      await terminal.stderr.write(lines < 1e6 ? 'stopped' : 'not stopped')`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script])
    let said = ''
    child.stderr.on('data', (chunk) => {
      said += chunk
    })
    child.stdout.once('data', () => child.stdout.destroy())
    const [code] = await once(child, 'close')
    expect({ code, said }).toEqual({ code: 0, said: 'stopped' })
  })
})

describe('progress', () => {
  it('is one line that gives way to other output', async () => {
    const { opened, stdout, stderr } = terminal(all)
    opened.progress('at work')
    expect(stderr.text()).toBe('\r\u001b[Kat work')
    await opened.stdout.write('result\n')
    expect(stderr.text()).toBe('\r\u001b[Kat work\r\u001b[K')
    expect(stdout.text()).toBe('result\n')
    await opened.stderr.write('note\n')
    expect(stderr.text().endsWith('\r\u001b[Knote\n')).toBe(true)
  })

  it.each([
    ['a pipe', false],
    ['the terminal', true],
  ])('is gone for good once the result has begun to go to %s', async (_, stdout) => {
    const { opened, stderr } = terminal({ stdout, stderr: true })
    opened.progress('at work')
    await opened.stdout.write('result\n')
    opened.progress('at more work')
    await sleep(100)
    expect(stderr.text()).toBe('\r\u001b[Kat work\r\u001b[K')
  })

  it('stays while the result goes to a file', async () => {
    await using place = await scratch()
    const file = await open(place.file('rows'), 'w')
    const stderr = sink(true)
    const stdout = Object.assign(sink(false), { fd: file.fd })
    const opened = openTerminal({
      stdin: source(false),
      stdout,
      stderr,
      env: {},
      noInput: false,
      color: true,
    })
    opened.progress('at work')
    await opened.stdout.write('result\n')
    expect(stderr.text()).toBe('\r\u001b[Kat work')
    await file.close()
  })

  it('is drawn now and then, and its last state in the end', async () => {
    const { opened, stderr } = terminal(all)
    for (let index = 0; index <= 10_000; index++) opened.progress(`${index} of 10000`)
    expect(stderr.text().length).toBeLessThan(1000)
    while (!stderr.text().endsWith('10000 of 10000')) await sleep(10)
  })

  it('stays within its line and harms nothing', () => {
    const { opened, stderr } = terminal(all)
    opened.progress(`\u001b[2J${'x'.repeat(100)}\n`)
    expect(stderr.text().slice('\r\u001b[K'.length)).toMatch(/^\\u\{1b\}\[2Jx+…$/)
    expect(stderr.text().length).toBeLessThanOrEqual('\r\u001b[K'.length + 39)
  })

  it.each([
    ['a pipe', {}, {}],
    ['--quiet', all, { quiet: true }],
    ['a dumb terminal', all, { env: { TERM: 'dumb' } }],
  ])('is not there for %s', (_, tty, wishes) => {
    const { opened, stderr } = terminal(tty, wishes)
    opened.progress('at work')
    expect(stderr.text()).toBe('')
  })
})

it('asks through the terminal of the process once standard input was read for its data', async () => {
  const tty = source(true)
  const made = terminal({ stderr: true }, { openTty: () => tty })
  expect(made.opened.interactive).toBe(false)
  made.stdin.end('did:plc:a\n')
  await made.opened.readAll()
  expect(made.opened.interactive).toBe(true)
  const answer = async () => {
    while (!made.stderr.text().includes('How many')) await sleep(5)
    await sleep(20)
    tty.write('41\r')
  }
  const [said] = await Promise.all([made.opened.ask('How many'), answer()])
  expect([said, tty.destroyed]).toEqual(['41', true])
  expect(made.opened.answering()).toBeGreaterThan(0)
  const alone = terminal({ stderr: true }, { openTty: () => undefined })
  alone.stdin.end('x')
  await alone.opened.readAll()
  expect(alone.opened.interactive).toBe(false)
})

describe('questions', () => {
  it.each([
    ['a person', all, {}, true],
    ['--no-input', all, { noInput: true }, false],
    ['a piped stdin', { stdin: false, stderr: true }, {}, false],
    ['a redirected stderr', { stdin: true, stderr: false }, {}, false],
    ['a redirected stdout', { stdin: true, stderr: true, stdout: false }, {}, true],
    ['a dumb terminal', all, { env: { TERM: 'dumb' } }, false],
  ])('can be asked with %s', (_, tty, wishes, expected) => {
    expect(terminal(tty, wishes).opened.interactive).toBe(expected)
  })

  /** Types once the question stands on standard error. */
  async function typed(made: ReturnType<typeof terminal>, question: string, keys: string): Promise<void> {
    while (!made.stderr.text().includes(question)) await sleep(5)
    await sleep(20)
    made.stdin.write(keys)
  }

  it('are put on standard error and answered', async () => {
    const made = terminal(all)
    const [answer] = await Promise.all([made.opened.ask('Which host?'), typed(made, 'Which host?', 'far\r')])
    expect(answer).toBe('far')
    expect(made.stdout.text()).toBe('')
  })

  it.each([
    ['\r', false],
    ['n\r', false],
    ['y\r', true],
  ])('of yes or no take %j for %s', async (keys, expected) => {
    const made = terminal(all)
    const [answer] = await Promise.all([made.opened.confirm('Really?'), typed(made, 'Really?', keys)])
    expect(answer).toBe(expected)
    expect(made.stderr.text()).toContain('y/N')
  })

  it('about secrets do not show the answer', async () => {
    const made = terminal(all)
    const [answer] = await Promise.all([
      made.opened.askSecret('Password?'),
      typed(made, 'Password?', 'hunter2\r'),
    ])
    expect(answer).toBe('hunter2')
    expect(made.stderr.text()).not.toContain('hunter2')
    expect(made.stderr.text()).toContain('*')
  })

  it.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('end as interrupted with %s', async (_, key) => {
    const made = terminal(all)
    const [failure] = await Promise.all([
      failureOf(made.opened.confirm('Really?')),
      typed(made, 'Really?', key),
    ])
    expect(failure).toMatchObject({ outcome: 'interrupted', code: 'interrupted' })
  })

  it('end as interrupted when the terminal closes, or the command is stopped', async () => {
    const closed = terminal(all)
    const closing = failureOf(closed.opened.ask('Which?'))
    while (!closed.stderr.text().includes('Which?')) await sleep(5)
    closed.stdin.end()
    expect((await closing).outcome).toBe('interrupted')

    const stop = new AbortController()
    const stopped = terminal(all, { signal: stop.signal })
    const stopping = failureOf(stopped.opened.ask('Which?'))
    while (!stopped.stderr.text().includes('Which?')) await sleep(5)
    stop.abort()
    expect((await stopping).outcome).toBe('interrupted')
  })

  it('end for the reason of the signal when it has one', async () => {
    const stop = new AbortController()
    const { opened, stderr } = terminal(all, { signal: stop.signal })
    const stopping = failureOf(opened.confirm('Really?'))
    while (!stderr.text().includes('Really?')) await sleep(5)
    stop.abort(unreachable('timeout', 'it took too long'))
    expect(await stopping).toMatchObject({ outcome: 'unreachable', code: 'timeout' })
  })

  it('show hostile text escaped', async () => {
    const made = terminal(all)
    const [answer] = await Promise.all([
      made.opened.confirm('Take down \u202eevil\u001b[2J?'),
      typed(made, 'evil', 'y\r'),
    ])
    expect(answer).toBe(true)
    expect(made.stderr.text()).toContain('Take down \\u{202e}evil\\u{1b}[2J?')
  })
})

describe('standard input', () => {
  it('is read as a whole, characters in one piece', async () => {
    const { opened, stdin } = terminal({})
    const bytes = Buffer.from('schön\nзеле́ный\n')
    for (const byte of bytes) stdin.write(Buffer.of(byte))
    stdin.end()
    expect(await opened.readAll()).toBe('schön\nзеле́ный\n')
    expect(await opened.readAll()).toBe('schön\nзеле́ный\n')
  })

  it.each([
    ['secret\n', 'secret'],
    ['secret\r\nmore', 'secret'],
    ['secret', 'secret'],
    ['\n', ''],
  ])('gives the first line of %j', async (text, line) => {
    const { opened, stdin } = terminal({})
    stdin.end(text)
    expect(await opened.readLine()).toBe(line)
  })

  it('gives the first line while the pipe stays open', async () => {
    const { opened, stdin } = terminal({})
    stdin.write('sec')
    stdin.write('ret\nand ')
    expect(await opened.readLine()).toBe('secret')
  })

  it('is refused when it is a terminal, is empty or is no text', async () => {
    expect(await failureOf(terminal({ stdin: true }).opened.readAll())).toMatchObject({
      outcome: 'usage',
      code: 'stdin-terminal',
    })
    expect(await failureOf(terminal({ stdin: true }).opened.readLine())).toMatchObject({ outcome: 'usage' })
    const empty = terminal({})
    empty.stdin.end()
    expect((await failureOf(empty.opened.readLine())).message).toBe('standard input is empty')
    const binary = terminal({})
    binary.stdin.end(Buffer.of(0xff, 0xfe, 0x00))
    expect((await failureOf(binary.opened.readAll())).message).toContain('UTF-8')
  })

  it.each(['readAll', 'readLine'] as const)('is not waited for after the signal (%s)', async (read) => {
    for (const when of ['before', 'while']) {
      const [stop, late] = [new AbortController(), new AbortController()]
      const [stopped, timed] = [terminal({}, { signal: stop.signal }), terminal({}, { signal: late.signal })]
      const abort = () => [stop.abort(), late.abort(unreachable('timeout', 'it took too long'))]
      if (when === 'before') abort()
      const failures = Promise.all([failureOf(stopped.opened[read]()), failureOf(timed.opened[read]())])
      stopped.stdin.write('some')
      abort()
      expect(await failures).toMatchObject([{ outcome: 'interrupted' }, { code: 'timeout' }])
    }
  })

  it('is a usage Failure when it cannot be read', async () => {
    const { opened, stdin } = terminal({})
    stdin.destroy(new Error('EIO: input/output error'))
    expect(await failureOf(opened.readAll())).toMatchObject({ outcome: 'usage' })
  })

  it('is empty when it was closed before the start', async () => {
    const script = `
      import { openTerminal } from ${JSON.stringify(new URL('../../../src/runner/terminal/open-terminal.ts', import.meta.url).href)}
      const { stdin, stdout, stderr, env } = process
      const terminal = openTerminal({ stdin, stdout, stderr, env, noInput: false, color: true })
      await terminal.stdout.write(JSON.stringify([terminal.interactive, await terminal.readAll()]))`
    const child = spawn('sh', ['-c', 'exec "$0" --input-type=module -e "$1" <&-', process.execPath, script])
    let said = ''
    child.stdout.on('data', (chunk) => {
      said += chunk
    })
    const [code] = await once(child, 'close')
    expect({ code, said }).toEqual({ code: 0, said: '[false,""]' })
  })
})
