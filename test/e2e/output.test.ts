import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { type Account, createAccount } from '../../rig/pds/accounts.ts'
import { seedAccounts } from '../../rig/pds/seed.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { bin, problem, row, rows, run } from './cli.ts'
import { endScreens, onScreen, plain } from './screen.ts'

let rig: RigHost
let place: Scratch
let erna: Account
const long = `${'very-'.repeat(11)}long@example.com`

beforeAll(async () => {
  ;[rig, place] = await Promise.all([startRig({ bypassKey: 'not-counted' }), scratch()])
  erna = await createAccount(rig, { handle: 'erna.test', email: long })
  await createAccount(rig, { handle: 'max.test', email: 'max@example.com' })
  await seedAccounts(rig, 3000, { prefix: 'crowd', repos: false })
})
afterAll(async () => {
  endScreens()
  await Promise.all([rig.stop(), place[Symbol.asyncDispose]()])
})

const list = ['account', 'list', '--match', '*example.com', '--status', 'active']
const two = ['account', 'list', '--match', 'm*.test']
const color = /\u001b\[\d+m/

describe('a list', () => {
  test('in a pipe is tab-separated, whole, without a header; the count is on stderr', async () => {
    const ran = await run(rig, ['account', 'list', '--match', long])
    expect(ran).toMatchObject({ code: 0, stderr: '1 account\n' })
    const fields = ran.stdout.split('\t')
    expect(fields.slice(0, 4)).toEqual(['erna.test', erna.did, long, 'active'])
    expect(fields[4]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\n$/)
  })

  test('with --json is an object on each line, with all fields', async () => {
    const ran = await run(rig, [...list, '--limit', '5', '--json'])
    expect(ran.stdout.split('\n')).toHaveLength(6)
    for (const line of rows(ran))
      expect(Object.keys(line)).toEqual([
        ...['handle', 'did', 'email', 'status', 'createdAt', 'emailConfirmedAt', 'invitedBy', 'inviteCode'],
      ])
  })

  test('on a terminal is an aligned table with a header, no wider than the terminal', async () => {
    const screen = onScreen(rig, ['account', 'list', '--match', 'e*.test'], { columns: 90 })
    expect(await screen.ended).toBe(0)
    expect(screen.text()).toMatch(color)
    const [head = '', line = ''] = plain(screen.text()).split('\n')
    expect(head.trim().split(/ +/)).toEqual(['handle', 'DID', 'email', 'status', 'created', '(UTC)'])
    for (const name of ['DID', 'email', 'status']) expect(line[head.indexOf(name) - 1]).toBe(' ')
    expect(line.slice(head.indexOf('status'))).toMatch(/^active/)
    expect(line.length).toBeLessThanOrEqual(90)
    expect(line).toContain('…')
    expect(line).toContain(erna.did)
  })

  describe('longer than the screen', () => {
    const PAGER = "sed 's/^/paged: /'"

    test('goes through the pager, and what is said of it comes behind', async () => {
      const screen = onScreen(rig, ['account', 'list', '--limit', '60'], { env: { PAGER } })
      expect(await screen.ended).toBe(0)
      const lines = plain(screen.text()).trim().split('\n')
      expect(lines[0]).toMatch(/^paged: handle/)
      expect(lines.filter((line) => line.startsWith('paged: '))).toHaveLength(61)
      expect(lines.at(-1)).toBe('60 accounts')
    })

    test.each([
      ['with --no-pager', ['--no-pager'], '60'],
      ['with --no-input', ['--no-input'], '60'],
      ['with --json', ['--json'], '60'],
      ['when it fits', [], '20'],
    ])('does not %s', async (_, args, limit) => {
      const screen = onScreen(rig, ['account', 'list', '--limit', limit, ...args], { env: { PAGER } })
      expect(await screen.ended).toBe(0)
      expect(screen.text()).not.toContain('paged')
      expect(plain(screen.text())).toContain(`${limit} accounts`)
    })

    test('ends where the pager is left, and stands as it is where there is no such program', async () => {
      const left = onScreen(rig, ['account', 'list'], { env: { PAGER: 'head -3' } })
      expect(await left.ended).toBe(0)
      expect(plain(left.text()).match(/\.test /g)).toHaveLength(2)
      const without = onScreen(rig, ['account', 'list', '--limit', '60'], { env: { PAGER: 'no-such-pager' } })
      expect(await without.ended).toBe(0)
      expect(plain(without.text()).match(/\.test /g)).toHaveLength(60)
    })
  })

  test.each([
    ['--no-color', ['--no-color'], {}],
    ['NO_COLOR', [], { NO_COLOR: '1' }],
    ['NO_COLOR over FORCE_COLOR', [], { NO_COLOR: '1', FORCE_COLOR: '1' }],
    ['TERM=dumb', [], { TERM: 'dumb' }],
  ] as const)('has no colour with %s', async (_name, args, env) => {
    const screen = onScreen(rig, [...two, ...args], { env })
    expect(await screen.ended).toBe(0)
    expect(screen.text()).not.toMatch(color)
    expect(screen.text()).toContain('max.test')
  })

  test('colours each stream by itself', async () => {
    const out = place.file('out')
    const piped = onScreen(rig, [...two, '--bogus'], { shell: `>${out}` })
    expect(await piped.ended).toBe(2)
    expect(piped.text()).toMatch(color)
    const table = onScreen(rig, two, { shell: `2>${out}` })
    expect(await table.ended).toBe(0)
    expect(table.text()).toMatch(color)
    expect(await readFile(out, 'utf8')).toBe('1 account\n')
    const forced = await run(rig, ['account', 'info', 'nobody'], { env: { FORCE_COLOR: '1' } })
    expect(forced.stderr).toMatch(color)
    const none = await run(rig, ['account', 'info', 'nobody'], { env: { FORCE_COLOR: '' } })
    expect(none.stderr).not.toMatch(color)
  })

  test.each([['--json'], ['--quiet']])('%s whose reader goes away ends in silence', async (form) => {
    const words = [process.execPath, bin, 'account', 'list', form].map((word) => `'${word}'`).join(' ')
    for (const reader of ['head -1', 'true']) {
      const { stdout, stderr } = await promisify(execFile)(
        'bash',
        ['-c', `${words} | ${reader}; echo "codes \${PIPESTATUS[*]}"`],
        { env: { ...process.env, ...rig.env } },
      )
      expect(stdout).toMatch(reader === 'true' ? /^codes 0 0\n$/ : /^.*crowd000001.*\ncodes 0 0\n$/)
      expect(stderr).toBe('')
    }
  })
})

describe('what is told on the way', () => {
  test('--quiet keeps only results and errors', async () => {
    expect(await run(rig, [...two, '--quiet'])).toMatchObject({ code: 0, stderr: '' })
    const changed = await run(rig, ['account', 'takedown', 'max', '--yes', '-q'])
    expect(changed).toMatchObject({ code: 0, stderr: '' })
    const again = await run(rig, ['account', 'takedown', 'max', '--yes', '-q', '--json'])
    expect(again).toMatchObject({ code: 0, stderr: '' })
    expect(row(again).changed).toBe(false)
    expect((await run(rig, ['account', 'info', 'nobody', '-q'])).stderr).toMatch(/^error: no account nobody/)
    expect(await run(rig, ['account', 'restore', 'max', '--yes', '-q'])).toMatchObject({
      code: 0,
      stderr: '',
    })
  })

  test('--verbose tells each remote command and call with its time, on stderr', async () => {
    const ran = await run(rig, [...two, '--verbose', '--json'])
    expect(row(ran).handle).toBe('max.test')
    expect(ran.stderr).toMatch(/^connected to .* \(\d+ ms\)$/m)
    expect(ran.stderr).toMatch(/^\$ .* \(\d+ ms\)$/m)
    expect(ran.stderr).toMatch(/^GET com\.atproto\.sync\.listRepos limit=1000.* \(\d+ ms\)$/m)
  })

  test('a failure with --json is one object on stderr, and nothing on stdout', async () => {
    const ran = await run(rig, ['account', 'info', 'nobody', '--json'])
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(JSON.parse(ran.stderr)).toEqual({
      error: {
        code: 'account-not-found',
        message: expect.any(String),
        hint: expect.stringContaining('account list'),
      },
    })
  })
})

describe('global options', () => {
  test('stand before, between or behind the words', async () => {
    for (const words of [
      ['--json', ...two],
      ['account', '--json', ...two.slice(1)],
      [...two, '--json'],
      ['-qH', 'rig', '--json', ...two],
      ['--host=rig', ...two, '--json'],
    ])
      expect(row(await run(rig, words))).toMatchObject({ handle: 'max.test' })
  })

  test('come from the environment, and the command line beats it', async () => {
    const env = { KIMBIA_OPS_HOST: 'nowhere', KIMBIA_OPS_JSON: '1' }
    const ran = await run(rig, two, { env })
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(problem(ran)).toMatchObject({
      message: expect.stringContaining('nowhere'),
      hint: 'configured: rig',
    })
    expect(row(await run(rig, ['-H', 'rig', ...two], { env })).handle).toBe('max.test')
    expect(problem(await run(rig, ['-H', 'rigg', ...two, '--json'])).hint).toContain('did you mean “rig”')
    const config = { KIMBIA_OPS_CONFIG: place.file('none.yaml') }
    expect(row(await run(rig, [...two, '--json', '--config', rig.configFile], { env: config }))).toBeTruthy()
    expect(await run(rig, two, { env: { KIMBIA_OPS_QUIET: 'perhaps' } })).toMatchObject({ code: 2 })
  })

  test.each([
    [['account', 'lst'], 'account list'],
    [['acount', 'list'], 'account'],
    [['account', 'list', '--jsn'], '--json'],
    [['account', 'list', 'more'], 'more'],
    [['account', 'list', '--limit', 'many'], '--limit'],
    [['account', 'list', '--limit'], '--limit'],
    [['account', 'list', '--timeout', '0'], '--timeout'],
    [['account', 'list', '--since', 'lately'], '--since'],
    [['account', 'list', '--match', '--json'], '--match'],
    [['account', 'list', '--status', 'down'], 'takendown'],
  ])('%j is a usage error that says what is meant', async (words, said) => {
    const ran = await run(rig, words, { env: { KIMBIA_OPS_CONFIG: place.file('not-looked-at') } })
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(ran.stderr).toContain(said)
  })
})
