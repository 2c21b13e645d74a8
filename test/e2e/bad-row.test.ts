import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { type Account, accountStatus, createAccount } from '../../rig/pds/accounts.ts'
import { type Seeded, seedAccounts } from '../../rig/pds/seed.ts'
import { problem, rows, run } from './cli.ts'

let rig: RigHost
let all: Seeded[]
let bad: Account

beforeAll(async () => {
  rig = await startRig()
  all = await seedAccounts(rig, 1100, { prefix: 'person' })
  bad = await createAccount(rig, { handle: 'broken.test' })
  const statement = `update actor set handle = 'no_such..handle' where did = '${bad.did}'`
  execFileSync('sqlite3', ['-cmd', '.timeout 5000', join(rig.pdsDir, 'account.sqlite'), statement])
})
afterAll(() => rig.stop())

interface Listed {
  did: string
}

test('one row that the PDS cannot answer for is named, and the others are listed', async () => {
  const ran = await run(rig, ['account', 'list', '--json'])
  expect(rows<Listed>(ran).map(({ did }) => did)).toEqual(all.map(({ did }) => did))
  expect(ran.code).toBe(6)
  expect(problem(ran)).toMatchObject({ code: 'partial', failed: [{ subject: bad.did, code: 'pds-error' }] })
  expect(problem(ran).hint).toContain(bad.did)
})

test('it keeps no other account from being found, shown and taken down', async () => {
  const [one, other] = all.slice(-2) as [Seeded, Seeded]
  const shown = await run(rig, ['account', 'info', one.email, bad.did, other.did, '--json'])
  expect(rows<Listed>(shown).map(({ did }) => did)).toEqual([one.did, other.did])
  expect(shown.code).toBe(6)
  expect(problem(shown)).toMatchObject({ failed: [{ subject: bad.did, code: 'account-unreadable' }] })
  const down = await run(rig, ['account', 'takedown', one.did, bad.did, '--yes', '--json'])
  expect(down.code).toBe(6)
  expect(await accountStatus(rig, one.did)).toBe('takendown')
})

test('what the failure says to type mends it', async () => {
  const { hint = '' } = problem(await run(rig, ['account', 'info', bad.did, '--json']))
  const [, method = '', body = ''] = /xrpc post (\S+) --body '(.*)'/.exec(hint) ?? []
  const mended = ['xrpc', 'post', method, '--body', body.replace('HANDLE', 'mended.test'), '--yes']
  expect(await run(rig, mended)).toMatchObject({ code: 0 })
  expect((await run(rig, ['account', 'list', '--json'])).code).toBe(0)
})
