import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { type Copying, copyDatabases, dropCopies } from '../../../src/host/update/copy-databases.ts'
import {
  finishMending,
  mendDatabases,
  restoreDatabases,
  unrestoreDatabases,
} from '../../../src/host/update/restore-databases.ts'
import type { Shell } from '../../../src/ssh/shell.ts'
import { type LocalPds, localPds } from '../../support/local-host.ts'

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
inspect) case $* in *'{{.Image}}'*) cat ${pds.path('image')} ;; *) cat ${pds.path('state')} ;; esac ;;
ps) [ ! -e ${pds.path('gone')} ] || exit 0; echo 1234 ;;
stop | start) echo "$1" >>${pds.path('uses')}; [ ! -e ${pds.path('no-stop')} ] ;;
esac
`
  await writeFile(pds.path('docker'), docker, { mode: 0o755 })
  await writeFile(pds.path('state'), '0 running\n')
  await writeFile(pds.path('image'), 'sha256:old\n')
  const without = 'sqlite3() { return 127; }; command() { [ "$2" != sqlite3 ] && type "$2"; }\n'
  let before = ''
  return {
    copying,
    uses: () => (existsSync(pds.path('uses')) ? readFileSync(pds.path('uses'), 'utf8') : ''),
    live: (at = 0) => copying.databases[at]?.path ?? '',
    copy: (at = 0) => join(copying.place, copying.databases[at]?.name ?? ''),
    /** What stands before every line that is run from now on. */
    first: (line: string) => {
      before = line
    },
    run: ({ line }: Shell<'act'>) =>
      new Promise<{ code: number; said: string; signal?: string }>((resolve) => {
        const [program = 'sh', ...words] = [...shell, '-c', (sqlite === 'no' ? without : '') + before + line]
        execFile(program, words, (error, stdout, stderr) =>
          resolve({
            code: typeof error?.code === 'number' ? error.code : 0,
            said: stdout + stderr,
            ...(error?.signal && { signal: error.signal }),
          }),
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

  test('a copy that is ended in the middle leaves nothing', async () => {
    await using pds = await localPds()
    const { copying, run, first } = await hostWith(pds, { shell })
    first('sqlite3() { kill -TERM $$; }\n')
    await writeFile(`${copying.databases[0]?.path}.kimbia-ops`, 'half')
    expect((await run(copyDatabases(copying))).code).toBe(1)
    expect(existsSync(copying.place)).toBe(false)
    expect(readdirSync(pds.path('data')).filter((name) => name.endsWith('kimbia-ops'))).toEqual([])
  })

  test('copies of an update that did not happen go, but not those of an old PDS that is not well', async () => {
    await using pds = await localPds()
    const { copying, run } = await hostWith(pds, { shell })
    const server = createServer((_request, response) => response.end('{"version":"1"}'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const old = { imageId: 'sha256:old', port: (server.address() as AddressInfo).port }
    await run(copyDatabases(copying))
    expect((await run(dropCopies(copying, { ...old, imageId: 'sha256:other' }))).said).toContain('stay in')
    expect(existsSync(copying.place)).toBe(true)
    await mkdir(join(copying.place, 'after'))
    await run(dropCopies(copying, old))
    expect(existsSync(copying.place)).toBe(true)
    await rm(join(copying.place, 'after'), { recursive: true })
    await run(dropCopies(copying, old))
    expect(existsSync(copying.place)).toBe(false)
    server.close()
  })

  /** Ends the line at its nth command that changes files. */
  const cutAt = (n: number): string =>
    `n=0; step() { n=$((n + 1)); [ "$n" != ${n} ] || kill -KILL $$; }\n${['mv', 'cp', 'rm', 'chown', 'sync']
      .map((name) => `${name}() { step; command ${name} "$@"; }\n`)
      .join('')}`

  test('either way can be cut off anywhere and repeated, and no log that counts is lost', async () => {
    let cuts = 0
    for (let n = 1; n < 60; n += 1) {
      await using pds = await localPds()
      const { copying, run, live, first } = await hostWith(pds, { shell })
      await run(copyDatabases(copying))
      put(live(), '900')
      await writeFile(`${live()}-wal`, 'counts')
      first(cutAt(n))
      const forth = await run(restoreDatabases(copying, 'after'))
      first('')
      if (forth.signal) {
        cuts += 1
        if (n % 2) expect((await run(restoreDatabases(copying, 'after'))).code).toBe(0)
      }
      first(cutAt(n))
      const back = await run(unrestoreDatabases(copying, 'after'))
      first('')
      if (back.signal) cuts += 1
      for (const _twice of [1, 2]) expect((await run(unrestoreDatabases(copying, 'after'))).code).toBe(0)
      const counted = readFileSync(`${live()}-wal`, 'utf8')
      await rm(`${live()}-wal`)
      expect([n, counted, names(live())]).toEqual([n, 'counts', ['001', '900']])
      expect(readdirSync(pds.path('data')).filter((name) => name.includes('kimbia'))).toEqual([])
      expect(existsSync(join(copying.place, 'after'))).toBe(false)
      if (!forth.signal && !back.signal) break
    }
    expect(cuts).toBeGreaterThan(20)
  })

  test('nothing is moved while the container cannot be stopped; one that is gone needs no stop', async () => {
    await using pds = await localPds()
    const { copying, run, live } = await hostWith(pds, { shell })
    await run(copyDatabases(copying))
    put(live(), '900')
    await writeFile(pds.path('no-stop'), '')
    expect((await run(restoreDatabases(copying, 'after'))).code).toBe(1)
    expect(names(live())).toEqual(['001', '900'])
    await writeFile(pds.path('gone'), '')
    expect((await run(restoreDatabases(copying, 'after'))).code).toBe(0)
    expect(names(live())).toEqual(['001'])
    expect((await run(unrestoreDatabases(copying, 'after'))).code).toBe(0)
    expect(names(live())).toEqual(['001', '900'])
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
      const ran = await run(mendDatabases(copying, { imageId: 'sha256:old', port: await dead() }))
      expect(ran.code, ran.said).toBe(0)
      expect(names(live())).toEqual(['001'])
      expect(uses()).toBe('stop\nstart\n')
    })

    test.skipIf(!has('sqlite3'))('databases that nobody has migrated stay', async () => {
      await using pds = await localPds()
      const { copying, run, uses } = await hostWith(pds, { shell })
      await run(copyDatabases(copying))
      await writeFile(pds.path('state'), '0 exited\n')
      const ran = await run(mendDatabases(copying, { imageId: 'sha256:old', port: await dead() }))
      expect(ran).toEqual({ code: 0, said: 'the databases were not migrated: they stay\n' })
      expect(uses()).toBe('')
    })

    test.each<[string, string, string, object]>([
      ['nobody can compare them', '', 'nobody can tell without sqlite3', { sqlite: 'no' }],
      [
        'sqlite3 fails',
        'sqlite3() { echo database is locked; return 5; }\n',
        'nobody can tell for .*locked',
        {},
      ],
    ])('databases stay where %s', async (_name, before, said, options) => {
      await using pds = await localPds()
      const { copying, run, first, live, uses } = await hostWith(pds, { shell, ...options })
      await run(copyDatabases(copying))
      put(live(), '900')
      await writeFile(pds.path('state'), '0 exited\n')
      first(before)
      const ran = await run(mendDatabases(copying, { imageId: 'sha256:old', port: await dead() }))
      expect(ran.said).toMatch(new RegExp(said))
      expect([ran.code, uses(), names(live())]).toEqual([0, '', ['001', '900']])
    })

    test.each([
      ['no-stop', 1],
      ['image', 0],
    ])('databases stay where the old container is not there to be stopped (%s)', async (file, code) => {
      await using pds = await localPds()
      const { copying, run, live } = await hostWith(pds, { shell })
      await run(copyDatabases(copying))
      put(live(), '900')
      await writeFile(pds.path('state'), '0 exited\n')
      await writeFile(pds.path(file), 'sha256:new\n')
      const ran = await run(mendDatabases(copying, { imageId: 'sha256:old', port: await dead() }))
      expect([ran.code, names(live())]).toEqual([code, ['001', '900']])
      expect(existsSync(join(copying.place, 'after'))).toBe(false)
    })

    test('a replacing that was cut off is finished before the old PDS comes up', async () => {
      await using pds = await localPds()
      const { copying, run, live, first, uses } = await hostWith(pds, { shell })
      await run(copyDatabases(copying))
      for (const at of [0, 1]) put(live(at), '900')
      await writeFile(pds.path('state'), '0 exited\n')
      expect((await run(finishMending(copying))).said + uses()).toBe('')
      first(cutAt(9))
      const cut = await run(mendDatabases(copying, { imageId: 'sha256:old', port: await dead() }))
      expect(cut.signal).toBe('SIGKILL')
      first('')
      expect((await run(finishMending(copying))).said).toContain('kimbia-ops:fact lost')
      for (const at of [0, 1]) expect(names(live(at))).toEqual(['001'])
      expect((await run(finishMending(copying))).said).toBe('')
    })

    test('a PDS that is healthy keeps its databases', async () => {
      await using pds = await localPds()
      const { copying, run, live, uses } = await hostWith(pds, { shell })
      await run(copyDatabases(copying))
      put(live(), '900')
      const server = createServer((_request, response) => response.end('{"version":"1"}'))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const ran = await run(
        mendDatabases(copying, { imageId: 'sha256:old', port: (server.address() as AddressInfo).port }),
      )
      server.close()
      expect(ran.code).toBe(0)
      expect(names(live())).toEqual(['001', '900'])
      expect(uses()).toBe('')
    })
  })
})
