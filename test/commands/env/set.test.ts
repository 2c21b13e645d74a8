import { describe, expect, test } from 'vitest'
import {
  changedBy,
  closingNote,
  errorOf,
  nothing,
  rowsOf,
  scriptedWorld,
  told,
  unchanged,
  type WorldScript,
} from '../../support/world.ts'
import { compose, composed, pdsEnv, recreated, runningEnv } from './composed.ts'

const set = ['env', 'set', '--json']
const facts = { version: '0.4.5001', outageMs: 2100 }
const world = (script: WorldScript = {}) =>
  scriptedWorld({ host: composed(), hostChanges: { facts }, ...script })
const row = (keys: string[], more: object = {}) => ({
  keys,
  file: '/pds/pds.env',
  applied: true,
  ...facts,
  ...changedBy(1),
  ...more,
})
const steps = (change: string, keys: readonly string[], port = 3000) => [
  expect.stringMatching(/^echo pds /),
  `write /pds/pds.env: ${change}`,
  `${compose} config --quiet`,
  recreated,
  proven(keys),
  `wait until the PDS on port ${port} answers 2 times in a row, stays up for 3 s, with the same project, data, server and accounts as before`,
]

const proven = (keys: readonly string[]) => `the container of pds has ${keys.join(' ')} as pds.env says`

describe('sets', () => {
  test.each<[string, string[], string, string[]]>([
    ['one', ['LOG_LEVEL=warn'], '- LOG_LEVEL=info; + LOG_LEVEL=warn', ['LOG_LEVEL']],
    ['a new one', ['PDS_DEV_MODE=false'], '+ PDS_DEV_MODE=false', ['PDS_DEV_MODE']],
    [
      'several',
      ['LOG_LEVEL=warn', 'PDS_INVITE_REQUIRED=true'],
      '- PDS_INVITE_REQUIRED=false; + PDS_INVITE_REQUIRED=true; - LOG_LEVEL=info; + LOG_LEVEL=warn',
      ['LOG_LEVEL', 'PDS_INVITE_REQUIRED'],
    ],
  ])('%s', async (_, words, change, keys) => {
    const ran = await world().run(...set, ...words, '--yes')
    expect(ran).toMatchObject({ code: 0, stderr: closingNote(1) })
    expect(rowsOf(ran)).toEqual([row(keys)])
    expect(ran.hostSteps).toEqual(steps(change, keys))
    expect(told(ran)[1]).toMatch(/^ok /)
  })

  test('a secret from standard input, seen nowhere', async () => {
    const ran = await world({ stdin: 'new-hush\nrest' }).run(
      ...set,
      'PDS_RATE_LIMIT_BYPASS_KEY',
      '--stdin',
      '-y',
    )
    expect(ran.code).toBe(0)
    expect(ran.hostSteps).toEqual(
      steps('+ PDS_RATE_LIMIT_BYPASS_KEY=‹secret, new›', ['PDS_RATE_LIMIT_BYPASS_KEY']),
    )
    expect(JSON.stringify(ran)).not.toContain('new-hush')
  })

  test('lines from standard input', async () => {
    const ran = await world({ stdin: '# why\n\nLOG_LEVEL=warn\r\nPDS_DEV_MODE=false\n' }).run(
      ...set,
      '-',
      '-y',
    )
    expect(rowsOf(ran)).toEqual([row(['LOG_LEVEL', 'PDS_DEV_MODE'])])
  })

  test('the file alone', async () => {
    const ran = await world().run(...set, 'LOG_LEVEL=warn', '--no-apply', '--yes')
    expect(ran.hostSteps).toEqual([steps('- LOG_LEVEL=info; + LOG_LEVEL=warn', [])[1]])
    expect(rowsOf(ran)).toEqual([row(['LOG_LEVEL'], { applied: false, version: null, outageMs: null })])
    expect(ran.stderr).toContain('the PDS still runs with what it had')
  })

  test('the port: the new one is waited for', async () => {
    const ran = await world().run(...set, 'PDS_PORT=3001', '--yes')
    expect(ran.hostSteps).toEqual(steps('- PDS_PORT=3000; + PDS_PORT=3001', ['PDS_PORT'], 3001))
  })

  test('what stood twice, once, and says so', async () => {
    const host = composed({ text: `${pdsEnv}LOG_LEVEL=debug\n` })
    const ran = await scriptedWorld({ host, hostChanges: { facts } }).run(
      'env',
      'set',
      'LOG_LEVEL=warn',
      '-y',
    )
    expect(ran.stderr).toContain(
      'LOG_LEVEL stood several times: it is left on line 11, and taken out of line 12',
    )
  })

  test('with longer to settle', async () => {
    const ran = await world().run(...set, 'LOG_LEVEL=warn', '--settle', '20s', '--yes')
    expect(ran.hostSteps.at(-1)).toContain('stays up for 20 s')
  })

  test('in quotes where asked to, with a warning', async () => {
    const ran = await world().run('env', 'set', 'PDS_SERVICE_NAME=My PDS', '--quote', '--yes')
    expect(ran.code).toBe(0)
    expect(ran.stderr).toContain(
      'PDS_SERVICE_NAME is put in quotes, which goat takes for a part of the value',
    )
  })
})

describe('nothing', () => {
  test('when it is so already', async () => {
    const ran = await world().run(...set, 'LOG_LEVEL=info')
    expect(ran).toMatchObject({ code: 0, asked: [], ...nothing })
    expect(rowsOf(ran)).toEqual([row(['LOG_LEVEL'], { version: null, outageMs: null, ...unchanged })])
  })

  test('in a dry run', async () => {
    const ran = await world().run(...set, 'LOG_LEVEL=warn', '--dry-run')
    expect(ran).toMatchObject({ code: 0, stderr: '', ...nothing })
    expect(ran.stdout).toContain('- LOG_LEVEL=info; + LOG_LEVEL=warn')
  })

  test('before the changes were shown', async () => {
    const ran = await world({ terminal: { interactive: true, answers: ['n'] } }).run(
      ...['env', 'set', 'LOG_LEVEL=warn'],
    )
    expect(ran.stderr).toContain('  - LOG_LEVEL=info\n  + LOG_LEVEL=warn\n')
  })

  test.each([
    ['says no', { interactive: true, answers: ['n'] }],
    ['is not there', {}],
  ])('when the operator %s', async (_, terminal) => {
    const ran = await world({ terminal }).run(...set, 'LOG_LEVEL=warn')
    expect(ran).toMatchObject({ code: 4, stdout: '', ...nothing })
  })

  test.each<[string, string[], string, string]>([
    ['a secret on the command line', ['PDS_JWT_SECRET=hush'], 'secret-in-argv', '--stdin'],
    ['a password in an address', ['PDS_EMAIL_SMTP_URL=smtp://a:hush@b'], 'secret-in-argv', '--stdin'],
    ['an unknown name', ['PDS_INVITE_REQIURED=true'], 'unknown-setting', 'did you mean PDS_INVITE_REQUIRED?'],
    ['no value', ['LOG_LEVEL'], 'usage', 'LOG_LEVEL=VALUE'],
    ['nothing', [], 'usage', 'KEY=VALUE'],
    ['twice the same', ['LOG_LEVEL=a', 'LOG_LEVEL=b'], 'usage', ''],
    ['a space', ['PDS_SERVICE_NAME=My PDS'], 'env-value', '--quote'],
    ['a value that is none', ['PDS_RATE_LIMITS_ENABLED=yes'], 'setting-invalid', '--force'],
    ['half of a pair', ['PDS_EMAIL_FROM_ADDRESS=a@b.c'], 'setting-invalid', 'set both or none'],
  ])('when given %s', async (_, words, code, hint) => {
    const ran = await world().run(...set, ...words, '--yes')
    expect(ran).toMatchObject({ code: 2, stdout: '', ...nothing })
    expect(errorOf(ran)).toMatchObject({ code })
    expect(errorOf(ran).hint ?? '').toContain(hint)
    expect(ran.stderr).not.toContain('hush')
  })

  test('when the host has no docker, but the file can be written', async () => {
    const host = composed({ docker: 'none' })
    const ran = await world({ host }).run(...set, 'LOG_LEVEL=warn', '--yes')
    expect(ran).toMatchObject({ code: 5, ...nothing })
    expect(errorOf(ran)).toMatchObject({ code: 'no-docker' })
    const alone = await world({ host }).run(...set, 'LOG_LEVEL=warn', '--yes', '--no-apply')
    expect(alone.code).toBe(0)
  })
})

test('what is wrong can be forced', async () => {
  const ran = await world().run(
    ...set,
    'PDS_RATE_LIMITS_ENABLED=yes',
    'MY_OWN=1',
    '--unknown',
    '--force',
    '-y',
  )
  expect(rowsOf(ran)).toEqual([row(['PDS_RATE_LIMITS_ENABLED', 'MY_OWN'])])
})

test.each([
  ['the PDS runs with another value', composed({ env: runningEnv.filter((it) => !it.startsWith('LOG_L')) })],
  ['the PDS does not run', composed({ state: 'exited' })],
])('applies what is written already when %s', async (_, host) => {
  const ran = await world({ host }).run(...set, 'LOG_LEVEL=info', '--yes')
  const [note, , , up, has, wait] = steps('', ['LOG_LEVEL'])
  expect(ran.hostSteps).toEqual([note, up, has, wait])
  expect(rowsOf(ran)).toEqual([row(['LOG_LEVEL'])])
})

describe('what cannot be made good', () => {
  const dangerous = ['env', 'set', 'PDS_HOSTNAME=other.test']

  test('is warned of, and --yes is not enough', async () => {
    const ran = await world({ terminal: { interactive: true, answers: ['no', ''] } }).run(...dangerous, '--yes')
    expect(ran).toMatchObject({ code: 4, ...nothing })
    expect(ran.stderr).toContain('lost to the network')
  })

  test('is done when the name of the host is typed', async () => {
    const ran = await world().run(...dangerous, '--confirm', 'kimbia')
    expect(ran.code).toBe(0)
  })

  test('a new admin password is only warned of', async () => {
    const ran = await world({ stdin: 'hush\n' }).run('env', 'set', 'PDS_ADMIN_PASSWORD', '--stdin', '--yes')
    expect(ran.code).toBe(0)
    expect(ran.stderr).toContain('whoever uses the old one is locked out')
    expect(ran.stderr).not.toContain('hush')
  })
})

test.each([
  [1, 'changed-meanwhile', 1],
  [2, 'exit-code', 2],
  [4, 'exit-code', 4],
  [5, 'not-healthy', 5],
])('fails at step %d: all is put back, last first', async (index, code) => {
  const faults = { [index]: { code, message: 'it did not work' } }
  const ran = await world({ hostChanges: { faults } }).run(...set, 'LOG_LEVEL=warn', '--yes')
  expect(ran).toMatchObject({ code: 1, stdout: '' })
  const done = ran.hostSteps.filter((it) => !it.startsWith('undo '))
  expect(done).toHaveLength(index + 1)
  expect(ran.hostSteps.slice(index + 1)).toEqual(done.toReversed().map((it) => `undo ${it}`))
  expect(told(ran)[1]).toMatch(/^failed /)
})

describe('env unset', () => {
  test('takes a setting out', async () => {
    const ran = await world().run('env', 'unset', '--json', 'LOG_LEVEL', '--yes')
    expect(ran.hostSteps).toEqual(steps('- LOG_LEVEL=info', ['LOG_LEVEL']))
    expect(rowsOf(ran)).toEqual([row(['LOG_LEVEL'])])
  })

  test('does nothing where it is not, and says so', async () => {
    const ran = await world().run('env', 'unset', 'LOG_LEVLE')
    expect(ran).toMatchObject({ code: 0, ...nothing })
    expect(ran.stderr).toContain('LOG_LEVLE is not in pds.env; did you mean LOG_LEVEL?')
  })

  test('refuses what the PDS does not start without', async () => {
    const ran = await world().run('env', 'unset', '--json', 'PDS_JWT_SECRET', '--yes')
    expect(ran).toMatchObject({ code: 2, ...nothing })
    expect(errorOf(ran)).toMatchObject({ code: 'setting-invalid' })
  })

  test('needs a name', async () => {
    expect(await world().run('env', 'unset')).toMatchObject({ code: 2, ...nothing })
  })
})
