import { describe, expect, test } from 'vitest'
import {
  changedBy,
  errorOf,
  nothing,
  rowsOf,
  scriptedWorld,
  told,
  type WorldScript,
} from '../../support/world.ts'
import { digest, healthy, type Updatable, updatable } from './updatable.ts'

const apply = ['update', 'apply', '--json']
const facts = { version: '0.5.35', outageMs: 2100, digest: digest('3'), image: digest('d') }
const newer = { remote: { id: digest('d') } }
const world = (host: Updatable = newer, script: WorldScript = {}) =>
  scriptedWorld({ pds: healthy(), host: updatable(host), hostChanges: { facts }, ...script })
const stamp = '20261122T180000Z'
const place = `/pds/kimbia-ops/databases/${stamp}`
const steps = (to: string, written: readonly string[], copied: readonly string[]) => [
  `keep ${digest('b')} as kimbia-ops/pds-pds:before-${stamp.toLowerCase()}`,
  `docker pull ${to}`,
  ...copied,
  expect.stringMatching(/^docker inspect /),
  ...written,
  `docker compose config --images pds: ${to}`,
  expect.stringMatching(/^docker compose .* up --detach .*--pull never/),
  `the image of pds is that of ${to}`,
  expect.stringMatching(/^wait until the PDS on port 3000 answers 3 times in a row, stays up for 10 s/),
  'keep the newest 3 images and the newest 2 copies of databases',
]
const copied = [`copy account.sqlite sequencer.sqlite to ${place}`]

describe('update apply', () => {
  test('pulls the tag again, with copies of the databases that are there', async () => {
    const ran = await world().run(...apply, '--yes')
    expect(ran.code, ran.stderr).toBe(0)
    expect(ran.hostSteps).toEqual(steps('reg.test/pds:0.4', [], copied))
    expect(rowsOf(ran)).toEqual([
      {
        from: '0.5.34',
        to: '0.5.35',
        image: 'reg.test/pds:0.4',
        digest: digest('3'),
        outageMs: 2100,
        backup: place,
        ...changedBy(1),
      },
    ])
    expect(told(ran)[1]).toMatch(/^ok /)
  })

  test('goes to a version, which the new PDS must answer', async () => {
    const ran = await world().run(...apply, '--to', 'v0.5.35', '--no-backup', '--yes')
    expect(ran.hostSteps).toEqual(
      steps(
        'reg.test/pds:0.4.5035',
        ['write /pds/compose.yaml: - image: reg.test/pds:0.4; + image: reg.test/pds:0.4.5035'],
        [],
      ),
    )
    expect(ran.hostSteps.at(-2)).toContain('says version 0.5.35')
    expect(rowsOf(ran)[0]).toMatchObject({ backup: null })
  })

  test('does nothing when the registry has nothing newer', async () => {
    const ran = await world({}).run(...apply, '--yes')
    expect(ran).toMatchObject({ code: 0, ...nothing })
    expect(rowsOf(ran)[0]).toMatchObject({ changed: false, outageMs: null, backup: null })
  })

  test('pulls when nobody can tell whether there is something newer', async () => {
    const ran = await world({ remote: { error: 'dial tcp: connection refused' } }).run(...apply, '--yes')
    expect(ran.hostSteps[1]).toBe('docker pull reg.test/pds:0.4')
  })

  test('holds a pin, and says how to move on', async () => {
    const image = 'reg.test/pds:0.4.5034'
    const held = await world({ ...newer, image }).run('update', 'apply', '--dry-run')
    expect(held).toMatchObject({ code: 0, ...nothing })
    expect(held.stdout + held.stderr).toContain('kimbia-ops update unpin')
    const moved = await world({ ...newer, image }).run('update', 'apply', '--to', '0.5.35', '--dry-run')
    expect(moved).toMatchObject({ code: 0, ...nothing })
    expect(moved.stdout + moved.stderr).toContain('that is a pin, which reg.test/pds:0.4.5035 replaces')
  })

  test('applies a pin that the container does not run with yet', async () => {
    const ran = await world({ ...newer, image: 'reg.test/pds:0.4.5035', madeFrom: 'reg.test/pds:0.4' }).run(
      ...apply,
      '--yes',
    )
    expect(ran.hostSteps[1]).toBe('docker pull reg.test/pds:0.4.5035')
    expect(
      ran.hostSteps.filter((step) => step.startsWith('write') || step.startsWith('docker inspect')),
    ).toEqual([
      'write /pds/compose.yaml: - image: reg.test/pds:0.4.5035; + image: reg.test/pds:0.4',
      expect.stringMatching(/^docker inspect/),
      'write /pds/compose.yaml: - image: reg.test/pds:0.4; + image: reg.test/pds:0.4.5035',
    ])
  })

  test('warns of settings that were never applied, and of Watchtower', async () => {
    const host = { ...newer, watchtower: 'runs', env: ['PDS_HOSTNAME=other.test'] } as const
    const ran = await world(host).run('update', 'apply', '--yes')
    expect(ran.stderr).toMatch(/also applies what was edited but never applied.*PDS_HOSTNAME/)
    expect(ran.stderr).toMatch(/Watchtower updates the PDS too.*@midnight/)
    expect(ran.stderr + ran.stdout).not.toContain('admin-password')
  })

  test('is declined', async () => {
    const ran = await world().run(...apply)
    expect(ran).toMatchObject({ code: 4, ...nothing })
  })

  test('tells what failed when the host went back', async () => {
    const fault = { code: 'restarted', message: 'the container restarted' }
    const ran = await world(newer, { hostChanges: { faults: { 6: fault } } }).run(...apply, '--yes')
    expect(ran.code).toBe(1)
    expect(errorOf(ran)).toMatchObject({ code: 'restarted' })
    expect(errorOf(ran).message).toContain(place)
  })
})

describe('what is pinned by digest', () => {
  test.each<[string, string]>([
    ['a tag and a digest', `reg.test/pds:0.4.5034@${digest('2')}`],
    ['a digest alone', `reg.test/pds@${digest('2')}`],
  ])('stays so, by the digest that the registry gives: %s', async (_name, image) => {
    const ran = await world({ ...newer, image }).run('update', 'apply', '--to', '0.5.35', '--yes', '--json')
    expect(ran.code, ran.stderr).toBe(0)
    const to = `reg.test/pds:0.4.5035@${digest('3')}`
    expect(rowsOf(ran)).toMatchObject([{ image: to }])
    expect(ran.hostSteps).toContain(`docker pull ${to}`)
    expect(ran.hostSteps).toContain(`write /pds/compose.yaml: - image: ${image}; + image: ${to}`)
  })

  test('is left alone where the digest is not told', async () => {
    const host = { image: `reg.test/pds:0.4.5034@${digest('2')}`, remote: { error: 'dial tcp: refused' } }
    const ran = await world(host).run('update', 'apply', '--to', '0.5.35', '--yes', '--json')
    expect(ran).toMatchObject({ code: 1, ...nothing })
    expect(errorOf(ran)).toMatchObject({ code: 'digest-unknown', hint: expect.stringContaining('sha256:') })
  })
})

describe('an image that is put together in the compose file', () => {
  const compose = 'services:\n  pds:\n    image: reg.test/pds:$TAG\n    env_file: [/pds/pds.env]\n'

  test('is pulled again where its tag has moved: nothing has to be edited', async () => {
    const ran = await world({ ...newer, compose, taken: 'reg.test/pds:0.4' }).run(...apply, '--yes')
    expect(ran.code, ran.stderr).toBe(0)
    expect(ran.hostSteps).toContain('docker pull reg.test/pds:0.4')
    expect(ran.hostSteps.filter((step) => step.startsWith('write '))).toEqual([])
  })

  test('is refused where another would have to be named, with what to edit', async () => {
    const ran = await world({ ...newer, compose, taken: 'reg.test/pds:0.4' }).run(
      ...['update', 'apply', '--to', '0.5.35', '--yes', '--json'],
    )
    expect(ran).toMatchObject({ code: 1, ...nothing })
    expect(errorOf(ran)).toMatchObject({ code: 'image-elsewhere', hint: expect.stringContaining('edit TAG') })
  })
})

describe('nothing is begun when', () => {
  test.each<[string, Updatable, string, number]>([
    ['the registry has no such image', { remote: { error: 'no such manifest: x' } }, 'image-not-found', 1],
    ['the copies do not fit', { ...newer, free: 2000 }, 'disk-full', 1],
    ['there is no container', { container: 'none' }, 'no-container', 1],
    ['the image is built', { compose: 'services:\n  pds:\n    build: .\n', taken: '' }, 'image-elsewhere', 1],
    [
      'the databases lie within the container',
      { ...newer, env: ['PDS_DATA_DIRECTORY=/data'] },
      'data-not-kept',
      1,
    ],
  ])('%s', async (_name, host, code, exit) => {
    const ran = await world(host).run(...apply, '--yes')
    expect(ran).toMatchObject({ code: exit, ...nothing })
    expect(errorOf(ran)).toMatchObject({ code, hint: expect.any(String) })
  })
})
