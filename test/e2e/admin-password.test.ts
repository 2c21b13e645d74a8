import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { withoutDocker } from '../support/local-host.ts'
import { ended, problem, type Ran, row, run, start } from './cli.ts'
import { watchProcesses } from './processes.ts'

describe.skipIf(withoutDocker)('the admin password of a PDS in a container', { timeout: 120_000 }, () => {
  let rig: RigHost
  let home: string
  const stores: string[] = []

  beforeAll(async () => {
    rig = await startRig({ docker: {}, rateLimits: false })
    home = mkdtempSync(join(tmpdir(), 'kimbia-pw-'))
    const text = readFileSync(envFile(), 'utf8')
    writeFileSync(envFile(), `# of the installer\n\n${text}# the end\n`)
    chmodSync(envFile(), 0o600)
  }, 180_000)
  afterAll(async () => {
    await rig?.stop()
    if (home) rmSync(home, { recursive: true, force: true })
  }, 120_000)

  const envFile = () => join(rig.pdsDir, 'pds.env')
  const ours = (name: string) => join(rig.pdsDir, 'kimbia-ops', name)
  const inEnv = () => /^PDS_ADMIN_PASSWORD=(.*)$/m.exec(readFileSync(envFile(), 'utf8'))?.[1] ?? ''
  const newStore = () => {
    const path = join(home, `store-${stores.length}`)
    stores.push(path)
    return path
  }
  const tool = (...args: string[]): Promise<Ran> => run(rig, ['admin-password', ...args, '--json'])
  const asks = async (password: string): Promise<number> => {
    const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`
    const url = `${rig.pdsUrl}/xrpc/com.atproto.admin.getInviteCodes?limit=1`
    return (await fetch(url, { headers: { authorization } })).status
  }
  const textOf = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '')
  /** Everything below a directory that is text, by path. */
  const below = (dir: string): Record<string, string> =>
    Object.fromEntries(
      readdirSync(dir, { recursive: true, withFileTypes: true })
        .filter((it) => it.isFile())
        .map((it) => join(it.parentPath, it.name))
        .map((path) => [path, readFileSync(path, 'latin1')]),
    )

  test('is rotated: the new one is taken, the old one refused, and nobody else sees either', async () => {
    const [old, path, before] = [inEnv(), newStore(), readFileSync(envFile(), 'utf8')]
    expect(await asks(old)).toBe(200)
    const watch = watchProcesses()
    const ran = await run(rig, [
      ...['admin-password', 'rotate', '--store', `file:${path}`, '--yes', '--verbose', '--json'],
    ])
    const seen = await watch.end()
    expect(ran.code, ran.stderr).toBe(0)
    const fresh = inEnv()
    expect(fresh).toMatch(/^[0-9a-f]{32}$/)
    expect([await asks(old), await asks(fresh)]).toEqual([401, 200])
    expect(textOf(path)).toBe(`${fresh}\n`)
    expect(readFileSync(envFile(), 'utf8')).toBe(before.replace(old, fresh))
    expect([statSync(envFile()).mode & 0o777, statSync(path).mode & 0o777]).toEqual([0o600, 0o600])
    expect(row(ran)).toMatchObject({ rotated: true, store: `file:${path}`, password: null, changed: true })
    expect(row<{ outageMs: number }>(ran).outageMs).toBeGreaterThan(0)
    const record = JSON.parse(textOf(ours('admin-password.json')))
    expect(record).toMatchObject({ rotatedAt: row(ran).rotatedAt, store: `file:${path}` })
    expect(statSync(ours('admin-password.json')).mode & 0o777).toBe(0o600)

    expect(seen.samples).toBeGreaterThan(50)
    expect(seen.text.length).toBeGreaterThan(1000)
    const places = { output: ran.stdout + ran.stderr, processes: seen.text, ...below(ours('')) }
    const leaks = Object.entries(places).flatMap(([place, text]) =>
      [old, fresh].filter((secret) => text.includes(secret)).map(() => place),
    )
    // The dated backup is the one place, and root's alone.
    expect(
      leaks.every((place) => place.startsWith(ours('backups/pds.env.'))),
      leaks.join(),
    ).toBe(true)
    for (const place of leaks) expect(statSync(place).mode & 0o777).toBe(0o600)
    expect(readdirSync(home).filter((name) => name !== `store-${stores.length - 1}`)).toEqual([])
  })

  test('--if-due does nothing before its time', async () => {
    const path = newStore()
    const [old, record] = [inEnv(), textOf(ours('admin-password.json'))]
    const ran = await tool('rotate', '--if-due', '--yes', '--no-input', '--store', `file:${path}`)
    expect(ran.code, ran.stderr).toBe(0)
    expect(row(ran)).toMatchObject({
      rotated: false,
      changed: false,
      rotatedAt: JSON.parse(record).rotatedAt,
    })
    expect([inEnv(), existsSync(path), textOf(ours('admin-password.json'))]).toEqual([old, false, record])
  })

  test('a dry run changes nothing and shows no secret', async () => {
    const [old, path] = [inEnv(), newStore()]
    const ran = await tool('rotate', '--dry-run', '--store', `file:${path}`)
    expect(ran.code, ran.stderr).toBe(0)
    expect([inEnv(), existsSync(path), await asks(old)]).toEqual([old, false, 200])
    expect(ran.stdout).not.toContain(old)
  })

  test('printed once where it is asked for, and in the output alone', async () => {
    const ran = await tool('rotate', '--store', 'stdout', '--yes')
    expect(ran.code, ran.stderr).toBe(0)
    expect(row(ran).password).toBe(inEnv())
    expect(await asks(inEnv())).toBe(200)
    expect(ran.stderr).not.toContain(inEnv())
  })

  test('a PDS that does not take the password of pds.env is told, and left alone', async () => {
    const text = readFileSync(envFile(), 'utf8')
    try {
      writeFileSync(envFile(), text.replace(inEnv(), 'edited-by-hand'))
      const ran = await tool('rotate', '--store', `file:${newStore()}`, '--yes')
      expect([ran.code, problem(ran).code]).toEqual([1, 'admin-password-disagrees'])
      expect(inEnv()).toBe('edited-by-hand')
    } finally {
      writeFileSync(envFile(), text)
    }
    expect(await asks(inEnv())).toBe(200)
  })

  test.each(['pending', 'current'])(
    'a store that fails when it is to keep the %s one: all is undone',
    async (slot) => {
      const script = join(home, 'store.sh')
      const place = join(home, 'slots')
      const fails = join(home, 'fails')
      writeFileSync(
        script,
        `#!/bin/sh\n[ "$KIMBIA_OPS_SLOT" != "${slot}" ] || [ ! -e ${fails} ] || { rm ${fails}; exit 1; }\ncat >${place}.$KIMBIA_OPS_SLOT\n`,
        { mode: 0o755 },
      )
      writeFileSync(fails, '')
      const config = join(home, 'config.yaml')
      const lines = `\n    admin_password:\n      store: 'command:${script}'\n      read: 'cat ${place}.$KIMBIA_OPS_SLOT'\n`
      writeFileSync(config, `${readFileSync(rig.configFile, 'utf8').trimEnd()}${lines}`)
      const old = inEnv()
      const record = textOf(ours('admin-password.json'))
      const ran = await tool('rotate', '--config', config, '--yes')
      expect([ran.code, problem(ran).code], ran.stderr).toEqual([1, 'store-refused'])
      expect([inEnv(), await asks(old), textOf(ours('admin-password.json'))]).toEqual([old, 200, record])
      expect(textOf(`${place}.current`)).toBe(`${old}\n`)
      expect(problem(ran).message).toContain('the old one works')
      expect(existsSync(ours('lock'))).toBe(false)
    },
  )

  test('of two at once, one rotates and the other is told', async () => {
    const path = newStore()
    const args = ['admin-password', 'rotate', '--store', `file:${path}`, '--yes', '--json']
    const ends = await Promise.all([ended(start(rig, args)), ended(start(rig, args))])
    const codes = ends.map(({ code }) => code).toSorted()
    expect(codes[0], ends.map(({ stderr }) => stderr).join()).toBe(0)
    expect([0, 1, 7]).toContain(codes[1])
    expect(textOf(path)).toBe(`${inEnv()}\n`)
    expect(await asks(inEnv())).toBe(200)
    expect(existsSync(`${path}.pending`)).toBe(false)
  })

  test('a full disk of the operator: nothing is changed on the host', async () => {
    const old = inEnv()
    const full = join(home, 'full')
    execFileSync('sh', ['-c', 'mkdir "$1" && mount -t tmpfs -o size=4k,mode=700 tmpfs "$1"', 'sh', full])
    try {
      execFileSync('sh', ['-c', 'head -c 4096 /dev/zero >"$1/fill" || true', 'sh', full])
      const ran = await tool('rotate', '--store', `file:${join(full, 'password')}`, '--yes')
      expect([ran.code, problem(ran).code], ran.stderr).toEqual([1, 'store-not-written'])
      expect([inEnv(), await asks(old), readdirSync(full)]).toEqual([old, 200, ['fill']])
    } finally {
      execFileSync('umount', [full])
    }
  })
})
