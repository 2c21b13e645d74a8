import { writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readAccountIndex, readDidsByEmail } from '../../src/host/account-index.ts'
import { openHost } from '../../src/host/open-host.ts'
import { openLocal } from '../../src/ssh/connect/local.ts'
import { type LocalPds, localPds } from '../support/local-host.ts'
import { scriptedHost } from '../support/scripted-host.ts'

let pds: LocalPds
let database: DatabaseSync
const host = () => openHost(async () => openLocal(), pds.config)

beforeEach(async () => {
  pds = await localPds()
  database = new DatabaseSync(pds.path('account.sqlite'))
  database.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE actor (did TEXT PRIMARY KEY, handle TEXT, createdAt TEXT, takedownRef TEXT, deactivatedAt TEXT);
    CREATE TABLE repo_root (did TEXT PRIMARY KEY, cid TEXT);
    CREATE TABLE account (did TEXT PRIMARY KEY, email TEXT)`)
})
afterEach(async () => {
  if (database.isOpen) database.close()
  await pds[Symbol.asyncDispose]()
})

const didOf = (number: number): string => `did:plc:${String(number).padStart(24, 'a')}`
const at = (number: number): Date => new Date(Date.UTC(2026, 0, 1) + number * 1000)

function add(
  count: number,
  more: (number: number) => { taken?: string; deactivated?: string; rootless?: boolean } = () => ({}),
) {
  const actor = database.prepare('INSERT INTO actor VALUES (?, ?, ?, ?, ?)')
  const root = database.prepare("INSERT INTO repo_root VALUES (?, 'cid')")
  const account = database.prepare('INSERT INTO account VALUES (?, ?)')
  database.exec('BEGIN')
  for (let i = 0; i < count; i++) {
    const { taken = null, deactivated = null, rootless } = more(i)
    actor.run(didOf(i), `user${i}.test`, at(i).toISOString(), taken, deactivated)
    account.run(didOf(i), i === 3 ? "o'hara@example.com" : `user${i}@example.com`)
    if (!rootless) root.run(didOf(i))
  }
  database.exec('COMMIT')
}

describe('the accounts of the database', () => {
  test('are counted by the status that the PDS lists them with; without a repository it lists none', async () => {
    add(10, (i) => ({
      ...(i < 2 && { taken: 't', deactivated: 'd' }),
      ...(i === 5 && { deactivated: 'd' }),
      rootless: i === 9,
    }))
    const { counts, newest } = (await readAccountIndex(host())) ?? {}
    expect(counts).toEqual(
      new Map([
        ['takendown', 2],
        ['deactivated', 1],
        ['active', 6],
      ]),
    )
    expect(newest).toEqual({ did: didOf(8), createdAt: at(8) })
  })

  test('have the cursors that the PDS gives, behind each thousandth and the newest', async () => {
    add(2500)
    const cursors = [999, 1999, 2499].map((i) => `${at(i).getTime()}::${didOf(i)}`)
    expect((await readAccountIndex(host()))?.cursors).toEqual(cursors)
  })

  test('have no cursor twice where a page ends with the newest', async () => {
    add(1000)
    expect((await readAccountIndex(host()))?.cursors).toEqual([`${at(999).getTime()}::${didOf(999)}`])
  })

  test('are found by their address, whatever stands in it', async () => {
    add(10)
    const asked = [
      "o'hara@example.com",
      'user7@example.com',
      "x' OR '1'='1@example.com",
      'nobody@example.com',
    ]
    expect((await readDidsByEmail(host(), asked)).toSorted()).toEqual([didOf(3), didOf(7)])
  })
})

describe('nothing is told', () => {
  test('where there is no account', async () => {
    expect(await readAccountIndex(host())).toBeUndefined()
  })

  test('where nobody has the database open: to open it would make files beside it', async () => {
    add(10)
    database.close()
    expect(await readAccountIndex(host())).toBeUndefined()
    expect(await readDidsByEmail(host(), ['user7@example.com'])).toEqual([])
  })

  test('where it is of another kind', async () => {
    database.exec('DROP TABLE actor; DROP TABLE account')
    expect(await readAccountIndex(host())).toBeUndefined()
    expect(await readDidsByEmail(host(), ['user7@example.com'])).toEqual([])
    database.close()
    writeFileSync(pds.path('account.sqlite'), 'no database')
    writeFileSync(pds.path('account.sqlite-shm'), '')
    expect(await readAccountIndex(host())).toBeUndefined()
  })

  test.each([
    ['sqlite3 is not there', ''],
    ['the time is none', 'newest soon did:plc:a\n'],
  ])('where %s', async (_, stdout) => {
    expect(await readAccountIndex(scriptedHost().on('# look into the accounts', stdout))).toBeUndefined()
  })
})
