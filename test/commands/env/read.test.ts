import { describe, expect, test } from 'vitest'
import { resolved } from '../../support/scripted-compose.ts'
import { errorOf, nothing, rowsOf, scriptedWorld } from '../../support/world.ts'
import { composed, imageEnv, pdsEnv, runningEnv } from './composed.ts'

const run = (host: ReturnType<typeof composed>, ...words: string[]) =>
  scriptedWorld({ host }).run('env', ...words)
const secrets = /hush|admin-password|abab/
const stat = (host: ReturnType<typeof composed>, mode = '600 root\n') => host.on('stat -L', mode)

describe('env list', () => {
  test('shows every setting in order, with secrets masked', async () => {
    const ran = await run(composed({ text: `${pdsEnv}LOG_LEVEL=debug\nMY_X=1\n` }), 'list', '--json')
    expect(ran).toMatchObject({ code: 0, ...nothing })
    expect(rowsOf(ran).map(({ key, value }) => `${key}=${value}`)).toEqual([
      'PDS_HOSTNAME=pds.test',
      'PDS_PORT=3000',
      'PDS_JWT_SECRET=‹secret›',
      'PDS_ADMIN_PASSWORD=‹secret›',
      'PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX=‹secret›',
      'PDS_BLOBSTORE_DISK_LOCATION=/pds/blocks',
      'PDS_INVITE_REQUIRED=false',
      'LOG_LEVEL=info',
      'LOG_LEVEL=debug',
      'MY_X=1',
    ])
    expect(rowsOf(ran)[7]).toMatchObject({ line: 11, note: 'does not count: set again on line 12' })
    expect(rowsOf(ran)[9]).toMatchObject({ note: 'not known to the PDS' })
    expect(JSON.stringify(ran)).not.toMatch(secrets)
  })

  test('shows secrets when asked to', async () => {
    const ran = await run(composed(), 'list', '--reveal')
    expect(ran.stdout).toContain('PDS_JWT_SECRET\tjwt-hush\t4\t')
  })
})

describe('env get', () => {
  test('prints the value and nothing else', async () => {
    expect(await run(composed(), 'get', 'LOG_LEVEL')).toMatchObject({ code: 0, stdout: 'info\n', stderr: '' })
    const ran = await run(composed(), 'get', 'LOG_LEVEL', '--json')
    expect(rowsOf(ran)).toEqual([{ value: 'info', key: 'LOG_LEVEL', line: 11 }])
  })

  test('a secret only when asked to', async () => {
    const ran = await run(composed(), 'get', 'PDS_JWT_SECRET', '--json')
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(errorOf(ran)).toMatchObject({ code: 'secret', hint: expect.stringContaining('--reveal') })
    expect(ran.stderr).not.toMatch(secrets)
    expect((await run(composed(), 'get', 'PDS_JWT_SECRET', '--reveal')).stdout).toBe('jwt-hush\n')
  })

  test('one that is not there', async () => {
    const ran = await run(composed(), 'get', 'LOG_LEVLE', '--json')
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(errorOf(ran)).toMatchObject({ code: 'setting-not-found', hint: 'did you mean LOG_LEVEL?' })
  })
})

describe('values made from variables', () => {
  const text = pdsEnv.replace('PDS_HOSTNAME=pds.test', `PDS_HOSTNAME=\${BASE}`)
  const answer = resolved(runningEnv, 'pds:0.4')
  const host = () => composed({ text }).on('# how compose resolves', answer)

  test('are those that compose makes of them', async () => {
    expect((await run(host(), 'get', 'PDS_HOSTNAME')).stdout).toBe('pds.test\n')
    expect(rowsOf(await run(host(), 'list', '--json'))[0]).toMatchObject({ value: 'pds.test' })
    expect(rowsOf(await run(host(), 'diff', '--json'))).toMatchObject([{ agree: true }])
  })

  test('are not told where nobody tells them', async () => {
    const refusing = () =>
      composed({ text }).on('# how compose resolves', { code: 1, stderr: 'no such file\n' })
    const got = await run(refusing(), 'get', 'PDS_HOSTNAME', '--json')
    expect(got).toMatchObject({ code: 1, stdout: '' })
    expect(errorOf(got)).toMatchObject({
      code: 'setting-unknown',
      message: expect.stringContaining('no such file'),
    })
    expect(rowsOf(await run(refusing(), 'list', '--json'))[0]).toMatchObject({
      note: 'public name; made from variables that compose does not tell',
    })
  })
})

describe('env check', () => {
  test('what compose takes from elsewhere, and no value of it', async () => {
    const own = { PDS_JWT_SECRET: 'their-hush', LOG_LEVEL: 'info' }
    const env = runningEnv.map((line) => line.replace('jwt-hush', 'their-hush'))
    const file =
      'services: {pds: {image: "pds:0.4", env_file: pds.env, environment: {PDS_JWT_SECRET: x, LOG_LEVEL: y}}}'
    const host = stat(composed({ file, env })).on('# how compose resolves', resolved(env, 'pds:0.4', { own }))
    const ran = await run(host, 'check', '--json')
    expect(ran.code).toBe(3)
    expect(rowsOf(ran)).toMatchObject([
      {
        warnings: 1,
        notes: 1,
        findings: [
          {
            line: 4,
            key: 'PDS_JWT_SECRET',
            severity: 'warning',
            problem: expect.stringContaining('/pds/compose.yaml'),
          },
          { line: 11, key: 'LOG_LEVEL', severity: 'note' },
        ],
      },
    ])
    expect(JSON.stringify(ran)).not.toMatch(secrets)
  })

  test('says that only pds.env was looked at where docker does not answer', async () => {
    const host = stat(composed()).on('# look at the containers', 'kimbia-ops:no-engine\ndenied\n')
    expect(rowsOf(await run(host, 'check', '--json'))).toMatchObject([
      { ok: true, notes: 1, findings: [{ problem: expect.stringContaining('denied') }] },
    ])
    expect(rowsOf(await run(stat(composed({ docker: 'none' })), 'check', '--json'))).toMatchObject([
      { notes: 0 },
    ])
  })

  test('finds nothing', async () => {
    const ran = await run(stat(composed()), 'check', '--json')
    expect(ran).toMatchObject({ code: 0, stderr: '', ...nothing })
    expect(rowsOf(ran)).toEqual([{ ok: true, errors: 0, warnings: 0, notes: 0, findings: [] }])
  })

  test('ends with 0 when there are only notes', async () => {
    const ran = await run(stat(composed({ text: `${pdsEnv}AWS_REGION=x\n` }), '400 ops\n'), 'check', '--json')
    expect(ran.code).toBe(0)
    expect(rowsOf(ran)).toMatchObject([{ ok: true, errors: 0, warnings: 0, notes: 2 }])
  })

  test.each([
    ['644 root\n', 'its mode is 644'],
    ['640 root\n', 'its mode is 640'],
  ])('minds who may read it: %j', async (mode, words) => {
    const ran = await run(stat(composed(), mode), 'check', '--json')
    expect(ran.code).toBe(3)
    expect(rowsOf(ran)).toMatchObject([
      { ok: false, warnings: 1, findings: [{ line: null, problem: expect.stringContaining(words) }] },
    ])
  })

  test('finds mistakes, without a secret', async () => {
    const text = `${pdsEnv}PDS_RATE_LIMITS_ENABLED=yes\nPDS_EMAIL_SMTP_URL="smtp://a:hush@b"\n`
    const ran = await run(stat(composed({ text })), 'check')
    expect(ran.code).toBe(3)
    expect(ran.stdout).toContain('rate limits are OFF')
    expect(ran.stderr).toContain('(write true or false, in small letters)')
    expect(ran.stdout + ran.stderr).not.toMatch(secrets)
  })
})

describe('env diff', () => {
  test('agrees', async () => {
    const ran = await run(composed(), 'diff', '--json')
    expect(ran).toMatchObject({ code: 0, stderr: '', ...nothing })
    expect(rowsOf(ran)).toMatchObject([{ agree: true, container: 'pds', differences: [] }])
  })

  test('tells what was never applied, what is gone, and never a secret', async () => {
    const env = runningEnv
      .filter((line) => !line.startsWith('LOG_LEVEL'))
      .map((line) =>
        line.replace('jwt-hush', 'old-hush').replace('PDS_INVITE_REQUIRED=false', 'PDS_INVITE_REQUIRED=true'),
      )
    const ran = await run(composed({ env: [...env, 'PDS_DEV_MODE=true', 'HOME=/'] }), 'diff', '--json')
    expect(ran.code).toBe(3)
    expect(rowsOf(ran)[0]?.differences).toEqual([
      {
        key: 'PDS_JWT_SECRET',
        state: 'changed',
        lines: ['+ PDS_JWT_SECRET=‹secret, changed›'],
        setBy: null,
      },
      {
        key: 'PDS_INVITE_REQUIRED',
        state: 'changed',
        lines: ['- PDS_INVITE_REQUIRED=true', '+ PDS_INVITE_REQUIRED=false'],
        setBy: null,
      },
      { key: 'LOG_LEVEL', state: 'not applied', lines: ['+ LOG_LEVEL=info'], setBy: null },
      { key: 'PDS_DEV_MODE', state: 'no longer in pds.env', lines: ['- PDS_DEV_MODE=true'], setBy: null },
    ])
    expect(JSON.stringify(ran)).not.toMatch(secrets)
  })

  test('minds a value of the image that was overridden', async () => {
    expect(imageEnv).toContain('LOG_ENABLED=true')
    const env = runningEnv.map((line) => line.replace('LOG_ENABLED=true', 'LOG_ENABLED=false'))
    const ran = await run(composed({ env }), 'diff', '--json')
    expect(rowsOf(ran)).toMatchObject([{ differences: [{ key: 'LOG_ENABLED' }] }])
  })

  test.each([
    ['no container', 1, 'no-container'],
    ['none', 5, 'no-docker'],
  ] as const)('docker: %s', async (docker, code, word) => {
    const ran = await run(composed({ docker }), 'diff', '--json')
    expect(ran).toMatchObject({ code, stdout: '' })
    expect(errorOf(ran)).toMatchObject({ code: word })
  })
})
