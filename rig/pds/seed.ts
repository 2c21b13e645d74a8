import { createHash, scryptSync } from 'node:crypto'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync as Sqlite } from 'node:sqlite'
import type { RigFacts } from '../host.ts'

/** What the accounts shall look like; the number of an account runs from 1 to n. */
export interface SeedOptions {
  /** Default: one each second, up to now. */
  createdAt?: (number: number) => Date
  /** The handles are this, six digits and `.test`. Default 'runner'; a second seeding needs another. */
  prefix?: string
  /** Default: all are confirmed. */
  emailConfirmed?: (number: number) => boolean
  /** The one password of all of them. Default 'seeded'. */
  password?: string
  /** Whether each has the (empty) repository that getRepoStatus of an active account wants. Default: up to 20,000. */
  repos?: boolean
}

/** A seeded account. */
export interface Seeded {
  did: string
  handle: string
  email: string
  createdAt: Date
}

const EMPTY_REPO = {
  cid: 'bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm',
  rev: '3lbrqjyn2ms2k',
}

type Seedable = Pick<RigFacts, 'dir' | 'pdsDir' | 'docker'>

/**
 * Puts n accounts straight into the databases of a running PDS. Their DIDs are unknown to the PLC directory, so
 * whatever resolves them fails: a change of handle, or the activation of a deactivated one.
 */
export async function seedAccounts(rig: Seedable, n: number, options: SeedOptions = {}): Promise<Seeded[]> {
  const { prefix = 'runner', password = 'seeded', repos = n <= 20_000 } = options
  const now = Date.now()
  const createdAt = options.createdAt ?? ((number) => new Date(now - (n - number) * 1000))
  const emailConfirmed = options.emailConfirmed ?? (() => true)
  const accounts = Array.from({ length: n }, (_, index) => {
    const name = prefix + String(index + 1).padStart(6, '0')
    const did = `did:plc:${base32(createHash('sha256').update(name).digest()).slice(0, 24)}`
    return { did, handle: `${name}.test`, email: `${name}@example.com`, createdAt: createdAt(index + 1) }
  })

  const { DatabaseSync } = await import('node:sqlite')
  const database = new DatabaseSync(join(rig.pdsDir, 'account.sqlite'), { timeout: 10_000 })
  try {
    insertAll(database, accounts, passwordHash(password), emailConfirmed)
  } finally {
    database.close()
  }
  if (repos) linkRepos(rig, accounts, DatabaseSync)
  return accounts
}

function insertAll(
  database: Sqlite,
  accounts: Seeded[],
  passwordScrypt: string,
  emailConfirmed: (number: number) => boolean,
): void {
  const actor = database.prepare('insert into actor (did, handle, createdAt) values (?, ?, ?)')
  const account = database.prepare(
    'insert into account (did, email, passwordScrypt, emailConfirmedAt) values (?, ?, ?, ?)',
  )
  const root = database.prepare('insert into repo_root (did, cid, rev, indexedAt) values (?, ?, ?, ?)')
  database.exec('begin immediate')
  try {
    for (const [index, { did, handle, email, createdAt }] of accounts.entries()) {
      const at = createdAt.toISOString()
      actor.run(did, handle, at)
      account.run(did, email, passwordScrypt, emailConfirmed(index + 1) ? at : null)
      root.run(did, EMPTY_REPO.cid, EMPTY_REPO.rev, at)
    }
    database.exec('commit')
  } catch (error) {
    database.exec('rollback')
    throw error
  }
}

/** All seeded accounts share one store file, behind a link each: enough to be read, and cheap. */
function linkRepos(rig: Seedable, accounts: Seeded[], Database: typeof Sqlite): void {
  // A container sees nothing above the directory of the PDS.
  const [place, up] = rig.docker ? [rig.pdsDir, '../../..'] : [rig.dir, '../../../..']
  const shared = new Database(join(place, 'seeded.sqlite'))
  shared.exec(
    `create table if not exists repo_root (did varchar primary key, cid varchar, rev varchar, indexedAt varchar);
     insert or ignore into repo_root values ('did:plc:seeded', '${EMPTY_REPO.cid}', '${EMPTY_REPO.rev}', '')`,
  )
  shared.close()
  for (const { did } of accounts) {
    const shard = createHash('sha256').update(did).digest('hex').slice(0, 2)
    const directory = join(rig.pdsDir, 'actors', shard, did)
    mkdirSync(directory, { recursive: true })
    symlinkSync(`${up}/seeded.sqlite`, join(directory, 'store.sqlite'))
  }
}

/** The PDS's own form of a password: salt and scrypt hash. */
function passwordHash(password: string): string {
  const salt = '00'.repeat(16)
  return `${salt}:${scryptSync(password, salt, 64).toString('hex')}`
}

function base32(bytes: Uint8Array): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{5}/g) ?? []).map((five) => alphabet[Number.parseInt(five, 2)]).join('')
}
