import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../../src/base/secret.ts'
import { type HostConfig, hostDefaults } from '../../../src/config/host-config.ts'
import { needsRunningEnv, readPdsEnv } from '../../../src/host/access/settings.ts'
import { elevate } from '../../../src/host/access/sudo.ts'
import { openHost } from '../../../src/host/open-host.ts'
import { openLocal } from '../../../src/ssh/connect/local.ts'
import type { Attached, Session } from '../../../src/ssh/session.ts'
import { act, ask, type Shell } from '../../../src/ssh/shell.ts'
import { failureOf } from '../../support/failing.ts'
import {
  give,
  isRoot,
  type LocalPds,
  localPds,
  localUser,
  sessionWith,
  shells,
  withoutRoot,
  wrapped,
} from '../../support/local-host.ts'

const open = (session: Session, config: HostConfig, options = {}) =>
  openHost(async () => session, config, options)

/** A host that counts how often it connects. */
function counting({ config }: LocalPds) {
  let connections = 0
  const host = openHost(async () => {
    connections++
    return openLocal()
  }, config)
  return { host, connections: () => connections }
}

describe('connecting', () => {
  test('happens on first need, once', async () => {
    await using pds = await localPds()
    const { host, connections } = counting(pds)
    expect((await host.config()).dir).toBe(pds.dir)
    expect(connections()).toBe(0)
    await Promise.all([host.settings(), host.where(), host.ask(ask`true`), host.settings()])
    expect(connections()).toBe(1)
    await host.dispose()
  })

  test('costs one remote script', async () => {
    await using pds = await localPds()
    const lines: string[] = []
    const host = open(
      wrapped((line) => line, lines),
      pds.config,
    )
    await Promise.all([host.settings(), host.settings()])
    expect(lines).toHaveLength(1)
  })

  test('keeps no question waiting: it finds the same way by itself, with its own input and answer', async () => {
    await using pds = await localPds()
    const lines: string[] = []
    const host = open(
      wrapped((line) => line, lines),
      pds.config,
    )
    const odd = `it's "$x" \\ 'é`
    const [, early] = await Promise.all([
      host.settings(),
      host.ask(ask`printf %s ${odd}; cat; echo e >&2; exit 5`, { stdin: ' in' }),
    ])
    expect(early).toEqual({ code: 5, stdout: `${odd} in`, stderr: 'e\n' })
    expect(lines).toHaveLength(2)
    expect((await host.ask(ask`echo later`)).stdout).toBe('later\n')
  })

  test('that finds no way answers no question either', async () => {
    await using pds = await localPds()
    const host = open(openLocal(), { ...pds.config, dir: pds.path('nowhere') })
    expect(await failureOf(host.ask(ask`echo all the same`))).toMatchObject({ code: 'pds-dir-missing' })
  })

  test('is not needed to be disposed of', async () => {
    await using pds = await localPds()
    const host = openHost(() => Promise.reject(new Error('never')), pds.config)
    await host.dispose()
  })

  test('that fails is told every time, and disposed of quietly', async () => {
    await using pds = await localPds()
    const host = openHost(() => Promise.reject(new Error('no route')), pds.config)
    await expect(host.settings()).rejects.toThrow('no route')
    await expect(host.ask(ask`true`)).rejects.toThrow('no route')
    await host.dispose()
  })
})

describe('settings', () => {
  const settings = async (env: string | undefined, config: Partial<HostConfig> = {}) => {
    await using pds = await localPds(env)
    return await open(openLocal(), { ...pds.config, ...config }).settings()
  }
  const password = 'PDS_ADMIN_PASSWORD=a\n'

  test.each([
    [
      'all there',
      `${password}PDS_HOSTNAME=x.test\nPDS_PORT="3001"\n`,
      {},
      { hostname: 'x.test', port: 3001 },
    ],
    ['the defaults', password, {}, { hostname: undefined, port: 3000 }],
    [
      'a name that is made from variables is not known',
      `${password}PDS_HOSTNAME=\${BASE}\n`,
      {},
      { hostname: undefined, port: 3000 },
    ],
    [
      'empty values count as none',
      `${password}PDS_PORT=\nPDS_HOSTNAME=\n`,
      {},
      { hostname: undefined, port: 3000 },
    ],
    [
      'the config first',
      `${password}PDS_PORT=x\n`,
      { port: 1, hostname: 'y.test' },
      { hostname: 'y.test', port: 1 },
    ],
  ])('%s', async (_, env, config, expected) => {
    expect(await settings(env, config)).toMatchObject({ ...expected, elevation: 'direct' })
  })

  test('what pds.env makes from variables, or leaves to another env file, is what the container has', () => {
    const config = { name: 'here', ssh: 'local', ...hostDefaults }
    const running = new Map(
      Object.entries({ PDS_ADMIN_PASSWORD: 'theirs', PDS_PORT: '3003', PDS_RATE_LIMIT_BYPASS_KEY: 'k' }).map(
        ([key, value]) => [key, new Secret(value)],
      ),
    )
    const read = (text: string) => {
      const { adminPassword, port, bypassKey } = readPdsEnv(text, config, 'local', running)
      return [needsRunningEnv(text, 'pds.env'), adminPassword.reveal(), port, bypassKey?.reveal()]
    }
    expect(read('PDS_ADMIN_PASSWORD=mine\nPDS_PORT=3001\n')).toEqual([false, 'mine', 3001, 'k'])
    expect(read(`PDS_PORT=\${PORT}\n`)).toEqual([true, 'theirs', 3003, 'k'])
    expect(read(`PDS_ADMIN_PASSWORD=\${PW}\nPDS_PORT=3001\n`)).toEqual([true, 'theirs', 3001, 'k'])
  })

  test('secrets hide themselves', async () => {
    const { adminPassword, bypassKey } = await settings(
      `PDS_ADMIN_PASSWORD="a b"\nPDS_RATE_LIMIT_BYPASS_KEY=k\n`,
    )
    expect([adminPassword.reveal(), bypassKey?.reveal()]).toEqual(['a b', 'k'])
    expect(JSON.stringify({ adminPassword, bypassKey })).not.toMatch(/a b|"k"/)
  })

  test.each([
    ['nothing in it', '', 'pds-env-empty'],
    ['blank lines in it', '\n\r\n', 'pds-env-empty'],
    ['no admin password', 'PDS_PORT=1\n', 'admin-password-missing'],
    ['an empty admin password', 'PDS_ADMIN_PASSWORD=\n', 'admin-password-missing'],
    ['a port that is none', `${password}PDS_PORT=http\n`, 'pds-port-invalid'],
    ['a port too high', `${password}PDS_PORT=70000\n`, 'pds-port-invalid'],
    ['an open quote', 'A=1\nPDS_ADMIN_PASSWORD="s3cret\n', 'pds-env-invalid'],
  ])('%s', async (_, env, code) => {
    const failure = await failureOf(settings(env))
    expect(failure).toMatchObject({ outcome: 'unreachable', code })
    expect(failure.message).toMatch(/^local:\/.*\/pds\.env/)
    expect(failure.hint).toBeTruthy()
    expect(JSON.stringify(failure) + failure.message).not.toContain('s3cret')
  })

  test('a broken pds.env does not keep commands from the host', async () => {
    await using pds = await localPds('A="')
    expect((await open(openLocal(), pds.config).ask(ask`echo in`)).stdout).toBe('in\n')
  })

  test.each([
    ['no directory', '/nowhere/x', 'pds-dir-missing'],
    ['no pds.env', undefined, 'pds-env-missing'],
  ])('%s', async (_, dir, code) => {
    await using pds = await localPds()
    const elsewhere = dir ?? pds.path('empty')
    if (!dir) await mkdir(elsewhere)
    // Without sudo, so that the answer is the same for every user who runs this test.
    const failure = await failureOf(
      open(openLocal(), { ...pds.config, dir: elsewhere, sudo: 'never' }).settings(),
    )
    expect(failure).toMatchObject({ outcome: 'unreachable', code })
    expect(failure.message).toContain(elsewhere)
    expect(failure.hint).toContain('dir:')
  })

  test('a file in place of the directory, and the other way round', async () => {
    await using pds = await localPds()
    const never = { ...pds.config, sudo: 'never' as const }
    const inFile = open(openLocal(), { ...never, dir: pds.path('pds.env') })
    expect(await failureOf(inFile.settings())).toMatchObject({ code: 'pds-dir-missing' })
    await mkdir(pds.path('d/pds.env'), { recursive: true })
    const isDir = open(openLocal(), { ...never, dir: pds.path('d') })
    expect(await failureOf(isDir.settings())).toMatchObject({ code: 'pds-env-not-a-file' })
  })

  test('what a login shell prints before does not matter', async () => {
    await using pds = await localPds()
    const session = wrapped((line) => `echo 'Welcome!'; echo 'kimbia-ops' ; ${line}`)
    expect((await open(session, pds.config).settings()).port).toBe(3456)
  })

  test('what pds.env says cannot pass for the script', async () => {
    const text = `${password}# x\nkimbia-ops:no-dir\nkimbia-ops:found\nPDS_PORT=7\n`
    expect((await settings(text)).port).toBe(7)
  })

  test('a host that runs no shell is told apart', async () => {
    await using pds = await localPds()
    const session = wrapped(() => 'echo "This account is not available."; exit 1')
    const failure = await failureOf(open(session, pds.config).settings())
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'no-shell' })
  })

  test('a directory with every kind of character', async () => {
    await using pds = await localPds()
    const dir = pds.path(`it's "a" $HOME \\ *`)
    await mkdir(dir)
    await writeFile(`${dir}/pds.env`, password)
    expect((await open(openLocal(), { ...pds.config, dir }).settings()).port).toBe(3000)
  })
})

describe.each(Object.entries(shells))('with %s as sh', (_, shell) => {
  test('it is read', async () => {
    await using pds = await localPds()
    const session = await sessionWith(pds.dir, shell, ['id', 'cat'])
    const host = open(session, pds.config)
    expect(await host.settings()).toMatchObject({ port: 3456, elevation: 'direct' })
    expect(await host.act(act`cat >${pds.path('x')}; exit 3`, { stdin: 'a\nb' })).toMatchObject({ code: 3 })
    expect(await readFile(pds.path('x'), 'utf8')).toBe('a\nb')
  })

  test('no sudo on the host', async () => {
    await using pds = await localPds()
    const session = await sessionWith(pds.dir, shell, ['id', 'cat'])
    const failure = await failureOf(open(session, { ...pds.config, sudo: 'always' }).settings())
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'sudo-missing' })
  })
})

describe('lines', () => {
  test('keep their arguments, input, output and code', async () => {
    await using pds = await localPds()
    const host = open(openLocal(), pds.config)
    const odd = `it's "x" $y \\z\n*`
    expect(
      await host.ask(ask`printf '%s' ${odd}; cat; echo e >&2; exit 5`, { stdin: new Secret(' in') }),
    ).toEqual({
      code: 5,
      stdout: `${odd} in`,
      stderr: 'e\n',
    })
    const bytes = Uint8Array.from([0, 255, 10, 0])
    const sum = await host.ask(ask`od -An -tx1`, { stdin: bytes })
    expect(sum.stdout.trim()).toBe('00 ff 0a 00')
  })

  test('have the messages of the C locale', async () => {
    await using pds = await localPds()
    expect((await open(openLocal(), pds.config).ask(ask`echo $LC_ALL`)).stdout).toBe('C\n')
  })

  test('are talked to', async () => {
    await using pds = await localPds()
    const talk = await open(openLocal(), pds.config).converse(ask`while read -r x; do echo "<$x>"; done`)
    expect(await Promise.all([talk.say('a'), talk.say('b')])).toEqual(['<a>', '<b>'])
    expect((await talk.end()).code).toBe(0)
  })

  test('are talked to in shells that were started ahead, as they would be without', async () => {
    await using pds = await localPds()
    const log: string[] = []
    const host = open(
      wrapped((line) => line, log),
      pds.config,
    )
    const ready = host.prepare(1)
    await host.settings()
    await ready
    const odd = `it's "x" $y \\z %n%p\n*`
    const line = act`printf '%s' ${odd} | od -An -c | head -n 1; echo "$LC_ALL"; while read -r x; do echo "<$x>"; done; exit 7`
    const [spare, own] = [await host.converse(line), await host.converse(line)]
    const answers = await Promise.all([spare, own].map((it) => Promise.all(['a', 'b', 'c'].map(it.say))))
    expect(answers[0]).toEqual(answers[1])
    expect(answers[0]?.slice(1)).toEqual(['C', '<a>'])
    expect([(await spare.end()).code, (await own.end()).code]).toEqual([7, 7])
    expect(log.filter((one) => one.includes('od -An'))).toHaveLength(1)
    await host.dispose()
  })

  test('do nothing in a shell that was started ahead for nothing, and need none that could not be', async () => {
    await using pds = await localPds()
    const local = openLocal()
    let refused = 0
    const host = open(
      {
        ...local,
        converse: (shell) =>
          refused++ === 0 ? Promise.reject(new Error('no more channels')) : local.converse(shell),
      },
      pds.config,
    )
    const ready = host.prepare(1)
    await host.settings()
    await ready
    expect(await (await host.converse(ask`read -r x; echo "<$x>"`)).say('a')).toBe('<a>')
    await host.prepare(1)
    await host.dispose()
    expect(refused).toBe(3)
  })

  test('are prepared for without connecting, until somebody connects', async () => {
    await using pds = await localPds()
    const { host, connections } = counting(pds)
    void host.prepare(2)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(connections()).toBe(0)
    await host.dispose()
  })

  test('have the streams of the operator', async () => {
    await using pds = await localPds()
    expect(await attached(open(openLocal(), pds.config), { first: new Secret('one') })).toEqual({
      code: 4,
      stdout: 'one|two\n',
    })
  })
})

test('a secret that leads the input leaves no terminal to echo it', async () => {
  const seen: Attached[] = []
  const session = { ...openLocal(), attach: async (_: Shell, streams: Attached) => seen.push(streams) }
  const streams = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr }
  const tty = { rows: 24, columns: 80, term: 'xterm' }
  const password = new Secret('pw')
  const by = { kind: 'sudo with a password', password } as const
  const first = new Secret('one')
  await elevate(session, { kind: 'sudo' }).attach(act`x`, { ...streams, tty })
  await elevate(session, { kind: 'sudo' }).attach(act`x`, { ...streams, tty, first })
  await elevate(session, by).attach(act`x`, { ...streams, tty })
  await elevate(session, by).attach(act`x`, { ...streams, tty, first })
  expect(seen.map((one) => [one.tty, one.first?.reveal()])).toEqual([
    [tty, undefined],
    [undefined, 'one'],
    [undefined, 'pw'],
    [undefined, 'pw\none'],
  ])
})

/** Runs a line that shows its first and its second line of input. */
async function attached(host: ReturnType<typeof openHost>, extra: { first?: Secret }) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  stdin.end('two\n')
  const code = await host.attach(act`read -r a; read -r b; echo "$a|$b"; exit 4`, {
    stdin,
    stdout,
    stderr,
    ...extra,
  })
  return { code, stdout: String(stdout.read()) }
}

describe.skipIf(withoutRoot)('as another user', () => {
  const idOf = async (host: ReturnType<typeof openHost>) =>
    (await host.ask(ask`id -u; cat`, { stdin: 'x' })).stdout

  test('sudo without a password', async () => {
    expect(isRoot).toBe(true)
    await using pds = await localPds()
    await using user = await localUser('nopasswd')
    const lines: string[] = []
    const host = open(user.open(lines), pds.config)
    expect(await host.settings()).toMatchObject({ elevation: 'sudo', port: 3456 })
    expect(await idOf(host)).toBe('0\nx')
    expect(await attached(host, { first: new Secret('one') })).toEqual({ code: 4, stdout: 'one|two\n' })
    expect(lines).toHaveLength(3)
  })

  test('direct, where the user may write', async () => {
    await using pds = await localPds()
    await using user = await localUser('none')
    await give([pds.dir, pds.path('pds.env')], user.operator)
    const host = open(user.open(), pds.config)
    expect(await host.settings()).toMatchObject({ elevation: 'direct' })
    expect(await idOf(host)).toBe(`${user.operator.uid}\nx`)
  })

  test('sudo, where the user may read but not write', async () => {
    await using pds = await localPds()
    await using user = await localUser('nopasswd')
    await chmod(pds.dir, 0o755)
    await chmod(pds.path('pds.env'), 0o644)
    expect(await open(user.open(), pds.config).settings()).toMatchObject({ elevation: 'sudo' })
    const never = open(user.open(), { ...pds.config, sudo: 'never' })
    expect(await never.settings()).toMatchObject({ elevation: 'direct' })
    expect(await idOf(never)).toBe(`${user.operator.uid}\nx`)
    for (const [sudo, uid] of [
      ['auto', '0'],
      ['never', String(user.operator.uid)],
    ] as const)
      expect(await idOf(open(user.open(), { ...pds.config, sudo }))).toBe(`${uid}\nx`)
  })

  test('sudo always, even as one who would not need it', async () => {
    await using pds = await localPds()
    expect(await open(openLocal(), { ...pds.config, sudo: 'always' }).settings()).toMatchObject({
      elevation: 'sudo',
    })
  })

  test('sudo never: it may not be read', async () => {
    await using pds = await localPds()
    await using user = await localUser('nopasswd')
    const config = { ...pds.config, sudo: 'never' as const }
    expect(await failureOf(open(user.open(), config).settings())).toMatchObject({ code: 'pds-env-denied' })
    const below = { ...config, dir: pds.path('not/there') }
    expect(await failureOf(open(user.open(), below).settings())).toMatchObject({ code: 'pds-env-denied' })
    await chmod(pds.dir, 0o755)
    expect(await failureOf(open(user.open(), config).settings())).toMatchObject({ code: 'pds-env-denied' })
  })

  test('what is missing is told through sudo too', async () => {
    await using pds = await localPds()
    await using user = await localUser('nopasswd')
    const settings = (dir: string) => open(user.open(), { ...pds.config, dir }).settings()
    expect(await failureOf(settings(pds.path('nowhere')))).toMatchObject({ code: 'pds-dir-missing' })
    await mkdir(pds.path('empty'))
    expect(await failureOf(settings(pds.path('empty')))).toMatchObject({ code: 'pds-env-missing' })
  })

  test('sudo with a password', async () => {
    await using pds = await localPds()
    await using user = await localUser('password')
    const secret = user.operator.sudoPassword ?? ''
    let asked = 0
    const lines: string[] = []
    const host = open(user.open(lines), pds.config, {
      askSudoPassword: async () => {
        asked++
        return new Secret(secret)
      },
    })
    const [first, second, early] = await Promise.all([host.settings(), host.settings(), idOf(host)])
    expect(early).toBe('0\nx')
    expect([first.elevation, second.elevation, asked]).toEqual([
      'sudo with a password',
      'sudo with a password',
      1,
    ])
    expect(await idOf(host)).toBe('0\nx')
    expect((await host.ask(ask`cat`)).stdout).toBe('')
    expect((await host.act(act`od -An -tx1`, { stdin: Uint8Array.from([10, 0]) })).stdout.trim()).toBe(
      '0a 00',
    )
    expect(await attached(host, { first: new Secret('one') })).toEqual({ code: 4, stdout: 'one|two\n' })
    const talk = await host.converse(act`while read -r x; do echo "<$x>"; done`)
    expect(await Promise.all([talk.say('a'), talk.say('b')])).toEqual(['<a>', '<b>'])
    await talk.end()
    expect(lines.join()).not.toContain(secret)
  })

  test('sudo that wants a password, and nobody is there', async () => {
    await using pds = await localPds()
    await using user = await localUser('password')
    const failure = await failureOf(open(user.open(), pds.config).settings())
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'sudo-password-needed' })
  })

  test.each(['password', 'none'] as const)('sudo (%s) that does not take the password', async (sudo) => {
    await using pds = await localPds()
    await using user = await localUser(sudo)
    const host = open(user.open(), pds.config, { askSudoPassword: async () => new Secret('wr0ng-pw') })
    const failure = await failureOf(host.settings())
    expect(failure).toMatchObject({ outcome: 'unreachable', code: 'sudo-refused' })
    expect(failure.message).not.toContain('wr0ng-pw')
  })
})
