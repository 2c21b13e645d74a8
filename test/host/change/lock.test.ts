import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { openChanges } from '../../../src/host/change/changes.ts'
import { readPending } from '../../../src/host/change/pending.ts'
import { openHost } from '../../../src/host/open-host.ts'
import { openLocal } from '../../../src/ssh/connect/local.ts'
import { failureOf } from '../../support/failing.ts'
import {
  give,
  isRoot,
  type LocalPds,
  localPds,
  localUser,
  sessionWith,
  shells,
  withoutRoot,
} from '../../support/local-host.ts'
import * as make from './making.ts'
import { mount } from './mounting.ts'

const lockOf = (pds: LocalPds): string => pds.path('kimbia-ops/lock')
const steps = [make.line(':')]

describe.each(Object.entries(shells))('with %s as sh', (_, shell) => {
  const open = (pds: LocalPds) => sessionWith(pds.dir, shell, [...make.coreutils, 'setsid'])

  test('of many who begin at once, exactly one holds the lock, and each other is told who', async () => {
    await using pds = await localPds()
    const session = await open(pds)
    for (let round = 0; round < 4; round++) {
      const tries = await Promise.allSettled(
        Array.from({ length: 8 }, (_, i) =>
          make.changesOf(pds, session).begin(make.planOf(steps, { command: `env set ${i}` }), steps),
        ),
      )
      const held = tries.filter((one) => one.status === 'fulfilled').map(({ value }) => value)
      expect(held).toHaveLength(1)
      for (const one of tries)
        if (one.status === 'rejected') expect(one.reason).toMatchObject({ outcome: 'busy', code: 'locked' })
      const pending = await readPending(make.hostOf(pds, session))
      expect(pending?.holder.command).toBe(held[0]?.plan.command)
      await held[0]?.run(() => {}, make.never)
      await held[0]?.close()
    }
    expect(await make.litter(pds)).toEqual(['last'])
  })

  test('of many who take over at once, exactly one does', async () => {
    await using pds = await localPds()
    const session = await open(pds)
    const plan = make.planOf(steps)
    await make.changesOf(pds).begin(plan, steps)
    await make.kill9(await make.pidIn(pds, 'lock'))
    for (let round = 0; round < 4; round++) {
      const tries = await Promise.allSettled(
        Array.from({ length: 6 }, (_, i) =>
          make.changesOf(pds, session).adopt(plan.id, make.holder({ command: `recover ${i}` })),
        ),
      )
      const held = tries.filter((one) => one.status === 'fulfilled')
      expect(held).toHaveLength(1)
      for (const one of tries)
        if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'locked' })
      await make.kill9(await make.pidIn(pds, 'lock'))
    }
  })
})

test('a second operator is told who changes the host, since when, what and why', async () => {
  await using pds = await localPds()
  const time = new Date(Date.now() - 3 * 60_000).toISOString()
  const change = await make.changesOf(pds).begin(make.planOf(steps, { time, reason: 'new domain' }), steps)
  const failure = await failureOf(make.changesOf(pds).begin(make.planOf(steps), steps))
  expect(failure).toMatchObject({ outcome: 'busy', code: 'locked' })
  expect(failure.message).toBe(
    `local is being changed by ana@laptop as ops, since ${time.slice(11, 16)} UTC, 3 minutes ago: env set, “new domain”`,
  )
  expect(failure.details).toEqual({
    holder: 'ana@laptop',
    since: time,
    command: 'env set',
    reason: 'new domain',
  })
  expect(await failureOf(make.changesOf(pds).adopt(change.plan.id, make.holder()))).toMatchObject({
    outcome: 'busy',
    code: 'locked',
  })
  expect(await failureOf(make.changesOf(pds).breakLock('ana@laptop'))).toMatchObject({ code: 'locked' })
  expect(await change.run(() => {}, make.never)).toMatchObject({ kind: 'done' })
  await change.close()
})

test('a change that was cut off keeps others away until it is taken over', async () => {
  await using pds = await localPds()
  const change = await make.changesOf(pds).begin(make.planOf(steps), steps)
  await change.leave()
  await make.until(async () => (await readPending(make.hostOf(pds)))?.state === 'cut off')
  const failure = await failureOf(make.changesOf(pds).begin(make.planOf(steps), steps))
  expect(failure).toMatchObject({
    outcome: 'busy',
    code: 'cut-off',
    hint: expect.stringContaining('recover'),
  })
  expect(await failureOf(make.changesOf(pds).adopt('another', make.holder()))).toMatchObject({
    code: 'not-there',
  })
  const next = await make.changesOf(pds).adopt(change.plan.id, make.holder({ command: 'recover' }))
  expect((await readPending(make.hostOf(pds)))?.holder.command).toBe('recover')
  await next.close()
})

test('a change that ended while nobody was there is put away by the next one, which is told of it', async () => {
  await using pds = await localPds()
  const before = make.planOf([make.line('exit 1', [':'])])
  const change = await make.changesOf(pds).begin(before, [make.line('exit 1', [':'])])
  await change.run(() => {}, make.never)
  await change.leave()
  const next = await make.changesOf(pds).begin(make.planOf(steps), steps)
  expect(next.before).toMatchObject({ state: 'over', plan: before, end: { kind: 'undone', index: 0 } })
  expect(JSON.parse(await make.textOf(make.kept(pds, 'last/plan.json')))).toEqual(before)
  expect(await next.run(() => {}, make.never)).toMatchObject({ kind: 'done' })
  await next.close()
})

describe('a lock that was left', () => {
  const stale = (pds: LocalPds, token: string) =>
    mkdir(pds.path('kimbia-ops'), { recursive: true }).then(() =>
      writeFile(
        lockOf(pds),
        `{"token":"${token}",${JSON.stringify({ id: 'x', ...make.holder() }).slice(1)}\n`,
      ),
    )

  test('is told of, and broken by the name of its holder alone', async () => {
    await using pds = await localPds()
    await stale(pds, '99999999.1.none')
    const failure = await failureOf(make.changesOf(pds).begin(make.planOf(steps), steps))
    expect(failure).toMatchObject({ outcome: 'busy', code: 'stale-lock' })
    expect(failure.hint).toContain('kimbia-ops recover --break-lock ana@laptop')
    expect(await failureOf(make.changesOf(pds).breakLock('bob@laptop'))).toMatchObject({ code: 'not-there' })
    await make.changesOf(pds).breakLock('ana@laptop')
    expect(await readPending(make.hostOf(pds))).toBeUndefined()
    expect(await make.litter(pds)).toEqual([])
    expect(await failureOf(make.changesOf(pds).breakLock('ana@laptop'))).toMatchObject({ code: 'not-there' })
  })

  test('of a process whose number another one has by now counts as left', async () => {
    await using pds = await localPds()
    const boot = (await make.textOf('/proc/sys/kernel/random/boot_id')).trim()
    const [, start = ''] = /\) (?:\S+ ){19}(\S+)/.exec(await make.textOf('/proc/self/stat')) ?? []
    for (const [token, code] of [
      [`${process.pid}.${start}.${boot}`, 'locked'],
      [`${process.pid}.${Number(start) - 1}.${boot}`, 'stale-lock'],
      [`${process.pid}.${start}.00000000-0000-0000-0000-000000000000`, 'stale-lock'],
    ] as const) {
      await stale(pds, token)
      expect(await failureOf(make.changesOf(pds).begin(make.planOf(steps), steps))).toMatchObject({ code })
    }
  })

  test('by one who was cut off before the change was there is taken over in silence', async () => {
    await using pds = await localPds()
    await stale(pds, '99999999.1.none')
    await mkdir(make.kept(pds, '.new.99999999'), { recursive: true })
    await writeFile(make.kept(pds, '.new.99999999/holder'), 'x\n')
    const change = await make.changesOf(pds).begin(make.planOf(steps), steps)
    await change.close()
    expect(await make.litter(pds)).toEqual(['last'])
  })

  test('that nobody can read is broken as unknown', async () => {
    await using pds = await localPds()
    await mkdir(pds.path('kimbia-ops'))
    await writeFile(lockOf(pds), '{"token":"1')
    const failure = await failureOf(make.changesOf(pds).begin(make.planOf(steps), steps))
    expect(failure).toMatchObject({ code: 'stale-lock' })
    expect(failure.hint).toContain('unknown@unknown')
    await make.changesOf(pds).breakLock('unknown@unknown')
    expect(await make.litter(pds)).toEqual([])
  })
})

test('a holder who is connected and has said nothing for long can be broken, but never while the host works', async () => {
  await using pds = await localPds()
  const slow = [make.line('sleep 0.5')]
  const plan = make.planOf(slow)
  const change = await make.changesOf(pds).begin(plan, slow)
  const heard = pds.path('kimbia-ops/change/heard')
  const running = change.run(() => {}, make.never).catch((error: unknown) => error)
  await make.until(async () => (await make.journalOf(pds)).length > 0)
  await writeFile(heard, '0\n')
  expect(await failureOf(make.changesOf(pds).breakLock('ana@laptop'))).toMatchObject({ code: 'locked' })
  await running
  await make.until(() => make.pidIn(pds, 'change/runner').then(make.isGone))
  await writeFile(heard, '0\n')
  const up = Number((await make.textOf('/proc/uptime')).split('.')[0])
  if (up > 120) {
    await make.changesOf(pds).breakLock('ana@laptop')
    expect(await make.litter(pds)).toEqual(['change'])
    expect(await failureOf(change.close())).toMatchObject({ outcome: 'unreachable' })
  }
  const next = await make.changesOf(pds).adopt(plan.id, make.holder())
  await next.close()
})

test.each(['.', 'lock', 'backups', ...(isRoot ? [] : ['change', 'last'])])(
  'a symbolic link at %s is not followed',
  async (name) => {
    await using pds = await localPds()
    await mkdir(pds.path('elsewhere'))
    if (name !== '.') await mkdir(pds.path('kimbia-ops'))
    await symlink(pds.path('elsewhere'), pds.path(name === '.' ? 'kimbia-ops' : `kimbia-ops/${name}`))
    const failure = await failureOf(make.changesOf(pds).begin(make.planOf(steps), steps))
    expect(failure).toMatchObject({ outcome: 'failed', code: 'change-not-writable' })
    expect(failure.message).toContain('symbolic link')
    expect(await readdir(pds.path('elsewhere'))).toEqual([])
  },
)

describe.skipIf(withoutRoot)('a place that cannot be written', () => {
  test('a directory of another user’s', async () => {
    await using pds = await localPds()
    await using user = await localUser('none')
    await give([pds.path('pds.env')], user.operator)
    const { chmod } = await import('node:fs/promises')
    await chmod(pds.dir, 0o755)
    const host = openHost(async () => user.open(), { ...pds.config, sudo: 'never' })
    const failure = await failureOf(openChanges(host).begin(make.planOf(steps), steps))
    expect(failure).toMatchObject({ outcome: 'failed', code: 'change-not-writable' })
    expect(failure.message).toContain('Permission denied')
    expect(await readPending(host)).toBeUndefined()
  })

  test.each(['ro', 'size=4k', 'size=16k'])('a disk that is full or read-only (%s)', async (options) => {
    await using pds = await localPds()
    const place = make.kept(pds, '')
    await mkdir(place, { recursive: true })
    using _mounted = mount(place, options)
    const failure = await failureOf(make.changesOf(pds).begin(make.planOf(steps), steps))
    expect(failure).toMatchObject({ outcome: 'failed', code: 'change-not-writable' })
    expect(failure.message).toMatch(/No space left on device|Read-only file system/)
    expect(await make.litter(pds)).toEqual([])
  })

  test.each(['ro', 'nr_inodes=1'])('a lock that cannot be put beside the trail (%s)', async (options) => {
    await using pds = await localPds()
    await mkdir(pds.path('kimbia-ops'))
    using _mounted = mount(pds.path('kimbia-ops'), options)
    const failure = await failureOf(make.changesOf(pds).begin(make.planOf(steps), steps))
    expect(failure).toMatchObject({ outcome: 'failed', code: 'change-not-writable' })
    expect(failure.message).toMatch(/No space left on device|Read-only file system/)
    expect(await make.litter(pds)).toEqual([])
  })
})

test('of a host without a directory of its own there is nothing to tell', async () => {
  await using pds = await localPds()
  expect(await readPending(make.hostOf(pds))).toBeUndefined()
  expect(await readdir(pds.dir)).toEqual(['pds.env'])
  const session = openLocal()
  expect(await readPending(openHost(async () => session, pds.config))).toBeUndefined()
})
