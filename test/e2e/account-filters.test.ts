import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { type Seeded, seedAccounts } from '../../rig/pds/seed.ts'
import { sql } from '../support/rig-state.ts'
import { problem, rows, run } from './cli.ts'

let rig: RigHost
let people: Seeded[]

beforeAll(async () => {
  rig = await startRig({ bypassKey: 'not-counted' })
  people = await seedAccounts(rig, 53, { prefix: 'person', emailConfirmed: () => false })
})
afterAll(() => rig.stop())

const list = (...words: readonly string[]) => run(rig, ['account', 'list', ...words, '--json'])
const handles = async (...words: readonly string[]): Promise<string[]> =>
  rows<{ handle: string }>(await list(...words)).map(({ handle }) => handle)

test('where nobody could confirm an address, --unconfirmed says that it tells none from another', async () => {
  expect(sql(rig, 'select count(*) from account where emailConfirmedAt is not null')).toBe('0')
  const ran = await list('--since', '3h', '--unconfirmed')
  expect([ran.code, rows(ran).length]).toEqual([0, 53])
  expect(ran.stderr).toContain('53 of 53 accounts are unconfirmed')
  expect(ran.stderr).toContain('mail is not set up on this PDS')
})

test('a text is looked for in handle and address, and in the DID only where it begins like one', async () => {
  const [one] = people as [Seeded]
  const within = one.did.slice('did:plc:'.length + 2, -2)
  expect(await handles('--match', within)).toEqual([])
  expect(await handles('--match', `did:plc:${one.did.slice(8, 16)}`)).toEqual([one.handle])
  expect(await handles('--match', one.email)).toEqual([one.handle])
})

test('classes, regular expressions and what is not wanted', async () => {
  const ten = people.slice(9, 19).map(({ handle }) => handle)
  expect(await handles('--match', 'person00001[0-9]')).toEqual(ten)
  expect(await handles('--match', '*[1]?.test')).toEqual(ten)
  expect(await handles('--regex', '00001\\d\\.test$')).toEqual(ten)
  expect(await handles('--match', 'person00001', '--not-match', '[5-9].')).toEqual(ten.slice(0, 5))
  const refused = await list('--match', '\\d+')
  expect([refused.code, refused.stdout]).toEqual([2, ''])
  expect(problem(refused).hint).toContain('--regex')
})
