import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { withoutRoot } from '../support/local-host.ts'
import { stateOf, trailOf } from '../support/rig-state.ts'
import { bin, ended, run, start } from './cli.ts'
import { endScreens, onScreen } from './screen.ts'

let rig: RigHost

beforeAll(async () => {
  rig = await startRig()
})
afterAll(async () => {
  endScreens()
  await rig.stop()
})

/** Puts a program of that name onto the host. */
function install(name: string, script: string): void {
  const file = join(rig.dir, 'bin', name)
  writeFileSync(file, `#!/bin/sh\n${script}\n`)
  chmodSync(file, 0o755)
}

const programs = ['goat', 'pdsadmin'] as const
const odd = [
  ...['', ' ', 'a b', "it's", '"x"', '\\', '\\n', '$HOME', '$(id)', '`id`', ';', '&&', '|', '>x', '*', '~'],
  ...['--help', '-h', '--version', '--', '-n', '--dry-run', '--json', '-H', 'x', '--host=y', '%s', '!!'],
  ...['one\ntwo', '\ttab', '😀', '\u202eabc', '{a,b}', '#', "'; exit 3; '"],
]

describe.each(programs)('%s', (name) => {
  test('gets its arguments exactly, whatever they are', async () => {
    install(name, `for word; do printf '<%s>' "$word"; done`)
    const ran = await run(rig, [name, ...odd])
    expect(ran).toMatchObject({ code: 0, stdout: odd.map((word) => `<${word}>`).join(''), stderr: '' })
    expect(await run(rig, [name, '--help'])).toMatchObject({ code: 0, stdout: '<--help>' })
    expect(await run(rig, [name])).toMatchObject({ code: 0, stdout: '' })
  })

  test('reads standard input byte by byte, and writes stdout and stderr apart', async () => {
    install(name, 'echo "to stderr" >&2; exec sha256sum')
    const bytes = randomBytes(3_000_000)
    const child = spawn(process.execPath, [bin, name], { env: { ...process.env, ...rig.env } })
    const end = ended(child)
    child.stdin.end(bytes)
    const ran = await end
    expect(ran.stdout).toBe(`${createHash('sha256').update(bytes).digest('hex')}  -\n`)
    expect(ran).toMatchObject({ code: 0, stderr: 'to stderr\n' })
    install(name, 'exec cat')
    const echo = spawn(process.execPath, [bin, name], { env: { ...process.env, ...rig.env } })
    const chunks: Buffer[] = []
    echo.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    echo.stdin.end(bytes)
    expect((await once(echo, 'close'))[0]).toBe(0)
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true)
    expect(await run(rig, [name], { stdin: 'closed' })).toMatchObject({ code: 0, stdout: '' })
  })

  test.each([
    ['exit 0', 0],
    ['exit 1', 1],
    ['exit 42', 42],
    ['exit 130', 130],
    ['kill -KILL $$', 137],
    ['kill -TERM $$', 143],
  ])('that ends by `%s` ends it with that code', async (script, code) => {
    install(name, `echo out; echo err >&2; ${script}`)
    const ran = await run(rig, [name, 'x'])
    expect(ran.code).toBe(code)
    expect(ran.stdout).toBe('out\n')
    expect(ran.stderr).toMatch(/^err\n/)
  })

  test('is in the trail before and after, without the values of its flags', async () => {
    install(name, 'exit 3')
    const before = trailOf(rig).length
    await run(rig, [name, 'account', 'create', '--password', 'hunter2hunter2', '--email=a@example.com', '-x'])
    const lines = trailOf(rig).slice(before)
    expect(lines).toMatchObject([
      { command: name, event: 'intent', subject: `${name} account create --password --email -x` },
      { command: name, event: 'outcome', outcome: 'failed', message: expect.stringContaining('3') },
    ])
    expect(JSON.stringify(lines)).not.toMatch(/hunter2|example\.com/)
    const child = start(rig, [name, 'account', 'list'])
    await ended(child)
    expect(trailOf(rig).at(-1)?.subject).toBe(`${name} account list`)
  })

  test('that is not on the host is an error that says so', async () => {
    rmSync(join(rig.dir, 'bin', name), { force: true })
    const before = stateOf(rig)
    const ran = await run(rig, [name, 'account', 'list'])
    expect(ran).toMatchObject({ code: 5, stdout: '' })
    expect(ran.stderr).toContain(name)
    expect(stateOf(rig)).toEqual(before)
  })
})

/** What docker says of a container that compose has made in a directory. */
const inspectedAs = (id: string, dir: string, port: number): string =>
  JSON.stringify([
    {
      Id: id,
      Name: '/pds',
      State: { Status: 'running' },
      Config: {
        Env: [`PDS_PORT=${port}`],
        Labels: { 'com.docker.compose.service': 'pds', 'com.docker.compose.project.working_dir': dir },
      },
      HostConfig: { NetworkMode: 'host' },
    },
  ])

// Only root's sshd may give out a pseudo-terminal.
describe.skipIf(withoutRoot)('on a terminal', () => {
  const program = 'test -t 0 && test -t 1 && stty size && read answer && echo "got <$answer>"; exit 5'

  test('pdsadmin has one too, of the same size, and none otherwise', async () => {
    install('pdsadmin', program)
    const screen = onScreen(rig, ['pdsadmin'], { columns: 97 })
    await screen.shows('40 97')
    screen.type('y\r')
    await screen.shows('got <y>')
    expect(await screen.ended).toBe(5)
    install('pdsadmin', 'test -t 0 || test -t 1 || echo none')
    expect(await run(rig, ['pdsadmin'])).toMatchObject({ code: 0, stdout: 'none\n' })
  })

  test('goat in its container has one too, and none otherwise', async () => {
    // A docker with one container, which runs what is executed in it right here.
    install(
      'docker',
      `case "$*" in
        ps*) printf '%s image "pds"\\t%s\\t\\t\\n' c0ffee ${rig.pdsDir} ;;
        inspect*) echo '${inspectedAs('c0ffee', rig.pdsDir, rig.pdsPort)}' ;;
        'exec c0ffee'*) ;;
        'exec -it c0ffee'*) shift 3; exec "$@" ;;
        'exec -i c0ffee'*) shift 3; echo 'no terminal'; exec "$@" ;;
        *) echo "unexpected: $*" >&2; exit 99 ;;
      esac`,
    )
    try {
      install('goat', program)
      const screen = onScreen(rig, ['goat', 'account', 'login'], { columns: 97 })
      await screen.shows('40 97')
      screen.type('y\r')
      await screen.shows('got <y>')
      expect(await screen.ended).toBe(5)
      install('goat', 'exec cat')
      const ran = await run(rig, ['goat'], { stdin: 'piped' })
      expect(ran).toMatchObject({ code: 0, stdout: 'no terminal\npiped' })
    } finally {
      rmSync(join(rig.dir, 'bin/docker'))
    }
  })

  test('what is left by Ctrl-C does not go on, though it runs as root', async () => {
    const file = join(rig.dir, 'running')
    install('goat', `echo $$ >${file}; sleep 600; echo`)
    const screen = onScreen(rig, ['goat', 'firehose'])
    const pid = () => (existsSync(file) ? readFileSync(file, 'utf8').trim() : '')
    await expect.poll(pid, { timeout: 30_000 }).not.toBe('')
    screen.type('\x03')
    expect(await screen.ended).toBe(130)
    await expect.poll(() => existsSync(`/proc/${pid()}`), { timeout: 10_000 }).toBe(false)
  })

  test('goat of the host itself is typed to as well, and its password is not echoed', async () => {
    install('goat', 'read answer && echo "got <$answer>"; exit 5')
    const screen = onScreen(rig, ['goat', 'account', 'login'])
    screen.type('y\r')
    await screen.shows('got <y>')
    expect(await screen.ended).toBe(5)
    expect(screen.text()).not.toContain(rig.adminPassword)
  })
})

test('goat has the admin password and the PDS in its environment, not in its arguments', async () => {
  install('goat', `printf '%s|%s|' "$PDS_ADMIN_PASSWORD" "$PDS_HOST"; tr '\\0' ' ' </proc/$$/cmdline; cat`)
  const ran = await run(rig, ['goat', 'pds', 'admin'], { stdin: 'rest of it' })
  const [password, host, rest] = ran.stdout.split('|')
  expect([password, host]).toEqual([rig.adminPassword, `http://127.0.0.1:${rig.pdsPort}`])
  expect(rest).toMatch(/goat pds admin rest of it$/)
  expect(rest).not.toContain(rig.adminPassword)
})

test('global options before the name are ours, all behind it is theirs', async () => {
  install('pdsadmin', `echo "$*"`)
  const ran = await run(rig, ['-H', 'rig', '--quiet', 'pdsadmin', '-H', 'theirs', '--quiet'])
  expect(ran).toMatchObject({ code: 0, stdout: '-H theirs --quiet\n' })
  expect(await run(rig, ['-H', 'none', 'pdsadmin', 'help'])).toMatchObject({ code: 2, stdout: '' })
})
