import { describe, expect, test } from 'vitest'
import { resolved } from '../support/scripted-compose.ts'
import { scriptedPds } from '../support/scripted-pds.ts'
import { errorOf, nothing, rowsOf, scriptedWorld } from '../support/world.ts'
import { rotating } from './admin-password/rotating.ts'
import { composed, composedLook, pdsEnv, runningEnv } from './env/composed.ts'
import { digest, healthy, updatable } from './update/updatable.ts'

const bad = `${pdsEnv}PDS_RATE_LIMITS_ENABLED=yes\n`
const good = pdsEnv.replace('LOG_LEVEL=info', 'LOG_LEVEL=warn')

/** A host with open signups, which close with the recreate. */
function run(host: ReturnType<typeof composed>, ...words: string[]) {
  const says = { inviteRequired: false }
  const follow = (): void => {
    says.inviteRequired = true
  }
  const pds = scriptedPds(says)
  return scriptedWorld({ pds, host, hostChanges: { carried: follow } }).run(...words)
}

const commands = [
  ['env', 'set', 'PDS_BLOB_UPLOAD_LIMIT=5000000', '--yes', '--json'],
  ['env', 'unset', 'PDS_BLOBSTORE_DISK_TMP_LOCATION', 'PDS_INVITE_REQUIRED', '--yes', '--json'],
  ['signup', 'close', '--yes', '--json'],
  ['restart', '--recreate', '--yes', '--json'],
]

describe.each(commands)('%s %s', (...words) => {
  test('refuses a bad edit that waits, unless forced', async () => {
    const ran = await run(composed({ text: bad }), ...words)
    expect(ran).toMatchObject({ code: 1, stdout: '', ...nothing })
    expect(errorOf(ran)).toMatchObject({
      code: 'bad-edit-waiting',
      message: expect.stringContaining('line 12: PDS_RATE_LIMITS_ENABLED'),
      hint: expect.stringContaining('--force'),
    })
    expect((await run(composed({ text: bad }), ...words, '--force')).code).toBe(0)
  })

  test('says what else it applies', async () => {
    const ran = await run(composed({ text: good }), ...words.filter((it) => it !== '--json'))
    expect(ran.stderr).toContain('also applies what was edited but never applied: LOG_LEVEL')
    expect(ran.code).toBe(0)
  })
})

describe('a compose file that names another image', () => {
  test.each([
    ['env', 'set', 'LOG_LEVEL=warn'],
    ['env', 'unset', 'LOG_LEVEL'],
    ['restart', '--recreate'],
  ])('%s %s is refused before anything is changed', async (...words) => {
    const ran = await run(composed({ image: 'pds:0.5' }), ...words, '--yes', '--json')
    expect(ran).toMatchObject({ code: 1, ...nothing })
    expect(errorOf(ran)).toMatchObject({
      code: 'image-differs',
      hint: expect.stringContaining('kimbia-ops update apply'),
    })
  })

  test('the file alone is written all the same', async () => {
    const words = ['env', 'set', 'LOG_LEVEL=warn', '--no-apply', '--yes']
    expect((await run(composed({ image: 'pds:0.5' }), ...words)).code).toBe(0)
  })

  test('signups are closed with the image that runs, and the file goes back last if that fails', async () => {
    const words = ['signup', 'close', '--yes']
    const ran = await run(composed({ image: 'pds:0.5' }), ...words)
    expect(ran.code, ran.stderr).toBe(0)
    expect(ran.hostSteps.slice(0, 3)).toEqual([
      'write /pds/compose.yaml: - image: pds:0.5; + image: pds:0.4',
      expect.stringMatching(/^echo pds /),
      expect.stringContaining('PDS_INVITE_REQUIRED=true'),
    ])
    expect(ran.stderr).toContain('afterwards: kimbia-ops update apply')
    const elsewhere = composed({ image: 'pds:0.5', file: 'services: {}\n' }).on(
      '# how compose resolves',
      resolved(runningEnv, 'pds:0.5'),
    )
    expect(errorOf(await run(elsewhere, ...words, '--json'))).toMatchObject({ code: 'image-differs' })
  })

  test('restart --recreate keeps the image of a tag that has moved', async () => {
    const ran = await run(composed(), 'restart', '--recreate', '--yes')
    expect(ran.code, ran.stderr).toBe(0)
    expect(ran.hostSteps[0]).toContain('docker image inspect')
    expect(ran.hostSteps[1]).toContain('config --quiet')
    expect(ran.hostSteps[2]).toContain('--force-recreate')
  })

  test('a rotation is refused', async () => {
    const world = rotating().world()
    world.host
      .on('# look at the containers', composedLook({ image: 'pds:0.5' }))
      .on('config --images', 'pds:0.5\n')
    const ran = await world.run('admin-password', 'rotate', '--yes', '--json')
    expect(ran).toMatchObject({ code: 1, ...nothing })
    expect(errorOf(ran)).toMatchObject({ code: 'image-differs' })
  })

  test('opening signups waits', async () => {
    const text = pdsEnv.replace('REQUIRED=false', 'REQUIRED=true')
    const ran = await run(composed({ text, image: 'pds:0.5' }), 'signup', 'open', '--yes', '--json')
    expect(ran).toMatchObject({ code: 1, ...nothing })
    expect(errorOf(ran)).toMatchObject({ code: 'image-differs' })
  })
})

describe('a rotation', () => {
  const container = ['PDS_ADMIN_PASSWORD=admin-password']
  const rotate = ['admin-password', 'rotate', '--yes', '--json']

  test('with nobody there is refused when edits wait', async () => {
    const ran = await rotating()
      .world(undefined, { container })
      .run(...rotate, '--if-due')
    expect(ran).toMatchObject({ code: 1, ...nothing })
    expect(errorOf(ran)).toMatchObject({ code: 'drift', message: expect.stringContaining('LOG_LEVEL') })
    expect(ran.stderr).not.toContain('jwt-hush')
  })

  test('by a person is not', async () => {
    expect(
      (
        await rotating()
          .world(undefined, { container })
          .run(...rotate)
      ).code,
    ).toBe(0)
  })
})

test.each([
  ['a rotation', ['admin-password', 'rotate', '--yes', '--json']],
  ['an update', ['update', 'apply', '--yes', '--json']],
])('%s refuses a bad edit that waits, unless forced', async (what, words) => {
  const worldOf = () => {
    if (what === 'an update') {
      const text = `PDS_HOSTNAME=pds.test\nPDS_ADMIN_PASSWORD=admin-password\nPDS_RATE_LIMITS_ENABLED=yes\n`
      const host = updatable({ remote: { id: digest('c') }, text })
      return scriptedWorld({ pds: healthy(), host, hostChanges: {} })
    }
    const it = rotating()
    it.text += 'PDS_RATE_LIMITS_ENABLED=yes\n'
    return it.world(undefined, { container: ['PDS_ADMIN_PASSWORD=admin-password'] })
  }
  const ran = await worldOf().run(...words)
  expect(ran).toMatchObject({ code: 1, ...nothing })
  expect(errorOf(ran)).toMatchObject({
    code: 'bad-edit-waiting',
    message: expect.stringContaining('PDS_RATE_LIMITS_ENABLED'),
  })
  expect((await worldOf().run(...words, '--force')).code).toBe(0)
})

describe('env unset of what is out of the file already', () => {
  const text = pdsEnv.replace('LOG_LEVEL=info\n', '')
  const unset = ['env', 'unset', 'LOG_LEVEL', '--yes', '--json']

  test('recreates where the container still has it', async () => {
    const ran = await run(composed({ text }), ...unset)
    expect(rowsOf(ran)).toMatchObject([{ applied: true, changed: true }])
    expect(ran.hostSteps.some((it) => it.includes(' up --detach '))).toBe(true)
  })

  test('does nothing where its image brings it along', async () => {
    const env = runningEnv.filter((it) => !it.startsWith('LOG_LEVEL'))
    const ran = await run(composed({ text, env }), 'env', 'unset', 'LOG_ENABLED', '--yes', '--json')
    expect(ran).toMatchObject({ code: 0, ...nothing })
    expect(rowsOf(ran)).toMatchObject([{ applied: true, changed: false }])
  })
})
