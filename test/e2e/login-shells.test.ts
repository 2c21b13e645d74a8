import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { crash, quiet, reached } from '../support/change-watch.ts'
import { yes } from '../support/cut-changes.ts'
import { containerOf } from '../support/docker-state.ts'
import { withoutDocker, withoutRoot } from '../support/local-host.ts'
import { loginShells, setLoginShell, writeStartFile } from '../support/login-shells.ts'
import { sql, takenDown, trailOf } from '../support/rig-state.ts'
import { scratch } from '../support/scratch.ts'
import { type Ran, row, rows, run, start } from './cli.ts'
import { faultOf } from './fault.ts'

/** What an operator's start file prints, by the shell that reads it. */
const manners: readonly (readonly [name: string, shell: string, text: string])[] = [
  ['one word', 'bash', 'echo Welcome\n'],
  ['three words', 'bash', 'echo one two three\n'],
  ['numbers', 'bash', 'echo 0 100 1d\n'],
  ['a banner, on both outputs and without a line break', 'zsh', 'seq 200; seq 200 >&2; printf "> "\n'],
  ['at its end', 'bash', 'trap "echo bye; echo bye >&2; exit 3" EXIT\n'],
  ['all of that', 'bash', loginShells.bash?.talkative ?? ''],
  ['nothing, in fish', 'fish', ''],
  ['all of that, in fish', 'fish', loginShells.fish?.talkative ?? ''],
  ['all of that, in tcsh', 'tcsh', loginShells.tcsh?.talkative ?? ''],
]

const homeOf = (rig: RigHost): string => join(rig.dir, 'operator')

async function logInWith(rig: RigHost, name: string, text: string): Promise<void> {
  const shell = loginShells[name]
  if (!shell) throw new Error(`there is no ${name} on this machine`)
  await setLoginShell(rig.ssh.user, shell.path)
  if (shell.startFile) writeStartFile(homeOf(rig), shell.startFile, text)
}

async function logInAsUsual(rig: RigHost): Promise<void> {
  for (const shell of Object.values(loginShells))
    if (shell?.startFile) rmSync(join(homeOf(rig), shell.startFile), { force: true })
  await setLoginShell(rig.ssh.user, '/bin/sh')
}

const good = (ran: Ran): Ran => {
  expect(ran.code, ran.stderr + ran.stdout).toBe(0)
  return ran
}

// Only root can change the login shell of the operator.
describe.skipIf(withoutRoot)('a login shell that prints', { timeout: 120_000 }, () => {
  let rig: RigHost
  let count = 0
  beforeAll(async () => {
    rig = await startRig({ rateLimits: false })
  }, 120_000)
  afterEach(() => logInAsUsual(rig))
  afterAll(() => rig?.stop())

  const tool = (...args: string[]) => run(rig, [...args, '--json'])

  describe.each(manners)('%s', (name, shell, text) => {
    if (!loginShells[shell]) return test.skip(`there is no ${shell} on this machine`, () => {})

    test('on a host that was never changed: it is looked at, once and for all', async () => {
      const kept = join(rig.pdsDir, 'kimbia-ops')
      if (existsSync(kept)) renameSync(kept, `${kept}-aside`)
      try {
        await logInWith(rig, shell, text)
        expect(good(await tool('trail', '--timeout', '20s')).stdout).toBe('')
        expect(good(await tool('trail', '--limit', '3', '--timeout', '20s')).stdout).toBe('')
        expect(row(good(await tool('status', '--timeout', '20s')))).toMatchObject({
          hostname: 'localhost',
          change: null,
          passwordAge: null,
          disks: [expect.objectContaining({ mount: expect.stringMatching(/^\//) })],
        })
        const health = await tool('health', '--timeout', '20s')
        expect(health.code, health.stderr).toBe(0)
        const checks = row<{ checks: { name: string; summary: string }[] }>(health).checks
        expect(checks.find((it) => it.name === 'password')?.summary).toContain('no record of a rotation')
        expect(row(await tool('admin-password', 'status'))).toMatchObject({ due: true, rotatedAt: null })
      } finally {
        rmSync(kept, { recursive: true, force: true })
        if (existsSync(`${kept}-aside`)) renameSync(`${kept}-aside`, kept)
      }
    })

    test('accounts and invites are changed, and all of it is in the trail', async () => {
      await logInWith(rig, shell, text)
      const before = trailOf(rig).length
      const handle = `user${++count}.test`
      const made = row<{ did: string }>(
        good(await tool('account', 'create', `u${count}@example.com`, handle)),
      )
      good(await tool('account', 'takedown', handle, '--yes'))
      expect(takenDown(rig)).toContain(made.did)
      const { code } = row<{ code: string }>(good(await tool('invite', 'create')))
      expect(sql(rig, `select count(*) from invite_code where code = '${code}'`)).toBe('1')
      const email = JSON.stringify({ account: made.did, email: `changed${count}@example.com` })
      const posted = await run(
        rig,
        ['xrpc', 'post', 'com.atproto.admin.updateAccountEmail', '--body', '-', '--yes', '--json'],
        { stdin: email },
      )
      good(posted)
      expect(sql(rig, `select email from account where did = '${made.did}'`)).toBe(
        `changed${count}@example.com`,
      )
      const lines = trailOf(rig).slice(before)
      expect(lines.map(({ command, event }) => `${command} ${event}`)).toEqual(
        ['account create', 'account takedown', 'invite create', 'xrpc post'].flatMap((command) => [
          `${command} intent`,
          `${command} outcome`,
        ]),
      )
      const told = rows<{ outcome: string }>(good(await tool('trail')))
      expect(told).toHaveLength(trailOf(rig).length / 2)
      expect(new Set(told.map(({ outcome }) => outcome))).toEqual(new Set(['ok']))
      expect(rows(good(await tool('trail', '--limit', '2')))).toHaveLength(2)
    })

    test('nothing was cut off: recover says so', async () => {
      await logInWith(rig, shell, text)
      const ran = await tool('recover', '--yes')
      expect([name, ran.code, ran.stderr]).toEqual([name, 0, expect.stringContaining('nothing')])
    })
  })

  test.each([
    ['/usr/sbin/nologin', 'This account is currently not available.'],
    ['/bin/false', 'nothing came back'],
  ])('and runs no commands is refused, with what it printed: %s', async (path, said) => {
    await setLoginShell(rig.ssh.user, path)
    for (const args of [['status'], ['trail'], ['account', 'list'], ['recover', '--yes']]) {
      const { message, hint } = faultOf(await tool(...args), 5, 'no-shell')
      expect(message).toContain(said)
      expect(hint).toContain('getent passwd')
    }
  })

  test('a record of the rotation that cannot be read is told, and rotates nothing', async () => {
    const kept = join(rig.pdsDir, 'kimbia-ops')
    await logInWith(rig, 'bash', 'echo Welcome\n')
    writeStartFile(kept, 'admin-password.json', '{"rotatedAt":"2026-11-2')
    const store = `file:${join(rig.dir, 'store')}`
    const words = ['admin-password', 'rotate', '--if-due', '--store', store, '--yes']
    const { message, hint } = faultOf(await tool(...words), 1, 'record-unreadable')
    expect(message).toContain(`${kept}/admin-password.json`)
    expect(hint).toContain('kimbia-ops admin-password rotate')
    const status = await tool('admin-password', 'status')
    expect([status.code, row(status)]).toMatchObject([3, { due: true, inDoubt: true }])
    expect(JSON.stringify(row(status).problems)).toContain('cannot be read')
    const health = row<{ checks: { name: string; status: string; summary: string }[] }>(await tool('health'))
    expect(health.checks.find(({ name }) => name === 'password')).toMatchObject({
      status: 'warn',
      summary: expect.stringContaining('cannot be read'),
    })
    rmSync(join(kept, 'admin-password.json'))
  })
})

describe.skipIf(withoutRoot || withoutDocker)(
  'a change to a host whose login shell prints',
  { timeout: 240_000 },
  () => {
    let rig: RigHost
    beforeAll(async () => {
      rig = await startRig({ docker: {}, rateLimits: false })
    }, 240_000)
    afterEach(() => logInAsUsual(rig))
    afterAll(async () => rig?.stop(), 120_000)

    test.each([
      ['bash', loginShells.bash?.talkative ?? ''],
      ['fish', loginShells.fish?.talkative ?? ''],
      ['tcsh', loginShells.tcsh?.talkative ?? ''],
    ])('in %s: a password is rotated when it is due, and never again before', async (shell, text) => {
      if (!loginShells[shell]) return
      await using place = await scratch()
      await logInWith(rig, shell, text)
      rmSync(join(rig.pdsDir, 'kimbia-ops/admin-password.json'), { force: true })
      const words = [
        'admin-password',
        'rotate',
        '--if-due',
        '--store',
        `file:${place.file('pw')}`,
        '--yes',
        '--json',
      ]
      const since = () => containerOf(rig, '{{.Id}} {{.State.StartedAt}}')
      const before = await since()
      expect(row(good(await run(rig, words)))).toMatchObject({ rotated: true, changed: true })
      const after = await since()
      expect(after).not.toBe(before)
      for (const _ of [1, 2])
        expect(row(good(await run(rig, words)))).toMatchObject({ rotated: false, changed: false })
      expect(await since()).toBe(after)
      expect(readFileSync(join(rig.pdsDir, 'pds.env'), 'utf8')).toContain(
        readFileSync(place.file('pw'), 'utf8').trim(),
      )
      expect(row(good(await run(rig, ['status', '--json'])))).toMatchObject({ attention: [] })
      expect(good(await run(rig, ['logs', '--tail', '5'])).stdout).not.toMatch(/Welcome|goodbye|kimbia-ops:/)
    })

    test.each(['bash', 'fish'])('in %s: one under way is seen, and not taken for nothing', async (shell) => {
      await logInWith(rig, shell, loginShells[shell]?.talkative ?? '')
      const name = `from-${shell}`
      const child = start(rig, [
        'env',
        'set',
        `PDS_SERVICE_NAME=${name}`,
        '--settle',
        '5s',
        '--yes',
        '--json',
      ])
      await reached(rig, 'begin 4', child)
      await crash(child)
      expect(row<{ change: string }>(good(await run(rig, ['status', '--json']))).change).toContain(
        'under way',
      )
      const ran = await yes(rig, 'recover')
      expect([0, 7], ran.stderr).toContain(ran.code)
      expect(ran.stderr).not.toContain('nothing to')
      await quiet(rig)
      if (ran.code === 7) good(await yes(rig, 'recover'))
      expect(await containerOf(rig, '{{json .Config.Env}}')).toContain(`PDS_SERVICE_NAME=${name}`)
    })
  },
)
