import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { docker, dockerLines } from '../../rig/docker/docker.ts'
import type { DockerFacts } from '../../rig/docker/docker-host.ts'
import { type RigHost, startRig } from '../../rig/host.ts'
import { pointTag } from '../../rig/image/images.ts'
import { withoutDocker } from '../support/local-host.ts'
import { problem, type Ran, row, run } from './cli.ts'

/** Each test goes on from where the one before it left the host, as an operator does. */
describe.skipIf(withoutDocker)('updates of a PDS in a container', { timeout: 180_000 }, () => {
  let rig: RigHost
  let facts: DockerFacts

  beforeAll(async () => {
    rig = await startRig({ docker: {}, rateLimits: false })
    facts = rig.docker as DockerFacts
  }, 300_000)
  afterAll(async () => rig?.stop(), 120_000)

  const update = (...args: string[]): Promise<Ran> => run(rig, ['update', ...args, '--json'])
  const apply = (to: string, settle = '1s', wait = '60s'): Promise<Ran> =>
    update('apply', '--to', to, '--settle', settle, '--wait', wait, '--yes')
  const file = (): string => readFileSync(facts.composeFile, 'utf8')
  const named = (): string => /image: (\S+)/.exec(file())?.[1] ?? ''
  const container = (format: string): Promise<string> =>
    docker('inspect', '--format', format, facts.containerName)
  const health = async (): Promise<unknown> => await (await fetch(`${rig.pdsUrl}/xrpc/_health`)).json()
  const migrations = (path: string): string[] => {
    const database = new DatabaseSync(path, { readOnly: true })
    const found = database.prepare('select name from kysely_migration').all()
    database.close()
    return found.map(({ name }) => String(name))
  }
  const copies = (): string => join(rig.pdsDir, 'kimbia-ops/databases')
  const standing = async () => ({ id: await container('{{.Id}}'), text: file(), health: await health() })

  test('the image of the moving tag is told to be the newest, and applying it does nothing', async () => {
    const found = row(await update('check'))
    expect(found).toMatchObject({
      version: '0.5.34',
      image: `${facts.image}:0.4`,
      pinned: false,
      available: 'up to date',
    })
    const before = await standing()
    const ran = await update('apply', '--yes')
    expect([ran.code, row(ran).changed]).toEqual([0, false])
    expect(await standing()).toEqual(before)
  })

  test('the tag moves: to a bad image, which is taken back, then to a good one', async () => {
    const old = await container('{{.Image}}')
    const digest = String(row(await update('check')).digest)
    await pointTag(rig, '0.4', facts.tags.neverStarts)
    const bad = await update('apply', '--settle', '1s', '--yes')
    expect([bad.code, problem(bad).code], bad.stderr).toEqual([1, 'restarted'])
    expect(await container('{{.Image}}')).toBe(old)
    expect(await docker('image', 'inspect', '--format', '{{.Id}}', named())).toBe(old)

    await pointTag(rig, '0.4', facts.tags.next)
    expect(row(await update('check'))).toMatchObject({ available: 'update available', version: '0.5.34' })

    const ran = await update('apply', '--settle', '1s', '--yes')
    expect(ran.code, ran.stderr).toBe(0)
    const applied = row<{ outageMs: number; backup: string }>(ran)
    expect(applied).toMatchObject({
      from: '0.5.34',
      to: '0.5.35',
      image: `${facts.image}:0.4`,
      changed: true,
    })
    expect(applied.outageMs).toBeGreaterThan(0)
    expect(await health()).toEqual({ version: '0.5.35' })
    expect(readdirSync(applied.backup).sort()).toEqual([
      'account.sqlite',
      'did_cache.sqlite',
      'sequencer.sqlite',
    ])
    expect(statSync(applied.backup).mode & 0o777).toBe(0o700)

    const back = await update('rollback', '--settle', '1s', '--yes')
    expect(back.code, back.stderr).toBe(0)
    expect(row(back)).toMatchObject({ from: '0.5.35', to: '0.5.34', image: `${facts.image}:0.4@${digest}` })
    expect(await container('{{.Image}}')).toBe(old)
    expect(await health()).toEqual({ version: '0.5.34' })
    const again = await update('apply', '--yes')
    expect([again.code, row(again).changed]).toEqual([0, false])
  })

  test('an image that was removed meanwhile is pulled again to go back to', async () => {
    const ran = await apply('0.5.35')
    expect(ran.code, ran.stderr).toBe(0)
    // Going back has pinned it by digest, and so it stays.
    expect(named()).toBe(`${facts.image}:${facts.tags.next}@${row(ran).digest}`)
    const names = await dockerLines('image', 'ls', '--format', '{{.Repository}}:{{.Tag}}')
    const own = names.filter((it) => it.includes(facts.project) && it !== named() && !it.endsWith('<none>'))
    expect(own.some((it) => it.startsWith('kimbia-ops/'))).toBe(true)
    await docker('image', 'rm', '--force', ...own)

    const back = await update('rollback', '--settle', '1s', '--yes')
    expect(back.code, back.stderr).toBe(0)
    expect(await health()).toEqual({ version: '0.5.34' })
  })

  test.each([
    ['neverStarts', 'restarted'],
    ['diesAfter5s', 'restarted'],
    ['answers503', 'not-healthy'],
  ] as const)('%s: the old one serves again', async (kind, code) => {
    const before = { text: file(), image: await container('{{.Image}}') }
    const ran = await apply(facts.tags[kind], '8s', '20s')
    expect([ran.code, problem(ran).code], ran.stderr).toEqual([1, code])
    expect({ text: file(), image: await container('{{.Image}}') }).toEqual(before)
    expect(await health()).toEqual({ version: '0.5.34' })
    expect(problem(ran).message).toContain(copies())
  })

  test('a PDS that is not the version that was asked for is taken back', async () => {
    const before = file()
    const ran = await apply('0.5.904')
    expect([ran.code, problem(ran).code], ran.stderr).toEqual([1, 'wrong-version'])
    expect(file()).toBe(before)
    expect(await health()).toEqual({ version: '0.5.34' })
  })

  test('databases that the old PDS cannot start on are replaced by their copies', async () => {
    const account = join(rig.pdsDir, 'account.sqlite')
    const { mode, uid } = statSync(account)
    const before = migrations(account)
    const ran = await apply(facts.tags.migratesThenFails, '1s', '20s')
    expect([ran.code, problem(ran).code], ran.stderr).toEqual([1, 'not-healthy'])
    expect(problem(ran).message).toMatch(/when the databases were copied: .* only in .*\/after$/)
    expect(problem(ran).message).not.toContain('everything is as it was before')
    expect(await health()).toEqual({ version: '0.5.34' })
    expect(migrations(account)).toEqual(before)
    expect(statSync(account)).toMatchObject({ mode, uid })
    const [newest = ''] = readdirSync(copies()).sort().reverse()
    const aside = migrations(join(copies(), newest, 'after/account.sqlite'))
    expect(aside.filter((name) => !before.includes(name))).toHaveLength(1)
    // Those of the two updates that were good, and these: the ones that were taken back left none.
    expect(readdirSync(copies())).toHaveLength(3)
  })

  test('an image that is not there changes nothing', async () => {
    const before = await standing()
    const ran = await apply('0.5.777')
    expect([ran.code, problem(ran).code], ran.stderr).toEqual([1, 'image-not-found'])
    expect(problem(ran).message).toMatch(/has no \S+:0\.4\.5777, nor \S+:0\.5\.777/)
    expect(problem(ran).hint).toBe(
      `it has these tags, the nearest first: ${facts.tags.good}, ${facts.tags.next}, 0.4`,
    )
    const planned = await update('apply', '--to', '0.5.777', '--dry-run')
    expect([planned.code, problem(planned).code]).toEqual([1, 'image-not-found'])
    expect(await standing()).toEqual(before)
  })

  test('a mirror that calls a version by its own name', async () => {
    const mirror = `${facts.registry}/mirror/pds`
    await docker('pull', '-q', `${facts.image}:${facts.tags.next}`)
    await docker('tag', `${facts.image}:${facts.tags.next}`, `${mirror}:0.5.35`)
    await docker('push', '-q', `${mirror}:0.5.35`)
    const kept = file()
    writeFileSync(facts.composeFile, kept.replace(facts.image, mirror))
    const planned = await update('apply', '--to', '0.5.35', '--dry-run')
    expect(planned.code, planned.stderr).toBe(0)
    expect(planned.stdout).toContain(`${mirror}:0.5.35`)
    expect(planned.stdout).not.toContain('0.4.5035')
    writeFileSync(facts.composeFile, kept)
    await docker('rmi', `${mirror}:0.5.35`)
  })

  test('a pin holds until it is taken away', async () => {
    const before = await standing()
    expect(row(await update('unpin', '--yes'))).toMatchObject({ image: `${facts.image}:0.4`, pinned: false })
    const pinned = await update('pin', '--yes')
    expect(pinned.code, pinned.stderr).toBe(0)
    expect(named()).toBe(row(pinned).image)
    expect(named()).toMatch(/:0\.4@sha256:[0-9a-f]{64}$/)
    expect((await standing()).id).toBe(before.id)
    expect(row(await update('check'))).toMatchObject({ pinned: true, available: 'update available' })
    const ran = await update('apply', '--yes')
    expect([ran.code, row(ran).changed]).toEqual([0, false])
    expect((await standing()).id).toBe(before.id)
  })

  test('a registry that is down changes nothing, and is told', async () => {
    const kept = file()
    writeFileSync(facts.composeFile, kept.replace(facts.registry, '127.0.0.1:1'))
    const before = await standing()
    const checked = await update('check')
    expect([checked.code, row(checked).available]).toEqual([0, 'unknown'])
    expect(checked.stderr).toContain('127.0.0.1:1')
    const ran = await apply('0.5.35')
    expect([ran.code, problem(ran).code], ran.stderr).toEqual([1, 'digest-unknown'])
    expect(problem(ran).message).toContain('connection refused')
    expect(await standing()).toEqual(before)
    writeFileSync(facts.composeFile, kept)
  })

  test('an update and its databases are taken back together', async () => {
    const ran = await apply('0.5.35')
    expect(ran.code, ran.stderr).toBe(0)
    const database = new DatabaseSync(join(rig.pdsDir, 'account.sqlite'), { timeout: 5000 })
    database.exec("insert into kysely_migration values ('901-newer', '2026-11-22T18:00:00.000Z')")
    database.close()
    const asked = await update('rollback', '--restore-databases', '--yes')
    expect(asked.code).toBe(4)
    const back = await update('rollback', '--restore-databases', '--settle', '1s', '--confirm', 'rig')
    expect(back.code, back.stderr).toBe(0)
    expect(await health()).toEqual({ version: '0.5.34' })
    expect(migrations(join(rig.pdsDir, 'account.sqlite'))).not.toContain('901-newer')
  })

  test('a reference that the container was not made from is gone back from too', async () => {
    const old = await container('{{.Image}}')
    const bad = facts.tags.neverStarts
    const failing = async (): Promise<void> => {
      const before = { text: file(), copies: readdirSync(copies()) }
      const previous = row<{ previous: unknown }>(await update('check')).previous
      const ran = await update('apply', '--settle', '1s', '--yes')
      expect([ran.code, problem(ran).code], ran.stderr).toEqual([1, 'restarted'])
      expect({ text: file(), copies: readdirSync(copies()) }).toEqual(before)
      expect(await container('{{.Image}}')).toBe(old)
      expect(await health()).toEqual({ version: '0.5.34' })
      expect(row(await update('check'))).toMatchObject({ previous })
    }
    expect(row(await update('unpin', '--yes'))).toMatchObject({ image: `${facts.image}:0.4` })
    await pointTag(rig, '0.4', bad)
    await failing()
    const pinned = await update('pin', bad, '--yes')
    expect(pinned.code, pinned.stderr).toBe(0)
    await failing()
    expect(named()).toBe(`${facts.image}:${bad}`)
  })
})
