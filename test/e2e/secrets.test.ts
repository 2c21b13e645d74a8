import { readdirSync, readFileSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { type Account, canLogIn, createAccount } from '../../rig/pds/accounts.ts'
import { withoutRoot } from '../support/local-host.ts'
import { sql } from '../support/rig-state.ts'
import { problem, type Ran, row, run } from './cli.ts'

let rig: RigHost
let erna: Account
let watched: ReturnType<typeof watch>

beforeAll(async () => {
  rig = await startRig()
  erna = await createAccount(rig, { handle: 'erna.test' })
  watched = watch()
})
afterAll(async () => {
  watched.stop()
  await rig.stop()
})

/** Collects the argument lists of all processes of this machine, which is both sides of the connection. */
function watch() {
  const seen = new Set<string>()
  const look = () => {
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid)) continue
      try {
        seen.add(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
      } catch {
        // It has ended meanwhile.
      }
    }
  }
  const timer = setInterval(look, 3)
  return { lines: () => [...seen], stop: () => clearInterval(timer) }
}

/** The admin password in each form in which it travels. */
const forms = () => [
  rig.adminPassword,
  btoa(`admin:${rig.adminPassword}`),
  encodeURIComponent(rig.adminPassword),
]

const trail = () => readFileSync(join(rig.pdsDir, 'kimbia-ops/trail.jsonl'), 'utf8')

/** Everything that was shown besides the field that is the result. */
const shown = ({ stdout, stderr }: Ran, password = '‹none›') =>
  `${stdout.replace(`"password":"${password}"`, '')}${stderr}`

function expectNowhere(secrets: readonly string[], ...texts: readonly string[]) {
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(7)
    for (const text of [...watched.lines(), ...texts, trail()])
      if (text.includes(secret))
        throw new Error(`a secret is in: ${text.replaceAll('\0', ' ').slice(0, 2000)}`)
  }
}

test('a generated password is in its field and nowhere else', async () => {
  const made = await run(rig, ['account', 'create', 'neu@example.com', 'neu', '--json', '--verbose'])
  const { did, password } = row<{ did: string; password: string }>(made)
  expect(await canLogIn(rig, 'neu.test', password)).toBe(true)
  const reset = await run(rig, ['account', 'reset-password', did, '--yes', '--json', '-v'])
  const { password: next } = row<{ password: string }>(reset)
  expect(await canLogIn(rig, 'neu.test', next)).toBe(true)
  const dry = await run(rig, ['account', 'reset-password', did, '--dry-run', '-v'])
  expect(dry.stdout).toContain('‹secret›')
  expect(made.stderr).toMatch(/^POST com\.atproto\.server\.createAccount/m)
  expectNowhere(
    [password, next, ...forms()],
    shown(made, password),
    shown(reset, next),
    shown(dry),
    sql(rig, 'select * from account'),
  )
})

test('a password from standard input is shown nowhere at all', async () => {
  const [first, second] = ['correct horse "battery" $(staple)', "zweites ‘Paßwort’ \\ 'x'"]
  const created = await run(
    rig,
    ['account', 'create', 'hans@example.com', 'hans', '--password-stdin', '--json', '-v'],
    { stdin: `${first}\n` },
  )
  expect(row(created)).toMatchObject({ password: null, changed: true })
  expect(await canLogIn(rig, 'hans.test', first)).toBe(true)
  const reset = await run(
    rig,
    ['account', 'reset-password', 'hans', '--password-stdin', '--yes', '--json', '-v'],
    { stdin: `${second}\r\nand a second line` },
  )
  expect(row(reset)).toMatchObject({ password: null, changed: true })
  expect(await canLogIn(rig, 'hans.test', second)).toBe(true)
  const short = await run(rig, ['account', 'reset-password', 'hans', '--password-stdin', '--yes', '--json'], {
    stdin: 'seven77\n',
  })
  expect(short).toMatchObject({ code: 2, stdout: '' })
  expect(short.stderr).not.toContain('seven77')
  const taken = await run(
    rig,
    ['account', 'create', 'hans@example.com', 'hans2', '--password-stdin', '--json', '-v'],
    { stdin: `${first}\n` },
  )
  expect(problem(taken).code).not.toBe('bug')
  const secrets = [first, second, JSON.stringify(first).slice(1, -1), JSON.stringify(second).slice(1, -1)]
  expectNowhere([...secrets, ...forms()], ...[created, reset, taken].map((ran) => shown(ran)))
})

test('the admin password is in no argument list and no output, whatever is done', async () => {
  for (const program of ['goat', 'pdsadmin']) {
    await writeFile(join(rig.dir, 'bin', program), '#!/bin/sh\nexec sed -n 1p\n')
    await chmod(join(rig.dir, 'bin', program), 0o755)
  }
  const runs = [
    ['account', 'list'],
    ['account', 'info', 'erna'],
    ['account', 'takedown', 'erna', '--yes', '--reason', 'x'],
    ['account', 'restore', erna.did, '--yes'],
    ['account', 'update', 'erna', '--email', 'e@example.com', '--yes'],
    ['invite', 'create', '--count', '3'],
    ['health'],
    ['trail'],
    ['xrpc', 'get', 'com.atproto.admin.getAccountInfo', `did=${erna.did}`],
    ['xrpc', 'post', 'com.atproto.admin.nothing', '--body', '{}', '--yes'],
  ]
  for (const args of runs) {
    const ran = await run(rig, [...args, '--json', '--verbose'])
    expectNowhere(forms(), shown(ran))
    expect(ran.stderr).toMatch(/\(\d+ ms\)/)
  }
  for (const program of ['goat', 'pdsadmin'])
    expectNowhere(forms(), shown(await run(rig, ['-v', program, 'account', 'list'], { stdin: 'mine\n' })))
  // The watch saw both sides at work, else it would have proven nothing.
  const lines = watched.lines().join('\n')
  expect(lines).toContain('kimbia-ops.js')
  expect(lines).toMatch(withoutRoot ? /sh\0-c/ : /sudo\0-n\0sh\0-c/)
  expect(lines).toContain('keep the trail')
})

test('a body for xrpc post from standard input stays between here and the PDS', async () => {
  const password = 'given by standard input 42'
  const body = JSON.stringify({ did: erna.did, password })
  const ran = await run(
    rig,
    ['xrpc', 'post', 'com.atproto.admin.updateAccountPassword', '--body', '-', '--yes', '-v', '--json'],
    { stdin: body },
  )
  expect(ran.code).toBe(0)
  expect(await canLogIn(rig, 'erna.test', password)).toBe(true)
  expectNowhere([password], shown(ran))
})
