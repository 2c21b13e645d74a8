import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import {
  type Copying,
  copyDatabases,
  mendDatabases,
  restoreDatabases,
  unrestoreDatabases,
} from '../../src/host/database-copy.ts'
import type { Shell } from '../../src/ssh/shell.ts'
import { type LocalPds, localPds } from '../support/local-host.ts'

const has = (name: string): boolean =>
  (process.env.PATH ?? '').split(':').some((dir) => existsSync(join(dir, name)))

const put = (path: string, name: string): void => {
  const database = new DatabaseSync(path)
  database.exec('pragma journal_mode = wal; create table if not exists kysely_migration (name text)')
  database.prepare('insert into kysely_migration values (?)').run(name)
  database.close()
}
const names = (path: string): string[] => {
  const database = new DatabaseSync(path, { readOnly: true })
  const found = database.prepare('select name from kysely_migration').all()
  database.close()
  return found.map(({ name }) => String(name))
}

/** A host with two databases, `dash` or busybox for its shell, and a program `docker` whose uses are noted. */
async function hostWith(pds: LocalPds, { shell = ['sh'], sqlite = 'yes' } = {}) {
  const copying: Copying = {
    docker: [pds.path('docker')],
    container: 'pds',
    databases: ["account's.sqlite", 'sequencer.sqlite'].map((name) => ({
      name,
      path: pds.path(`data/${name}`),
      inside: pds.path(`data/${name}`),
    })),
    place: pds.path('kimbia-ops/databases/20261122T180000Z'),
  }
  await mkdir(pds.path('data'))
  for (const { path } of copying.databases) {
    put(path, '001')
    await chmod(path, 0o640)
  }
  const docker = `#!/bin/sh
case $1 in
exec) shift 2; [ -e ${pds.path('no-node')} ] && exit 127; exec "$@" ;;
inspect) cat ${pds.path('state')} ;;
stop | start) echo "$1" >>${pds.path('uses')} ;;
esac
`
  await writeFile(pds.path('docker'), docker, { mode: 0o755 })
  await writeFile(pds.path('state'), '0 running\n')
  const without =
    'sqlite3() { return 127; }; command() { [ "$2" != sqlite3 ] || return 1; \\command "$@"; }\n'
  return {
    copying,
    uses: () => (existsSync(pds.path('uses')) ? readFileSync(pds.path('uses'), 'utf8') : ''),
    live: (at = 0) => copying.databases[at]?.path ?? '',
    copy: (at = 0) => join(copying.place, copying.databases[at]?.name ?? ''),
    run: ({ line }: Shell<'act'>) =>
      new Promise<{ code: number; said: string }>((resolve) => {
        const [program = 'sh', ...words] = [...shell, '-c', (sqlite === 'no' ? without : '') + line]
        execFile(program, words, (error, stdout, stderr) =>
          resolve({ code: typeof error?.code === 'number' ? error.code : 0, said: stdout + stderr }),
        )
      }),
  }
}

const shells = [['dash'], ['busybox', 'sh']].filter(([name = '']) => has(name))

describe.each(shells.map((shell) => [shell.join(' '), shell] as const))('by %s', (_name, shell) => {
  test.skipIf(!has('sqlite3'))(
    'copies hold what is only in the log yet, and nobody else may read them',
    async () => {
      await using pds = await localPds()
      const { copying, run, copy, live } = await hostWith(pds, { shell })
      const open = new DatabaseSync(live())
      open.exec("insert into kysely_migration values ('002')")
      expect(await run(copyDatabases(copying))).toEqual({ code: 0, said: '' })
      open.close()
      expect(names(copy())).toEqual(['001', '002'])
      expect(names(copy(1))).toEqual(['001'])
      expect(readdirSync(copying.place)).toHaveLength(2)
      expect([statSync(copying.place), statSync(copy())].map(({ mode }) => mode & 0o777)).toEqual([
        0o700, 0o600,
      ])
    },
  )

  test('node of the container copies where the host has no sqlite3', async () => {
    await using pds = await localPds()
    const { copying, run, copy } = await hostWith(pds, { shell, sqlite: 'no' })
    const ran = await run(copyDatabases(copying))
    expect(ran.code, ran.said).toBe(0)
    expect(names(copy())).toEqual(['001'])
    expect(readdirSync(pds.path('data')).filter((name) => name.includes('kimbia'))).toEqual([])
  })

  test('nothing half-done is left where neither can', async () => {
    await using pds = await localPds()
    const { copying, run } = await hostWith(pds, { shell, sqlite: 'no' })
    await writeFile(pds.path('no-node'), '')
    const ran = await run(copyDatabases(copying))
    expect(ran).toEqual({ code: 1, said: expect.stringContaining('--no-backup') })
    expect(existsSync(copying.place)).toBe(false)
  })

  test('the newest two copies are kept, and nothing else is removed', async () => {
    await using pds = await localPds()
    const { copying, run } = await hostWith(pds, { shell })
    for (const name of ['20261101T000000Z', '20261102T000000Z', 'mine'])
      await mkdir(pds.path(`kimbia-ops/databases/${name}`), { recursive: true })
    await run(copyDatabases(copying))
    expect(readdirSync(pds.path('kimbia-ops/databases')).sort()).toEqual([
      '20261102T000000Z',
      '20261122T180000Z',
      'mine',
    ])
  })

  test('copies are put back, the newer ones aside, and the other way round', async () => {
    await using pds = await localPds()
    const { copying, run, live, uses } = await hostWith(pds, { shell })
    await run(copyDatabases(copying))
    put(live(), '900')
    await writeFile(`${live(1)}-wal`, 'stale')
    for (const _twice of [1, 2]) {
      expect((await run(restoreDatabases(copying, 'after'))).code).toBe(0)
      expect(names(live())).toEqual(['001'])
      expect(statSync(live()).mode & 0o777).toBe(0o640)
      expect(existsSync(`${live(1)}-wal`)).toBe(false)
      expect(names(join(copying.place, "after/account's.sqlite"))).toEqual(['001', '900'])
    }
    for (const _twice of [1, 2]) {
      expect((await run(unrestoreDatabases(copying, 'after'))).code).toBe(0)
      expect(names(live())).toEqual(['001', '900'])
    }
    expect(readFileSync(`${live(1)}-wal`, 'utf8')).toBe('stale')
    expect(uses()).toMatch(/^(stop\n)+$/)
  })

  test('the PDS is not stopped for copies that are gone', async () => {
    await using pds = await localPds()
    const { copying, run, live, uses } = await hostWith(pds, { shell })
    const ran = await run(restoreDatabases(copying, 'after'))
    expect(ran).toEqual({ code: 1, said: 'those copies are no longer there\n' })
    expect([uses(), names(live())]).toEqual(['', ['001']])
  })

  describe('on the way back', () => {
    const dead = async (): Promise<number> => {
      const server = createServer().listen(0, '127.0.0.1')
      await new Promise((resolve) => server.once('listening', resolve))
      const { port } = server.address() as AddressInfo
      await new Promise((resolve) => server.close(resolve))
      return port
    }

    test('databases that keep the old PDS from starting are replaced', async () => {
      await using pds = await localPds()
      const { copying, run, live, uses } = await hostWith(pds, { shell })
      await run(copyDatabases(copying))
      put(live(), '900')
      await writeFile(pds.path('state'), '3 restarting\n')
      const ran = await run(mendDatabases(copying, await dead()))
      expect(ran.code, ran.said).toBe(0)
      expect(names(live())).toEqual(['001'])
      expect(uses()).toBe('stop\nstart\n')
    })

    test.skipIf(!has('sqlite3'))('databases that nobody has migrated stay', async () => {
      await using pds = await localPds()
      const { copying, run, uses } = await hostWith(pds, { shell })
      await run(copyDatabases(copying))
      await writeFile(pds.path('state'), '0 exited\n')
      const ran = await run(mendDatabases(copying, await dead()))
      expect(ran).toEqual({ code: 0, said: 'the databases were not migrated: they stay\n' })
      expect(uses()).toBe('')
    })

    test('a PDS that is healthy keeps its databases', async () => {
      await using pds = await localPds()
      const { copying, run, live, uses } = await hostWith(pds, { shell })
      await run(copyDatabases(copying))
      put(live(), '900')
      const server = createServer((_request, response) => response.end('{"version":"1"}'))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const ran = await run(mendDatabases(copying, (server.address() as AddressInfo).port))
      server.close()
      expect(ran.code).toBe(0)
      expect(names(live())).toEqual(['001', '900'])
      expect(uses()).toBe('')
    })
  })
})
