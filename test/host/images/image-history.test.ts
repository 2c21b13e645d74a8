import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import {
  forget,
  keptAs,
  type PreviousImage,
  parsePrevious,
  previousFile,
  prune,
  remember,
} from '../../../src/host/images/image-history.ts'
import type { Shell } from '../../../src/ssh/shell.ts'
import { type LocalPds, localPds } from '../../support/local-host.ts'

const image = (day: number): PreviousImage => {
  const stamp = `202611${day}T100000Z`
  return {
    stamp,
    reference: "reg.test/o'pds:0.4",
    imageId: `sha256:${String(day).repeat(32)}`,
    digest: null,
    version: null,
    keep: keptAs('Pds', 'pds', stamp),
    backup: null,
  }
}
const run = ({ line }: Shell<'act'>) => execFileSync('sh', ['-c', line], { encoding: 'utf8' })

async function hostWith(pds: LocalPds) {
  const docker = `#!/bin/sh
case "$1 $2" in
"image ls") cat ${pds.path('tags')} ;;
"image rm") grep -vxF "$3" ${pds.path('tags')} >${pds.path('rest')}; mv ${pds.path('rest')} ${pds.path('tags')} ;;
tag*) grep -qxF "$3" ${pds.path('tags')} || echo "$3" >>${pds.path('tags')} ;;
inspect*) cat ${pds.path('runs')} ;;
esac
`
  await writeFile(pds.path('docker'), docker, { mode: 0o755 })
  await writeFile(pds.path('tags'), '')
  const file = previousFile(pds.dir)
  const words = [pds.path('docker')]
  return {
    file,
    kept: () => parsePrevious(readFileSync(file, 'utf8')).images,
    tags: () => readFileSync(pds.path('tags'), 'utf8').trim().split('\n'),
    remember: (day: number) => run(remember(words, pds.dir, image(day))),
    forget: (day: number) => run(forget(words, pds.dir, 'pds', image(day))),
    prune: (day: number) => run(prune(words, pds.dir, image(day))),
    runs: (day: number) => writeFile(pds.path('runs'), `true ${image(day).imageId} reg.test/pds:0.4\n`),
  }
}

test('images are remembered and named, once each, and the older ones go only when an update is proven', async () => {
  await using pds = await localPds()
  const host = await hostWith(pds)
  const days = [11, 12, 13, 14]
  for (const day of [...days, 14]) host.remember(day)
  expect(host.kept()).toEqual([14, 13, 12, 11].map(image))
  expect(host.tags()).toEqual(days.map((day) => image(day).keep))
  expect(statSync(host.file).mode & 0o777).toBe(0o600)
  for (const _twice of [1, 2]) host.prune(14)
  expect(host.kept()).toEqual([14, 13, 12].map(image))
  expect(host.tags()).toEqual([12, 13, 14].map((day) => image(day).keep))
})

test('the newest is forgotten, its name too, but only when it runs again', async () => {
  await using pds = await localPds()
  const host = await hostWith(pds)
  for (const day of [12, 13, 14]) host.remember(day)
  await host.runs(15)
  expect(host.forget(14)).toContain(image(14).keep)
  expect(host.kept()).toHaveLength(3)
  await host.runs(14)
  for (const _twice of [1, 2]) host.forget(14)
  expect(host.kept()).toEqual([13, 12].map(image))
  expect(host.tags()).toEqual([12, 13].map((day) => image(day).keep))
})

test('a full disk leaves what is remembered: nothing is noted, and nothing forgotten', async () => {
  await using pds = await localPds()
  const host = await hostWith(pds)
  for (const day of [12, 13]) host.remember(day)
  await host.runs(13)
  const noting = () => expect(() => host.remember(14)).toThrow()
  // What is noted in vain does no harm; a way back that fails for it would.
  const forgetting = () => expect(host.forget(13)).toContain('stays as it is')
  for (const attempt of [noting, forgetting]) {
    await symlink('/dev/full', `${host.file}.new`)
    attempt()
    expect(host.kept()).toEqual([13, 12].map(image))
    expect(existsSync(`${host.file}.new`)).toBe(false)
  }
})

test('the newest two copies are kept, and those that databases were put back from', async () => {
  await using pds = await localPds()
  const host = await hostWith(pds)
  const names = ['20261101T000000Z', '20261102T000000Z', '20261103T000000Z', '20261104T000000Z', 'mine']
  for (const name of names) await mkdir(pds.path(`kimbia-ops/databases/${name}`), { recursive: true })
  await mkdir(pds.path('kimbia-ops/databases/20261101T000000Z/after-20261105T000000Z'))
  host.prune(14)
  expect(readdirSync(pds.path('kimbia-ops/databases')).sort()).toEqual(
    names.filter((name) => name !== '20261102T000000Z'),
  )
})

test('a line that was cut off is told from those that can be read', () => {
  expect(parsePrevious(`{"stamp":"20\n${JSON.stringify(image(11))}\nnull\n\n`)).toEqual({
    images: [image(11)],
    unreadable: [1, 3],
  })
})
