import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { seedAccounts } from '../../rig/pds/seed.ts'
import { type Scratch, scratch } from '../support/scratch.ts'

const root = join(import.meta.dirname, '../..')
const exec = promisify(execFile)

let rig: RigHost
let place: Scratch
let tarball: string
let manifest: Record<string, unknown>
let files: { path: string; size: number; mode: number }[]

/** npm knows nothing of this machine but its own directory here, and cannot reach any registry. */
const npm = (args: readonly string[], cwd: string) =>
  exec('npm', args, {
    cwd,
    env: {
      ...process.env,
      HOME: place.dir,
      npm_config_cache: place.file('cache'),
      npm_config_offline: 'true',
      npm_config_update_notifier: 'false',
      npm_config_fund: 'false',
      npm_config_audit: 'false',
    },
  })

beforeAll(async () => {
  ;[rig, place] = await Promise.all([startRig(), scratch()])
  await seedAccounts(rig, 3)
  // What is built is packed as it is: building it anew would take it away from tests that run it meanwhile.
  const { stdout } = await npm(['pack', '--json', '--ignore-scripts', '--pack-destination', place.dir], root)
  const [packed] = JSON.parse(stdout)
  tarball = place.file(packed.filename)
  files = packed.files
  await exec('tar', ['-xzf', tarball, '-C', place.dir])
  manifest = JSON.parse(await readFile(place.file('package/package.json'), 'utf8'))
})
afterAll(async () => {
  await Promise.all([rig.stop(), place[Symbol.asyncDispose]()])
})

test('holds the program and nothing of its making', async () => {
  expect(
    files
      .map(({ path }) => path)
      .filter((path) => !/^(bin|dist)\//.test(path))
      .sort(),
  ).toEqual(['LICENSE', 'README.md', ...(manifest.man as string[]), 'package.json'].sort())
  expect(files.map(({ path }) => path)).toContain('dist/THIRD-PARTY-LICENSES.txt')
  expect((await stat(tarball)).size).toBeLessThan(1_500_000)
  for (const { path } of files) {
    const text = await readFile(place.file(`package/${path}`), 'utf8')
    expect(text.includes(root), `${path} holds a path of this machine`).toBe(false)
  }
})

test('depends on nothing, and has no scripts that run when it is installed', () => {
  for (const key of ['dependencies', 'optionalDependencies', 'peerDependencies', 'bundleDependencies'])
    expect(manifest[key] ?? {}).toEqual({})
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare', 'preprepare', 'postprepare'])
    expect(manifest.scripts ?? {}).not.toHaveProperty(name)
  expect(files.some(({ path }) => path.endsWith('.node') || path.endsWith('binding.gyp'))).toBe(false)
  expect(manifest.engines).toEqual({ node: '>=22.22' })
})

test('is installed from its file alone, and works against a host', async () => {
  const prefix = place.file('prefix')
  await mkdir(prefix)
  await npm(['install', '--prefix', prefix, '--global', '--ignore-scripts=false', tarball], prefix)
  expect(await readdir(join(prefix, 'lib/node_modules'))).toEqual(['kimbia-ops'])
  expect(existsSync(join(prefix, 'lib/node_modules/kimbia-ops/node_modules'))).toBe(false)
  const installed = join(prefix, 'bin/kimbia-ops')
  const here = { cwd: place.dir, env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, ...rig.env } }
  expect((await exec(installed, ['--version'], here)).stdout).toBe(`kimbia-ops ${manifest.version}\n`)
  const list = await exec(installed, ['account', 'list', '--json'], here)
  expect(list.stdout.trim().split('\n')).toHaveLength(3)
  const twice = await exec(installed, ['account', 'list', '--json'], here)
  expect(twice.stdout).toBe(list.stdout)
  const links = place.file('links')
  await mkdir(links)
  await symlink(installed, join(links, 'ops'))
  expect((await exec(join(links, 'ops'), ['account', 'list', '--limit', '1', '-q'], here)).stdout).toMatch(
    /^runner/,
  )
})

test('says what it needs on a Node that is too old', async () => {
  const old = place.file('old.mjs')
  await writeFile(
    old,
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.19.0' } })
     await import(${JSON.stringify(place.file('package/bin/kimbia-ops.js'))})`,
  )
  await chmod(old, 0o600)
  await expect(exec(process.execPath, [old, '--version'])).rejects.toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/needs Node 22\.22.*\nhint: install it: https:\/\/nodejs\.org/),
  })
})
