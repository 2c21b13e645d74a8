import { ask, type Shell } from '../ssh/shell.ts'
import type { HostView } from './access/host.ts'

/** What the database of accounts tells of them all, without their names. */
export interface AccountIndex {
  /** How many there are of each status that com.atproto.sync.listRepos states. */
  readonly counts: ReadonlyMap<string, number>
  /** The cursor of com.atproto.sync.listRepos behind every thousandth account, and behind the newest. */
  readonly cursors: readonly string[]
  readonly newest: { readonly did: string; readonly createdAt: Date }
}

/**
 * Reads it in one question, where the host has sqlite3 and the PDS has the database open; undefined elsewhere, and
 * where the database is not as expected. It may not be the one that the PDS uses: what is made of it must be checked
 * with the PDS. Of 100,000 accounts it saves 100 pages, one behind the other, and the 15 MB that they hold.
 */
export async function readAccountIndex(host: HostView): Promise<AccountIndex | undefined> {
  const { dir } = await host.config()
  const { code, stdout } = await host.ask(look(dir, sql))
  const told = stdout.split('\n').map((line) => line.split(' '))
  const of = (word: string) => told.filter(([first]) => first === word)
  const [last] = of('newest').map(([, createdAt = '', did = '']) => ({ did, createdAt: new Date(createdAt) }))
  if (code !== 0 || !last || Number.isNaN(last.createdAt.getTime())) return undefined
  const pages = of('page').map(([, createdAt = '', did = '']) =>
    cursorOf({ did, createdAt: new Date(createdAt) }),
  )
  return {
    counts: new Map(of('status').map(([, status = '', count]) => [status, Number(count)])),
    cursors: [...new Set([...pages, cursorOf(last)])],
    newest: last,
  }
}

const cursorOf = ({ did, createdAt }: AccountIndex['newest']): string => `${createdAt.getTime()}::${did}`

/** The rows that com.atproto.sync.listRepos is made of, in its order and with its words. */
const rows = 'SELECT did, createdAt, takedownRef, deactivatedAt FROM actor JOIN repo_root USING (did)'
const sql = `
SELECT 'status', CASE WHEN takedownRef <> '' THEN 'takendown' WHEN deactivatedAt <> '' THEN 'deactivated' ELSE 'active' END AS status, count(*)
  FROM (${rows}) GROUP BY status;
SELECT 'page', createdAt, did
  FROM (SELECT createdAt, did, row_number() OVER (ORDER BY createdAt, did) AS number FROM (${rows})) WHERE number % 1000 = 0 ORDER BY number;
SELECT 'newest', createdAt, did FROM (${rows}) ORDER BY createdAt DESC, did DESC LIMIT 1;`

/**
 * The DIDs that have these addresses, by the same database and under the same conditions: what is made of them must be
 * checked with the PDS. It has no method that finds an account by its address.
 */
export async function readDidsByEmail(host: HostView, emails: readonly string[]): Promise<readonly string[]> {
  const { dir } = await host.config()
  const words = emails.map((email) => `'${email.replaceAll("'", "''")}'`).join(', ')
  const { code, stdout } = await host.ask(look(dir, `SELECT did FROM account WHERE email IN (${words});`))
  return code === 0 ? stdout.split('\n').filter((line) => /^did:[a-z]+:[\w.:%-]+$/.test(line)) : []
}

/** Without a file beside it that tells that the database is open, to open it would make that file. */
const look = (dir: string, statements: string): Shell<'ask'> => ask`# look into the accounts
set -- ${`${dir}/account.sqlite`}
command -v sqlite3 >/dev/null && [ -f "$1-shm" ] || exit
sqlite3 -init /dev/null -batch -readonly -bail -separator ' ' -cmd '.timeout 2000' "$1" ${statements}`
