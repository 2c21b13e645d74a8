import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, readdir, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { isRoot, withoutRoot } from './support/local-host.ts'
import { type Scratch, scratch } from './support/scratch.ts'

const run = promisify(execFile)

const program = `
const { deep } = require('./parts/deep-1.cjs')
exports.names = ['one', 'one two', 'fail']
exports.main = async () => {
  const [, , first, second] = process.argv
  console.log(second === 'two' ? deep(process.argv.slice(4)) : first ?? 'help')
  return first === 'fail' ? 1 : 0
}
`
const deep = `
exports.deep = function (words) {
${'  words = words.map((word) => { return word + "!" }).filter(Boolean)\n'.repeat(200)}
  return words.join(' ') || 'deep'
}
`

/** A program in parts, and a home for what was compiled of it. */
async function built() {
  const place = await scratch()
  await mkdir(place.file('home'))
  await mkdir(place.file('dist/parts'), { recursive: true })
  await writeFile(place.file('dist/cli-A1.cjs'), program)
  await writeFile(place.file('dist/parts/deep-1.cjs'), deep)
  const start = join(import.meta.dirname, '../src/start.ts')
  const say = async (words: string[], env: NodeJS.ProcessEnv = {}, by: string[] = []) => {
    const script = `const { start } = await import(${JSON.stringify(start)}); process.exitCode = await start(${JSON.stringify(place.file('dist'))})`
    const args = ['--no-warnings', '--input-type=module', '-e', script, '--', ...words]
    const all = { PATH: process.env.PATH, HOME: place.file('home'), ...env }
    // Without a script file its arguments begin one earlier.
    const shifted = args.toSpliced(3, 1, `process.argv.splice(1, 0, 'program'); ${script}`)
    const [file = '', ...rest] = [...by, process.execPath, ...shifted]
    return run(file, rest, { env: all }).then(
      ({ stdout }) => stdout,
      (error) => `${error.stdout}code ${error.code}`,
    )
  }
  const kept = (name: string) =>
    place.file(`home/.cache/kimbia-ops/cli-A1/${process.version}-${process.arch}/${name}`)
  return { place, say, kept, [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() }
}

const filesIn = (place: Scratch, dir: string) =>
  readdir(place.file(dir), { recursive: true, withFileTypes: true }).then(
    (all) => all.filter((it) => it.isFile()).map(({ name }) => name),
    () => [],
  )

test('what a command has compiled is kept for the next time, command by command', async () => {
  await using it = await built()
  expect(await it.say(['one', 'two', 'a', 'b'])).toMatch(/^a!+ b!+\n$/)
  expect(await it.say(['one', 'x'])).toBe('one\n')
  expect(await it.say([])).toBe('help\n')
  const [both, one, none] = await Promise.all(['one_two', 'one', 'help'].map((name) => stat(it.kept(name))))
  expect(both?.mode).toBe(0o100600)
  // The function that only the first has run is in its file alone.
  expect(both?.size).toBeGreaterThan((one?.size ?? 0) + 10_000)
  expect(Math.abs((one?.size ?? 0) - (none?.size ?? 0))).toBeLessThan(1000)
  expect(await it.say(['one', 'two'])).toBe('deep\n')
  expect((await stat(it.kept('one_two'))).mtimeMs).toBe(both?.mtimeMs)
})

test('what is damaged is not believed, and made anew', async () => {
  await using it = await built()
  await it.say(['one', 'two'])
  const whole = await readFile(it.kept('one_two'))
  const damages: ((bytes: Buffer) => Buffer)[] = [
    (bytes) => bytes.subarray(0, 0),
    (bytes) => bytes.subarray(0, 6),
    (bytes) => bytes.subarray(0, bytes.length - 1),
    (bytes) => Buffer.concat([bytes, bytes]),
    ...[0, 5, 20, 300, whole.length >> 1, whole.length - 1].map((at) => (bytes: Buffer) => {
      bytes[at] = (bytes[at] ?? 0) ^ 4
      return bytes
    }),
  ]
  for (const damage of damages) {
    await writeFile(it.kept('one_two'), damage(Buffer.from(whole)))
    expect(await it.say(['one', 'two'])).toBe('deep\n')
    expect((await readFile(it.kept('one_two'))).length).toBeGreaterThan(whole.length / 2)
    expect((await readFile(it.kept('one_two'))).length).toBeLessThan(whole.length * 2)
  }
})

test('what others could have written is not believed', async () => {
  await using it = await built()
  await it.say(['one'])
  await chmod(it.kept('one'), 0o620)
  expect(await it.say(['one'])).toBe('one\n')
  expect((await stat(it.kept('one'))).mode).toBe(0o100600)
  if (!isRoot) return
  await chown(it.kept('one'), 12345, 12345)
  expect(await it.say(['one'])).toBe('one\n')
  expect((await stat(it.kept('one'))).uid).toBe(0)
})

test('nothing is kept of what failed, of a dry run, of what is no command, or where none is wanted', async () => {
  await using it = await built()
  expect(await it.say(['fail'])).toBe('fail\ncode 1')
  expect(await it.say(['secret-word'])).toBe('secret-word\n')
  for (const dry of ['--dry-run', '-n', '-yn']) expect(await it.say(['one', dry])).toBe('one\n')
  expect(await it.say(['one'], { NODE_DISABLE_COMPILE_CACHE: '1' })).toBe('one\n')
  expect(await filesIn(it.place, 'home')).toEqual([])
})

test('it does without where nothing can be kept', async () => {
  await using it = await built()
  await writeFile(it.place.file('file'), '')
  expect(await it.say(['one'], { XDG_CACHE_HOME: it.place.file('file') })).toBe('one\n')
  expect(await it.say(['one'], { HOME: it.place.file('nowhere') })).toBe('one\n')
  expect(await it.say(['one'], { XDG_CACHE_HOME: it.place.file('cache') })).toBe('one\n')
  expect(await filesIn(it.place, 'cache')).toEqual(['one'])
  expect(await readdir(it.place.dir)).not.toContain('nowhere')
})

test.skipIf(withoutRoot)('it needs no home', async () => {
  await using it = await built()
  await chmod(it.place.dir, 0o755)
  expect(await it.say(['one'], { HOME: undefined }, ['setpriv', '--reuid', '54321', '--clear-groups'])).toBe(
    'one\n',
  )
})

test.skipIf(withoutRoot)('nothing is made in the home of somebody else', async () => {
  await using it = await built()
  await chown(it.place.file('home'), 12345, 12345)
  expect(await it.say(['one'])).toBe('one\n')
  expect(await readdir(it.place.file('home'))).toEqual([])
})

test('of other builds only what is long gone is removed', async () => {
  await using it = await built()
  const old = new Date(Date.now() - 31 * 24 * 60 * 60 * 1000)
  for (const name of ['cli-A0', 'cli-A2'])
    await mkdir(it.place.file(`home/.cache/kimbia-ops/${name}/v1`), { recursive: true })
  await utimes(it.place.file('home/.cache/kimbia-ops/cli-A0'), old, old)
  await it.say(['one'])
  expect((await readdir(it.place.file('home/.cache/kimbia-ops'))).sort()).toEqual(['cli-A1', 'cli-A2'])
  await truncate(it.kept('one'), 3)
  expect(await it.say(['one'])).toBe('one\n')
})
