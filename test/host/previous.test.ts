import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import {
  forget,
  keptAs,
  type PreviousImage,
  parsePrevious,
  previousFile,
  remember,
} from '../../src/host/previous.ts'
import type { Shell } from '../../src/ssh/shell.ts'
import { localPds } from '../support/local-host.ts'

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

test('the newest three images are remembered and named, once each, and the newest is forgotten again', async () => {
  await using pds = await localPds()
  const docker = `#!/bin/sh
case "$1 $2" in
"image ls") cat ${pds.path('tags')} ;;
"image rm") grep -vxF "$3" ${pds.path('tags')} >${pds.path('rest')}; mv ${pds.path('rest')} ${pds.path('tags')} ;;
tag*) grep -qxF "$3" ${pds.path('tags')} || echo "$3" >>${pds.path('tags')} ;;
esac
`
  await writeFile(pds.path('docker'), docker, { mode: 0o755 })
  await writeFile(pds.path('tags'), '')
  const file = previousFile(pds.dir)
  const kept = () => parsePrevious(readFileSync(file, 'utf8'))
  for (const day of [11, 12, 13, 14, 14]) run(remember([pds.path('docker')], pds.dir, image(day)))
  expect(kept()).toEqual([image(14), image(13), image(12)])
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readFileSync(pds.path('tags'), 'utf8').trim().split('\n')).toEqual(
    [12, 13, 14].map((day) => image(day).keep),
  )
  for (const _twice of [1, 2]) run(forget(pds.dir, image(14)))
  expect(kept()).toEqual([image(13), image(12)])
})

test('a line that was cut off is passed over', () => {
  expect(parsePrevious(`{"stamp":"20\n${JSON.stringify(image(11))}\n`)).toEqual([image(11)])
})
