import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readDrift } from '../../../src/host/apply/env-drift.ts'
import { keepImage, readOtherImage } from '../../../src/host/apply/image-drift.ts'
import { assertPendingEdits } from '../../../src/host/apply/pending-edits.ts'
import { wayBack } from '../../../src/host/apply/recreate.ts'
import { type ComposeEngine, readComposeEngine } from '../../../src/host/docker/engine.ts'
import { parseEnvFile } from '../../../src/host/env/parse.ts'
import { scratch } from '../../support/scratch.ts'
import { engineAnswer } from '../../support/scripted-engine.ts'
import { scriptedHost } from '../../support/scripted-host.ts'

const hostOf = (image = 'reg.test/pds:0.4', env: readonly string[] = [], file = image) =>
  scriptedHost()
    .on(
      '# look at the containers',
      engineAnswer([{ image, env }], ['/pds/compose.yaml'], {
        texts: { '/pds/compose.yaml': `services: {pds: {image: "${file}", env_file: [pds.env]}}` },
      }),
    )
    .on(/^docker image inspect/, '["LOG_ENABLED=true"]')

const engineOf = async (image?: string): Promise<ComposeEngine> => await readComposeEngine(hostOf(image))

/** Runs the line with a docker that knows these references; returns what was asked of it besides looking. */
async function kept(line: string, known: Readonly<Record<string, string>>): Promise<readonly string[]> {
  await using place = await scratch()
  const { dir } = place
  const cases = Object.entries(known).map(([reference, id]) => `*" ${reference}") echo ${id} ;;`)
  const docker = `#!/bin/sh
case " $*" in " image inspect"*) case " $*" in ${cases.join(' ')} *) exit 1 ;; esac ;; *) echo "$*" >>${dir}/log ;; esac
`
  writeFileSync(join(dir, 'docker'), docker)
  chmodSync(join(dir, 'docker'), 0o755)
  writeFileSync(join(dir, 'log'), '')
  execFileSync('sh', ['-c', line], { env: { PATH: `${dir}:/usr/bin:/bin` } })
  return readFileSync(join(dir, 'log'), 'utf8').split('\n').filter(Boolean)
}

test.each<[string, string, Record<string, string>, string[]]>([
  ['names what runs', 'reg.test/pds:0.4', { 'reg.test/pds:0.4': 'sha256:1' }, []],
  [
    'was pulled anew',
    'reg.test/pds:0.4',
    { 'reg.test/pds:0.4': 'sha256:2' },
    ['tag sha256:1 reg.test/pds:0.4'],
  ],
  ['is gone', 'reg.test/pds:0.4', {}, ['tag sha256:1 reg.test/pds:0.4']],
  [
    'is a digest that is gone',
    `reg.test/pds@sha256:${'a'.repeat(64)}`,
    {},
    [`pull --quiet reg.test/pds@sha256:${'a'.repeat(64)}`],
  ],
])('the image that runs is kept when its reference %s', async (_, image, known, wanted) => {
  const engine = await engineOf(image)
  expect(await kept(keepImage(engine)?.line ?? '', known)).toEqual(wanted)
  const way = wayBack({
    engine,
    service: 'pds',
    port: 3000,
    written: parseEnvFile(''),
    gate: { healthy: 1, settle: 0, deadline: 1 },
  })
  expect(await kept(way.run.line, known)).toEqual(wanted)
})

test.each<[string, string, number, boolean]>([
  ['just now', 'sha256:1', 0, true],
  ['some seconds ago', 'sha256:1', -10, false],
  ['in the future of a clock that was set', 'sha256:1', 10, false],
  ['just now, and it was another', 'sha256:2', 0, false],
])('what the reference names need not be looked at again: seen %s', async (_, id, ago, kept) => {
  const image = ['reg.test/pds:0.4', id, []] as const
  const seen = Math.floor(Date.now() / 1000) + ago
  const host = scriptedHost().on(
    '# look at the containers',
    engineAnswer([{ image: 'reg.test/pds:0.4' }], ['/pds/compose.yaml'], { image, seen }),
  )
  const engine = await readComposeEngine(host)
  const { unless } = wayBack({
    engine,
    service: 'pds',
    port: 3000,
    written: parseEnvFile(''),
    gate: { healthy: 1, settle: 0, deadline: 1 },
  })
  expect(unless !== undefined && spawnSync('sh', ['-c', unless.line]).status === 0).toBe(kept)
})

test.each<[string, string, string | undefined]>([
  ['the same', 'redis:7\nreg.test/pds:0.4', undefined],
  ['the image that runs by another name, such as a pin to it', 'reg.test/pds:pinned', undefined],
  ['another', 'reg.test/pds:0.5', 'reg.test/pds:0.5'],
])('compose names %s', async (_, images, other) => {
  const host = hostOf(undefined, [], 'reg.test/pds:$TAG').on('config --images', (line) => {
    const docker = `docker() { case "$*" in compose*) echo '${images}' ;; *:pinned) echo sha256:1 ;; *) echo sha256:2 ;; esac; }\n`
    return execFileSync('sh', ['-c', docker + line]).toString()
  })
  expect(await readOtherImage(host, await readComposeEngine(host))).toBe(other)
})

test.each<[string, string, boolean]>([
  ['names the image that runs by itself', 'image: reg.test/pds:0.4', false],
  ['puts it together', 'image: reg.test/pds:$TAG', true],
  ['names another', 'image: reg.test/pds:0.5', true],
  ['cannot be read', 'image: [', true],
  ['includes others', 'image: reg.test/pds:0.4\ninclude: [more.yaml]', true],
])('a compose file that %s', async (_, line, asks) => {
  const path = '/pds/compose.yaml'
  const texts = { [path]: `services:\n  pds:\n    ${line}\n` }
  let asked = false
  const host = scriptedHost()
    .on('# look at the containers', engineAnswer([{ image: 'reg.test/pds:0.4' }], [path], { texts }))
    .on('config --images', () => {
      asked = true
      return ''
    })
  await readOtherImage(host, await readComposeEngine(host))
  expect(asked).toBe(asks)
})

test('compose is asked where one file is laid over another: it alone knows what comes of it', async () => {
  const files = ['/pds/compose.yaml', '/pds/compose.override.yaml']
  const texts = {
    '/pds/compose.yaml': 'services:\n  pds:\n    image: reg.test/pds:0.4\n',
    '/pds/compose.override.yaml': 'x-p: &p {image: reg.test/pds:0.5}\nservices:\n  pds:\n    <<: *p\n',
  }
  const host = scriptedHost()
    .on('# look at the containers', engineAnswer([{ image: 'reg.test/pds:0.4', files }], files, { texts }))
    .on('config --images', 'reg.test/pds:0.5\n')
  expect(await readOtherImage(host, await readComposeEngine(host))).toBe('reg.test/pds:0.5')
})

test('drift: changed, new and gone, but not what the image brings along', async () => {
  const env = ['A=1', 'B=1', 'LOG_ENABLED=true', 'PDS_OLD=x', 'OTHER=y']
  const host = hostOf(undefined, env)
  const engine = await readComposeEngine(host)
  if (!engine.pds) throw new Error('there is none')
  const drift = async (...named: string[]) =>
    engine.pds && (await readDrift(host, engine, engine.pds, 'A=1\nB=2\nC=3\n', named))
  expect(await drift()).toEqual([
    { key: 'B', was: '1', now: '2' },
    { key: 'C', was: undefined, now: '3' },
    { key: 'PDS_OLD', was: 'x', now: undefined },
  ])
  expect((await drift('OTHER', 'LOG_ENABLED'))?.map(({ key }) => key)).toEqual(['B', 'C', 'PDS_OLD', 'OTHER'])
})

test('a bad edit is refused where it waits to be applied, and without its value', async () => {
  const text = 'PDS_RATE_LIMITS_ENABLED=yes\n'
  const pending = { host: hostOf(), engine: await engineOf(), text, was: text }
  const assert = (key: string, force = false) => assertPendingEdits({ force }, { ...pending, keys: [key] })
  await expect(assert('PDS_RATE_LIMITS_ENABLED')).rejects.toThrow(/line 1: PDS_RATE_LIMITS_ENABLED/)
  await assert('LOG_LEVEL')
  await assert('PDS_RATE_LIMITS_ENABLED', true)
})

test('what cannot be gone back to names what was never proven', async () => {
  const it = {
    service: 'pds',
    port: 3000,
    written: parseEnvFile(''),
    gate: { healthy: 1, settle: 0, deadline: 1 },
  }
  const engine = await engineOf()
  expect(wayBack({ ...it, engine, drift: ['PDS_PORT'] }).why).toContain('never applied (PDS_PORT)')
  expect(wayBack({ ...it, engine }).why).not.toContain('never applied')
})
