import { chmod, chown, link, mkdir, readdir, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import {
  isRoot,
  type LocalPds,
  localPds,
  sessionWith,
  shells,
  withoutRoot,
} from '../../support/local-host.ts'
import * as make from './making.ts'
import { mount } from './mounting.ts'

async function change(pds: LocalPds, steps: Parameters<typeof make.planOf>[0], shell?: readonly string[]) {
  const at = pds.path(`shell-${crypto.randomUUID()}`)
  const session = shell && (await sessionWith(at, shell, [...make.coreutils, 'setsid']))
  const change = await make.changesOf(pds, session).begin(make.planOf(steps), steps)
  const end = await change.run(() => {}, make.never)
  await change.close()
  return end
}

describe.each(Object.entries(shells))('with %s as sh', (_, shell) => {
  test('mode and owner stay, a symbolic link stays one, and the old text is kept', async () => {
    await using pds = await localPds()
    await mkdir(pds.path('real dir'))
    await writeFile(pds.path('real dir/it'), 'old\n')
    await chmod(pds.path('real dir/it'), 0o640)
    if (isRoot) await chown(pds.path('real dir/it'), 1234, 2345)
    await symlink('real dir/it', pds.path("a b'c.env"))
    const path = pds.path("a b'c.env")
    expect(await change(pds, [make.write(path, 'old\n', 'new')], shell)).toMatchObject({ kind: 'done' })
    expect(await readlink(path)).toBe('real dir/it')
    expect(await make.textOf(path)).toBe('new')
    const now = await stat(path)
    expect(now.mode & 0o777).toBe(0o640)
    if (isRoot) expect([now.uid, now.gid]).toEqual([1234, 2345])
    expect(await readdir(pds.path('real dir'))).toEqual(['it'])
    const [backup = ''] = await readdir(pds.path('kimbia-ops/backups'))
    expect(backup).toMatch(/^a b'c\.env\.\d{8}T\d{6}Z$/)
    expect(await make.textOf(pds.path(`kimbia-ops/backups/${backup}`))).toBe('old\n')
    expect((await stat(pds.path(`kimbia-ops/backups/${backup}`))).mode & 0o777).toBe(0o600)

    expect(await change(pds, [make.write(path, 'new', 'old\n'), make.line('exit 1')], shell)).toMatchObject({
      kind: 'undone',
    })
    expect(await make.textOf(path)).toBe('new')
    expect((await stat(path)).mode & 0o777).toBe(0o640)
    expect(await readlink(path)).toBe('real dir/it')
  })

  test('a file that holds another text by now is left alone, before and at the undo', async () => {
    await using pds = await localPds()
    const path = pds.path('pds.env')
    await make.put(pds, 'pds.env', 'mine\n')
    expect(await change(pds, [make.write(path, 'old\n', 'new\n')], shell)).toMatchObject({
      kind: 'undone',
      why: {
        code: 'changed-meanwhile',
        message: `${path} holds another text by now than the plan was made from`,
      },
    })
    expect(await make.textOf(path)).toBe('mine\n')
    const steps = [make.write(path, 'mine\n', 'new\n'), make.line(`echo theirs >${path}; exit 1`)]
    const session = await sessionWith(`${pds.dir}/2`, shell, [...make.coreutils, 'setsid'])
    const held = await make.changesOf(pds, session).begin(make.planOf(steps), steps)
    expect(await held.run(() => {}, make.never)).toMatchObject({
      kind: 'stuck',
      notUndone: [
        {
          index: 0,
          why: {
            code: 'changed-meanwhile',
            message: `${path} holds another text by now than the plan was made from; what it held before is the newest pds.env.* in ${pds.path('kimbia-ops/backups')}`,
          },
        },
      ],
    })
    expect(await make.textOf(path)).toBe('theirs\n')
    await held.close()
  })
})

test.each([
  ['empty', ''],
  ['a line break alone', '\n'],
  ['line breaks at its end', 'a\n\n\n'],
  ['no line break at its end', '\n\na'],
  ['signs that mean something on the way', '%f%n%p%%\n\\n\\1&/\t\r\n\u0001\u0002\u0003 $(x) `y` ‘é’ end\\'],
])('a text that is or has %s arrives as it is', async (_, text) => {
  await using pds = await localPds('A=1\n')
  const path = pds.path('pds.env')
  expect(await change(pds, [make.write(path, 'A=1\n', text), make.write(path, text, 'A=2')])).toMatchObject({
    kind: 'done',
  })
  expect(await make.textOf(path)).toBe('A=2')
  const [, between = ''] = (await readdir(pds.path('kimbia-ops/backups'))).sort()
  expect(await make.textOf(pds.path(`kimbia-ops/backups/${between}`))).toBe(text)
})

test('a copy that was cut off is made anew, and no backup is written into', async () => {
  await using pds = await localPds('A=1\n')
  const path = pds.path('pds.env')
  const steps = [make.write(path, 'A=1\n', 'A=2\n'), make.line('exit 1')]
  await mkdir(pds.path('kimbia-ops/backups'), { recursive: true })
  const kept = pds.path('kimbia-ops/backups/pds.env.20200101T000000Z')
  await writeFile(kept, 'A=0\n')
  // As one leaves it that was cut off between the two names of its copy, and before its copy was whole.
  await link(kept, pds.path('kimbia-ops/backups/.new'))
  await writeFile(pds.path('.pds.env.kimbia-ops'), 'half of')
  const held = await make.changesOf(pds).begin(make.planOf(steps), steps)
  await writeFile(pds.path('kimbia-ops/change/files/0.old'), 'A=')
  expect(await held.run(() => {}, make.never)).toMatchObject({ kind: 'undone' })
  await held.close()
  expect(await make.textOf(path)).toBe('A=1\n')
  expect(await make.textOf(kept)).toBe('A=0\n')
  expect(await readdir(pds.dir)).not.toContain('.pds.env.kimbia-ops')
})

test('of each name the newest ten copies are kept, and two of one second are two', async () => {
  await using pds = await localPds()
  await mkdir(pds.path('kimbia-ops/backups'), { recursive: true })
  for (let i = 10; i < 22; i++)
    await writeFile(pds.path(`kimbia-ops/backups/pds.env.202001${i}T000000Z`), `${i}`)
  await writeFile(pds.path('kimbia-ops/backups/compose.yaml.20190101T000000Z'), '')
  await make.put(pds, 'pds.env', '0\n')
  const path = pds.path('pds.env')
  const steps = [
    make.write(path, '0\n', '1\n'),
    make.write(path, '1\n', '2\n'),
    make.write(path, '2\n', '3\n'),
  ]
  expect(await change(pds, steps)).toMatchObject({ kind: 'done' })
  const kept = (await readdir(pds.path('kimbia-ops/backups'))).sort()
  expect(kept[0]).toBe('compose.yaml.20190101T000000Z')
  expect(kept).toHaveLength(11)
  const texts = await Promise.all(
    kept.slice(-3).map((name) => make.textOf(pds.path(`kimbia-ops/backups/${name}`))),
  )
  expect(texts).toEqual(['0\n', '1\n', '2\n'])
  expect(kept[1]).toBe('pds.env.20200115T000000Z')
})

test('the undo needs no copy among the backups', async () => {
  await using pds = await localPds('A=1\n')
  const steps = [
    make.write(pds.path('pds.env'), 'A=1\n', 'A=2\n'),
    make.line(`rm -rf ${pds.path('kimbia-ops/backups')}; exit 1`),
  ]
  expect(await change(pds, steps)).toMatchObject({ kind: 'undone' })
  expect(await make.textOf(pds.path('pds.env'))).toBe('A=1\n')
})

test('a file that is gone is told of', async () => {
  await using pds = await localPds('A=1\n')
  const end = await change(pds, [make.write(pds.path('nowhere'), 'A=1\n', 'A=2\n')])
  expect(end).toMatchObject({ kind: 'undone', why: { code: 'changed-meanwhile' } })
  expect(await readdir(pds.dir)).not.toContain('nowhere')
  await rm(pds.path('pds.env'))
})

test.skipIf(withoutRoot)('a full disk leaves the old file as it was, and nothing beside it', async () => {
  await using pds = await localPds()
  await mkdir(pds.path('small'))
  using _mounted = mount(pds.path('small'), 'size=32k')
  const old = 'A=1\n'
  await writeFile(pds.path('small/pds.env'), old, { mode: 0o600 })
  const end = await change(pds, [make.write(pds.path('small/pds.env'), old, '#'.repeat(60_000))])
  expect(end).toMatchObject({ kind: 'undone', why: { code: 'not-written' } })
  expect(end.kind === 'undone' && end.why.message).toContain('No space left on device')
  expect(await make.textOf(pds.path('small/pds.env'))).toBe(old)
  expect(await readdir(pds.path('small'))).toEqual(['pds.env'])
})

test.skipIf(withoutRoot)(
  'a copy for the operator that is not whole is none: nothing is changed',
  async () => {
    await using pds = await localPds('A=1\n')
    const copies = pds.path('kimbia-ops/backups')
    await mkdir(copies, { recursive: true })
    using _mounted = mount(copies, 'size=4k,nr_inodes=10')
    await writeFile(`${copies}/full`, '#'.repeat(4096))
    const busybox = shells.busybox ?? ['sh']
    const end = await change(pds, [make.write(pds.path('pds.env'), 'A=1\n', 'A=2\n')], busybox)
    expect(end).toMatchObject({ kind: 'undone', why: { code: 'not-written' } })
    expect(await make.textOf(pds.path('pds.env'))).toBe('A=1\n')
  },
)
