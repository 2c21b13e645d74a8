import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { saveFile } from '../../../src/runner/execute/save-file.ts'
import { failureOf } from '../../support/failing.ts'
import { scratch } from '../../support/scratch.ts'

const save = (path: string, content = 'new\n', mode = 0o600) =>
  saveFile({ kind: 'save', why: 'try it', path, content, mode })
const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8)

test('a file that is not there, in folders that are not there', async () => {
  await using place = await scratch()
  const path = place.file('a/b/config.yaml')
  await save(path)
  expect(await readFile(path, 'utf8')).toBe('new\n')
  expect(await modeOf(path)).toBe('600')
  expect([await modeOf(place.file('a')), await modeOf(place.file('a/b'))]).toEqual(['700', '700'])
  expect(await readdir(place.file('a/b'))).toEqual(['config.yaml'])
})

test('a file that is there is replaced, and gets the mode; its folder keeps its own', async () => {
  await using place = await scratch()
  await mkdir(place.file('d'))
  await chmod(place.file('d'), 0o755)
  const path = place.file('d/config.yaml')
  await writeFile(path, 'a much longer old text\n')
  await chmod(path, 0o644)
  const before = await stat(path)
  await save(path)
  expect(await readFile(path, 'utf8')).toBe('new\n')
  expect([await modeOf(path), await modeOf(place.file('d'))]).toEqual(['600', '755'])
  expect((await stat(path)).ino).not.toBe(before.ino)
  expect(await readdir(place.file('d'))).toEqual(['config.yaml'])
})

test('a link stays a link, and what it points to is replaced', async () => {
  await using place = await scratch()
  await mkdir(place.file('dotfiles'))
  await writeFile(place.file('dotfiles/config.yaml'), 'old\n')
  await symlink(place.file('dotfiles/config.yaml'), place.file('config.yaml'))
  await save(place.file('config.yaml'))
  expect((await lstat(place.file('config.yaml'))).isSymbolicLink()).toBe(true)
  expect(await readFile(place.file('dotfiles/config.yaml'), 'utf8')).toBe('new\n')
  expect(await readdir(place.dir)).toEqual(['config.yaml', 'dotfiles'])
})

test('the mode is not cut by the umask', async () => {
  await using place = await scratch()
  const before = process.umask(0o077)
  try {
    await save(place.file('f'), 'new\n', 0o644)
  } finally {
    process.umask(before)
  }
  expect(await modeOf(place.file('f'))).toBe('644')
})

test('what cannot be written is told, and nothing is left behind', async () => {
  await using place = await scratch()
  await writeFile(place.file('file'), 'old\n')
  const failure = await failureOf(save(place.file('file/config.yaml')))
  expect(failure).toMatchObject({ outcome: 'failed', code: 'file-not-written' })
  expect(failure.message).toContain(`cannot write ${place.file('file/config.yaml')}: `)
  expect(await readFile(place.file('file'), 'utf8')).toBe('old\n')
  expect(await readdir(place.dir)).toEqual(['file'])
})

test('what cannot take its place is told, and nothing is left behind', async () => {
  await using place = await scratch()
  await mkdir(place.file('config.yaml'))
  await writeFile(place.file('config.yaml/kept'), 'old\n')
  expect(await failureOf(save(place.file('config.yaml')))).toMatchObject({ code: 'file-not-written' })
  expect(await readdir(place.dir)).toEqual(['config.yaml'])
})
