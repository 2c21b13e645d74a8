import { describe, expect, test } from 'vitest'
import { changedBy, errorOf, nothing, rowsOf, scriptedWorld, type WorldScript } from '../../support/world.ts'
import { digest, healthy, left, type Updatable, updatable } from './updatable.ts'

const world = (host: Updatable = {}, script: WorldScript = {}) =>
  scriptedWorld({
    pds: healthy(),
    host: updatable(host),
    hostChanges: { facts: { version: '0.5.33' } },
    ...script,
  })
const update = (host: Updatable, ...words: string[]) => world(host).run('update', ...words, '--json')

describe('update check', () => {
  test.each<[string, Updatable, object]>([
    ['up to date', {}, { available: 'up to date', pinned: false, digest: digest('2'), note: null }],
    ['newer', { remote: { id: digest('d') } }, { available: 'update available', latestDigest: digest('3') }],
    ['pinned', { image: `reg.test/pds:0.4@${digest('2')}` }, { pinned: true, tag: '0.4' }],
    ['looked after', { watchtower: 'runs' }, { watchtowerUpdates: true }],
  ])('%s', async (_name, host, row) => {
    const ran = await update(host, 'check')
    expect(ran).toMatchObject({ code: 0, ...nothing })
    expect(rowsOf(ran)).toMatchObject([row])
  })

  test.each<[string, string, string]>([
    ['put together', 'image: reg.test/pds:$TAG', 'is put together'],
    ['extended', 'extends: base', 'extends another service'],
  ])('reads what compose makes of an image that is %s, and says who can change it', async (_, line, why) => {
    const compose = `services:\n  pds:\n    ${line}\n`
    const ran = await update({ compose, taken: 'reg.test/pds:0.4' }, 'check')
    expect(ran).toMatchObject({ code: 0, stderr: '', ...nothing })
    expect(rowsOf(ran)).toMatchObject([
      { image: 'reg.test/pds:0.4', available: 'up to date', note: expect.stringContaining(why) },
    ])
  })

  test('reads what runs where compose names no image', async () => {
    const ran = await update({ compose: 'services:\n  pds:\n    build: .\n', taken: '' }, 'check')
    expect(ran.code).toBe(0)
    expect(rowsOf(ran)).toMatchObject([{ image: 'reg.test/pds:0.4', note: expect.stringContaining('built') }])
  })

  test('Watchtower goes by what the container was made from, and not by a pin that is only written', async () => {
    const pin = `reg.test/pds:0.4@${digest('2')}`
    const waiting = await update({ image: pin, madeFrom: 'reg.test/pds:0.4', watchtower: 'runs' }, 'check')
    expect(rowsOf(waiting)).toMatchObject([{ pinned: true, watchtowerUpdates: true }])
    const applied = await update({ image: pin, watchtower: 'runs' }, 'check')
    expect(rowsOf(applied)).toMatchObject([{ pinned: true, watchtowerUpdates: false }])
  })

  test('a registry that does not answer leaves it unknown, says why, and is no failure', async () => {
    const ran = await update({ remote: { error: 'dial tcp: connection refused' } }, 'check')
    expect(ran.code).toBe(0)
    expect(rowsOf(ran)).toMatchObject([{ available: 'unknown', note: 'dial tcp: connection refused' }])
    expect(ran.stderr).toContain('connection refused')
  })
})

describe('update pin and unpin', () => {
  const to = `reg.test/pds:0.4@${digest('2')}`

  test('pins what runs, and touches nothing but the file', async () => {
    const ran = await update({}, 'pin', '--yes')
    expect(ran.hostSteps).toEqual([
      `write /pds/compose.yaml: - image: reg.test/pds:0.4; + image: ${to}`,
      `docker compose config --images pds: ${to}`,
    ])
    expect(rowsOf(ran)).toEqual([
      { image: to, was: 'reg.test/pds:0.4', pinned: true, file: '/pds/compose.yaml', ...changedBy(1) },
    ])
  })

  test('pins another version', async () => {
    const ran = await update({}, 'pin', '0.5.34', '--yes')
    expect(rowsOf(ran)).toMatchObject([{ image: 'reg.test/pds:0.4.5034', pinned: true }])
  })

  test('another version of what is pinned by digest is pinned by its digest', async () => {
    const ran = await update({ image: to, remote: { id: digest('d') } }, 'pin', '0.5.35', '--yes')
    expect(rowsOf(ran)).toMatchObject([{ image: `reg.test/pds:0.4.5035@${digest('3')}`, pinned: true }])
  })

  test.each(['pin', 'unpin'])(
    '%s of an image that is put together is refused, with what to edit',
    async (verb) => {
      const compose = 'services:\n  pds:\n    image: reg.test/pds:$TAG\n'
      const host = { compose, taken: 'reg.test/pds:0.5' }
      const ran = await update(host, verb, ...(verb === 'pin' ? ['0.5.35'] : []), '--yes')
      expect(ran).toMatchObject({ code: 1, ...nothing })
      expect(errorOf(ran)).toMatchObject({
        code: 'image-elsewhere',
        hint: expect.stringContaining('edit TAG'),
      })
    },
  )

  test('a tag that moves is no pin', async () => {
    const ran = await update({}, 'pin', 'latest', '--yes')
    expect(ran).toMatchObject({ code: 2, ...nothing })
  })

  test('unpins to the moving tag', async () => {
    const ran = await update({ image: to }, 'unpin', '--yes')
    expect(rowsOf(ran)).toMatchObject([{ image: 'reg.test/pds:0.4', was: to, pinned: false }])
    expect(ran.hostSteps).toHaveLength(2)
  })

  test('what is so already is left alone', async () => {
    expect(await update({ image: to }, 'pin', '--yes')).toMatchObject({ code: 0, ...nothing })
    expect(await update({}, 'unpin', '--yes')).toMatchObject({ code: 0, ...nothing })
  })

  test('are shown, and declined', async () => {
    expect(await update({}, 'pin', '--dry-run')).toMatchObject({ code: 0, ...nothing })
    expect(await update({}, 'pin')).toMatchObject({ code: 4, ...nothing })
  })
})

describe('update rollback', () => {
  const to = `reg.test/pds:0.4@${digest('1')}`

  test('goes to the image of before the last update, pinned', async () => {
    const ran = await update({ previous: [left()] }, 'rollback', '--yes')
    expect(ran.code, ran.stderr).toBe(0)
    expect(ran.hostSteps[1]).toBe(`docker pull ${to}, unless it is there`)
    expect(ran.hostSteps[3]).toBe(`write /pds/compose.yaml: - image: reg.test/pds:0.4; + image: ${to}`)
    expect(ran.hostSteps.at(-2)).toContain('says version 0.5.33')
    expect(rowsOf(ran)).toMatchObject([{ to: '0.5.33', image: to }])
  })

  test('passes over what runs now, and takes the one that was asked for', async () => {
    const previous = [left({ stamp: '20261121T100000Z', imageId: digest('b') }), left()]
    expect(rowsOf(await update({ previous }, 'rollback', '--yes'))).toMatchObject([{ image: to }])
    const pinned = left({ reference: 'reg.test/pds:0.4.5033' })
    const ran = await update(
      { previous: [left({ stamp: 'x' }), pinned] },
      'rollback',
      '--to',
      pinned.stamp,
      '-y',
    )
    expect(rowsOf(ran)).toMatchObject([{ image: 'reg.test/pds:0.4.5033' }])
  })

  test('an image that no registry knows is named as it is kept', async () => {
    const ran = await update({ previous: [left({ digest: null })] }, 'rollback', '--yes')
    expect(rowsOf(ran)).toMatchObject([{ image: left().keep }])
  })

  test('the databases are put back only when the host is typed', async () => {
    const words = ['rollback', '--restore-databases']
    expect(await update({ previous: [left()] }, ...words, '--yes')).toMatchObject({ code: 4, ...nothing })
    const ran = await update({ previous: [left()] }, ...words, '--confirm', 'kimbia')
    expect(ran.code, ran.stderr).toBe(0)
    expect(ran.hostSteps).toContainEqual(
      expect.stringMatching(
        /^stop pds and put account\.sqlite sequencer\.sqlite back from \/pds\/kimbia-ops/,
      ),
    )
  })

  test('the databases are not put back where there is no room for both', async () => {
    const host = { previous: [left()], free: 2000 }
    const ran = await update(host, 'rollback', '--restore-databases', '--confirm', 'kimbia')
    expect(ran).toMatchObject({ code: 1, ...nothing })
    expect(errorOf(ran).code).toBe('disk-full')
  })

  test.each<[string, readonly string[], readonly object[], string, number]>([
    ['nothing is remembered', [], [], 'no-previous', 1],
    ['only what runs is remembered', [], [left({ imageId: digest('b') })], 'no-previous', 1],
    ['another is asked for', ['--to', 'never'], [left()], 'no-previous', 2],
    ['no copies were taken', ['--restore-databases'], [left({ backup: null })], 'no-copies', 1],
  ])('is refused when %s', async (_name, words, previous, code, exit) => {
    const ran = await update({ previous }, 'rollback', ...words, '--yes')
    expect(ran).toMatchObject({ code: exit, ...nothing })
    expect(errorOf(ran).code).toBe(code)
  })
})
