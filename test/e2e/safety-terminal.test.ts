import { readFile, stat, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { type Account, accountStatus, canLogIn, createAccount, logIn } from '../../rig/pds/accounts.ts'
import { seedAccounts } from '../../rig/pds/seed.ts'
import { stateOf, takenDown } from '../support/rig-state.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { rows, run } from './cli.ts'
import { endScreens, onScreen, plain } from './screen.ts'

let rig: RigHost
let place: Scratch
let erna: Account

beforeAll(async () => {
  ;[rig, place] = await Promise.all([startRig(), scratch()])
  erna = await createAccount(rig, { handle: 'erna.test' })
})
afterAll(async () => {
  endScreens()
  await Promise.all([rig.stop(), place[Symbol.asyncDispose]()])
})

const enter = '\r'
const ctrlC = '\u0003'
const ctrlD = '\u0004'

describe('a question', () => {
  test.each([
    ['Enter alone', enter, 4],
    ['n', `n${enter}`, 4],
    ['something else, then Ctrl-C', `sure${enter}${ctrlC}`, 130],
    ['Ctrl-C', ctrlC, 130],
    ['Ctrl-D', ctrlD, 130],
  ])('answered by %s changes nothing', async (_name, keys, code) => {
    const before = stateOf(rig)
    const screen = onScreen(rig, ['account', 'takedown', 'erna'])
    await screen.shows('(y/N)')
    screen.type(keys)
    expect(await screen.ended).toBe(code)
    expect(plain(screen.text())).toContain(`take down erna.test (${erna.did}) on rig (${rig.ssh.user}@`)
    expect(plain(screen.text())).toContain('nothing was done')
    expect(stateOf(rig)).toEqual(before)
  })

  test('answered by y goes on', async () => {
    const screen = onScreen(rig, ['account', 'takedown', 'erna'])
    await screen.shows('(y/N)')
    screen.type(`y${enter}`)
    expect(await screen.ended).toBe(0)
    expect(await accountStatus(rig, erna.did)).toBe('takendown')
  })

  test('is not asked after --yes, nor where a script said that nobody is there', async () => {
    const declined = onScreen(rig, ['account', 'restore', 'erna', '--no-input'])
    expect(await declined.ended).toBe(4)
    expect(await accountStatus(rig, erna.did)).toBe('takendown')
    const dumb = onScreen(rig, ['account', 'restore', 'erna'], { env: { TERM: 'dumb' } })
    expect(await dumb.ended).toBe(4)
    const restored = onScreen(rig, ['account', 'restore', 'erna', '--yes'])
    expect(await restored.ended).toBe(0)
    expect(restored.text()).not.toContain('(y/N)')
    expect(await accountStatus(rig, erna.did)).toBe('active')
  })

  test('is asked through the terminal where the accounts come in a pipe', async () => {
    const { did } = await createAccount(rig, { handle: 'piped.test' })
    const list = place.file('piped')
    await writeFile(list, `${did}\n`)
    const declined = onScreen(rig, ['account', 'takedown', '--from', '-'], { shell: `<${list}` })
    await declined.shows('(y/N)')
    declined.type(enter)
    expect(await declined.ended).toBe(4)
    const silent = onScreen(rig, ['account', 'takedown', '--from', '-', '--no-input'], { shell: `<${list}` })
    expect(await silent.ended).toBe(4)
    expect(await accountStatus(rig, did)).toBe('active')
    const screen = onScreen(rig, ['account', 'takedown', '--from', '-'], { shell: `<${list}` })
    await screen.shows('(y/N)')
    screen.type(`y${enter}`)
    expect(await screen.ended).toBe(0)
    expect(await accountStatus(rig, did)).toBe('takendown')
    expect(await run(rig, ['account', 'restore', did, '--yes'])).toMatchObject({ code: 0 })
  })

  test('before deleting wants the handle, and nothing else will do', async () => {
    const { did } = await createAccount(rig, { handle: 'kurt.test' })
    for (const typed of ['y', 'kurt', '']) {
      const screen = onScreen(rig, ['account', 'delete', 'kurt', '--yes'])
      await screen.shows('type kurt.test')
      screen.type(`${typed}${enter}`)
      if (typed !== '') {
        await screen.shows('does not match')
        screen.type(enter)
      }
      expect(await screen.ended).toBe(4)
      expect(await accountStatus(rig, did)).toBe('active')
    }
    const screen = onScreen(rig, ['account', 'delete', 'kurt'])
    await screen.shows('type kurt.test')
    expect(plain(screen.text())).toContain('this cannot be undone')
    screen.type(`kurt.test${enter}`)
    expect(await screen.ended).toBe(0)
    expect(await accountStatus(rig, did)).toBe('none')
  })

  test('before a change of many wants their count; the line of progress is gone in the end', async () => {
    const accounts = await seedAccounts(rig, 30, { prefix: 'wave' })
    const words = ['account', 'takedown', ...accounts.map(({ did }) => did)]
    const wrong = onScreen(rig, words)
    await wrong.shows('type 30')
    wrong.type(`29${enter}`)
    await wrong.shows('“29” does not match')
    wrong.type(enter)
    expect(await wrong.ended).toBe(4)
    expect(takenDown(rig)).toEqual([])

    const out = place.file('rows')
    const screen = onScreen(rig, words, { shell: `>${out}` })
    await screen.shows('type 30')
    screen.type(`30${enter}`)
    expect(await screen.ended).toBe(0)
    expect(takenDown(rig)).toEqual(accounts.map(({ did }) => did).sort())
    expect((await readFile(out, 'utf8')).trim().split('\n')).toHaveLength(30)
    expect(screen.text()).toMatch(/\d+ of 30/)
    const left = screen
      .text()
      .split('\n')
      .map((line) => line.split('\r\u001b[K').at(-1))
    expect(left.join('\n')).not.toMatch(/\d+ of 30/)
  })
})

test('before a change of many shows what judges each, in a pager, and what differs right above the question', async () => {
  const accounts = await seedAccounts(rig, 30, { prefix: 'ring', emailConfirmed: (number) => number === 8 })
  const words = ['account', 'takedown', ...accounts.map(({ did }) => did), 'erna']
  const screen = onScreen(rig, words, { env: { PAGER: "sed 's/^/paged: /'" } })
  await screen.shows('type 31')
  screen.type(enter)
  expect(await screen.ended).toBe(4)
  const shown = plain(screen.text())
  for (const { handle, did, email } of accounts) {
    expect(shown).toContain(`paged:   ${handle} (${did})`)
    expect(shown).toMatch(new RegExp(`paged: {5}${email}( \\(confirmed\\))?, made \\d+ min ago, `))
  }
  const below = shown.slice(shown.lastIndexOf('paged:')).split('\n').slice(1).join('\n')
  expect(shown).toMatch(/paged: {5}erna-test@[^\n]*, 0 records/)
  expect(below).toContain('1 confirmed; 1 mail domain')
  expect(below).toContain(`${accounts[7]?.handle} (${accounts[7]?.did}): confirmed its address`)
  expect(below).not.toContain(accounts[8]?.handle)
  const whole = onScreen(rig, [...words, '--no-pager'], { env: { PAGER: "sed 's/^/paged: /'" } })
  await whole.shows('type 31')
  whole.type(enter)
  expect(await whole.ended).toBe(4)
  expect(whole.text()).not.toContain('paged:')
})

describe('what is missing is asked for', () => {
  test('init asks where the host is, and saves it for its owner alone', async () => {
    const config = place.file('new/config.yaml')
    const { user, port, identity, knownHosts } = rig.ssh
    const words = ['init', 'mine', '--identity', identity, '--known-hosts', knownHosts, '--dir', rig.pdsDir]
    const env = { KIMBIA_OPS_CONFIG: config }
    const left = onScreen(rig, words, { env })
    await left.shows('Where is the host?')
    left.type(ctrlC)
    expect(await left.ended).toBe(130)
    await expect(stat(config)).rejects.toThrow('ENOENT')

    const screen = onScreen(rig, words, { env })
    await screen.shows('Where is the host?')
    screen.type(`${user}@127.0.0.1:${port}${enter}`)
    expect(await screen.ended).toBe(0)
    expect((await stat(config)).mode & 0o777).toBe(0o600)
    expect(rows(await run(rig, ['hosts', '--json'], { env }))).toMatchObject([
      { name: 'mine', ssh: `${user}@127.0.0.1:${port}`, default: true },
    ])
    expect(await run(rig, ['account', 'list', '--limit', '1'], { env })).toMatchObject({ code: 0 })
  })

  test('account create asks for email and handle, and shows the password once', async () => {
    const screen = onScreen(rig, ['account', 'create'])
    await screen.shows('Email address')
    screen.type(`lena@example.com${enter}`)
    await screen.shows('Handle')
    screen.type(`lena${enter}`)
    expect(await screen.ended).toBe(0)
    const [, password = ''] = /password\s+(\S+)/.exec(plain(screen.text())) ?? []
    expect(await canLogIn(rig, 'lena.test', password)).toBe(true)
    expect(screen.text().split(password)).toHaveLength(2)
    expect((await logIn(rig, 'lena@example.com', password)).did).toMatch(/^did:plc:/)
  })
})

test.each([
  ['--no-color', ['--no-color'], {}],
  ['NO_COLOR', [], { NO_COLOR: '1' }],
] as const)('%s holds for questions too', async (_name, args, env) => {
  const screen = onScreen(rig, ['account', 'takedown', 'erna', ...args], { env })
  await screen.shows('(y/N)')
  screen.type(enter)
  expect(await screen.ended).toBe(4)
  expect(screen.text()).not.toMatch(/\u001b\[[0-9;]*m/)
})
