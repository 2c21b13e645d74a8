import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { docker } from '../../rig/docker/docker.ts'
import type { DockerFacts } from '../../rig/docker/docker-host.ts'
import { type RigHost, startRig } from '../../rig/host.ts'
import { withoutDocker } from '../support/local-host.ts'
import { problem, type Ran, row, rows, run } from './cli.ts'

const secret = 'quite-a-hush-hush-value'

/** Each test lays out the files anew and has compose make the container from them. */
describe.skipIf(withoutDocker)('settings that compose takes from elsewhere', { timeout: 120_000 }, () => {
  let rig: RigHost
  let facts: DockerFacts
  let first: { readonly env: string; readonly compose: string }

  beforeAll(async () => {
    rig = await startRig({ docker: {}, rateLimits: false, env: { PDS_SERVICE_NAME: 'first' } })
    facts = rig.docker as DockerFacts
    first = { env: readFileSync(path('pds.env'), 'utf8'), compose: readFileSync(facts.composeFile, 'utf8') }
  }, 300_000)
  afterAll(async () => rig?.stop(), 120_000)
  beforeEach(() => {
    for (const name of ['.env', 'common.env', 'local.env', 'compose.override.yaml'])
      rmSync(path(name), { force: true })
    put('pds.env', first.env)
    put('compose.yaml', first.compose)
  })

  const path = (name: string): string => join(rig.pdsDir, name)
  const put = (name: string, text: string): void => {
    writeFileSync(path(name), text)
    chmodSync(path(name), 0o600)
  }
  const replaced = (text: string, line: string, by: string): string => {
    expect(text).toContain(line)
    return text.replace(line, () => by)
  }
  /** The compose file with other env files and an `environment:`. */
  const composeWith = (envFiles: readonly string[], environment = ''): string =>
    replaced(
      first.compose,
      `      - ${path('pds.env')}\n`,
      `${envFiles.map((it) => `      - ${it}\n`).join('')}${environment}`,
    )
  const tool = (...args: string[]): Promise<Ran> => run(rig, [...args, '--json'])
  const running = async (key: string): Promise<string | undefined> =>
    (JSON.parse(await docker('inspect', '--format', '{{json .Config.Env}}', facts.containerName)) as string[])
      .find((it) => it.startsWith(`${key}=`))
      ?.slice(key.length + 1)
  const id = (): Promise<string> => docker('inspect', '--format', '{{.Id}}', facts.containerName)
  const standing = async () => ({ id: await id(), env: readFileSync(path('pds.env'), 'utf8') })

  test.each<[string, () => void, RegExp]>([
    [
      '“environment:”',
      () =>
        put(
          'compose.yaml',
          composeWith([path('pds.env')], '    environment:\n      PDS_SERVICE_NAME: theirs\n'),
        ),
      /“environment:” of “pds” in \S+\/compose\.yaml/,
    ],
    [
      '“environment:” in a file laid over',
      () => put('compose.override.yaml', 'services:\n  pds:\n    environment: [PDS_SERVICE_NAME=theirs]\n'),
      /“environment:” of “pds” in \S+\/compose\.override\.yaml/,
    ],
    [
      'a later env file',
      () => {
        put('local.env', 'PDS_SERVICE_NAME=theirs\n')
        put('compose.yaml', composeWith(['./pds.env', 'local.env']))
      },
      /\/local\.env/,
    ],
  ])('%s: refused before anything is done, and told by check and diff', async (_, lay, winner) => {
    lay()
    const files = existsSync(path('compose.override.yaml'))
      ? ['--file', path('compose.yaml'), '--file', path('compose.override.yaml')]
      : ['--file', path('compose.yaml')]
    await docker('compose', '--project-directory', rig.pdsDir, ...files, 'up', '--detach', '--no-deps', 'pds')
    expect(await running('PDS_SERVICE_NAME')).toBe('theirs')
    const before = await standing()
    for (const words of [
      ['set', 'PDS_SERVICE_NAME=mine'],
      ['unset', 'PDS_SERVICE_NAME'],
    ]) {
      const ran = await tool('env', ...words, '--yes')
      expect([ran.code, problem(ran).code], ran.stderr).toEqual([1, 'setting-overridden'])
      expect(problem(ran).message).toMatch(winner)
      expect(await standing()).toEqual(before)
    }
    const checked = await tool('env', 'check')
    expect(checked.code).toBe(3)
    expect(row<{ findings: object[] }>(checked).findings).toContainEqual(
      expect.objectContaining({
        key: 'PDS_SERVICE_NAME',
        severity: 'warning',
        problem: expect.stringMatching(winner),
      }),
    )
    const diff = await tool('env', 'diff')
    expect(diff.code).toBe(3)
    expect(row(diff).differences).toEqual([
      {
        key: 'PDS_SERVICE_NAME',
        state: 'overridden',
        lines: ['- PDS_SERVICE_NAME=theirs', '+ PDS_SERVICE_NAME=first'],
        setBy: expect.stringMatching(winner),
      },
    ])
    expect(row(await tool('status')).drift).toEqual([])
    // Another setting is changed all the same, and what wins stays as it is.
    const other = await tool('env', 'set', 'LOG_LEVEL=warn', '--settle', '1s', '--yes')
    expect(other.code, other.stderr).toBe(0)
    expect([await running('LOG_LEVEL'), await running('PDS_SERVICE_NAME')]).toEqual(['warn', 'theirs'])
  })

  test('an earlier env file: set wins over it, unset does not', async () => {
    put('common.env', 'PDS_SERVICE_NAME=theirs\n')
    put('compose.yaml', composeWith(['common.env', 'pds.env', '{path: missing.env, required: false}']))
    await rig.restartPds()
    const set = await tool('env', 'set', 'PDS_SERVICE_NAME=mine', '--settle', '1s', '--yes')
    expect(set.code, set.stderr).toBe(0)
    expect(await running('PDS_SERVICE_NAME')).toBe('mine')
    const unset = await tool('env', 'unset', 'PDS_SERVICE_NAME', '--settle', '1s', '--yes')
    expect([unset.code, problem(unset).code], unset.stderr).toEqual([1, 'setting-overridden'])
    expect(problem(unset).message).toContain('/common.env')
    expect(await running('PDS_SERVICE_NAME')).toBe('mine')
    expect((await tool('env', 'diff')).code).toBe(0)
  })

  test('signups and the admin password: refused before anything is done, and the file named', async () => {
    const own = `    environment:\n      PDS_INVITE_REQUIRED: "false"\n      PDS_ADMIN_PASSWORD: \${PW}\n`
    put('.env', `PW=${rig.adminPassword}\n`)
    put('compose.yaml', composeWith(['pds.env'], own))
    await rig.restartPds()
    const before = await standing()
    const closed = await tool('signup', 'close', '--yes')
    expect([closed.code, problem(closed).code], closed.stderr).toEqual([1, 'setting-overridden'])
    const rotated = await tool('admin-password', 'rotate', '--store', 'stdout', '--yes')
    expect([rotated.code, problem(rotated).code], rotated.stderr).toEqual([1, 'setting-overridden'])
    expect(problem(rotated).message).toContain('compose.yaml')
    expect(closed.stderr + rotated.stdout + rotated.stderr).not.toContain(rig.adminPassword)
    expect(await standing()).toEqual(before)
  })

  test('a pds.env that compose does not read is named', async () => {
    put('other.env', first.env)
    put('compose.yaml', composeWith(['other.env']))
    await rig.restartPds()
    const ran = await tool('env', 'set', 'PDS_SERVICE_NAME=mine', '--settle', '1s', '--yes')
    expect([ran.code, problem(ran).code], ran.stderr).toEqual([1, 'pds-env-unused'])
    expect(problem(ran).message).toContain('/other.env')
    const { findings } = row<{ findings: { severity: string; problem: string }[] }>(
      await tool('env', 'check'),
    )
    expect(
      findings.some((it) => it.severity === 'error' && it.problem.includes('nothing of it counts')),
    ).toBe(true)
    rmSync(path('other.env'))
  })

  test('what wins only since the plan was made is undone, and the file is named', async () => {
    const before = await standing().then(async () => {
      await rig.restartPds()
      return standing()
    })
    const bin = join(rig.dir, 'bin/docker')
    const plain = readFileSync(bin, 'utf8')
    // Somebody else's edit, just before compose makes the container anew.
    put('theirs.yaml', composeWith([path('pds.env')], '    environment:\n      PDS_SERVICE_NAME: theirs\n'))
    const edit = `case " $* " in *" up --detach "*) [ ! -e ${path('theirs.yaml')} ] || mv ${path('theirs.yaml')} ${path('compose.yaml')} ;; esac\n`
    writeFileSync(`${bin}.new`, plain.replace('#!/bin/sh\n', `#!/bin/sh\n${edit}`), { mode: 0o755 })
    renameSync(`${bin}.new`, bin)
    const ran = await tool('env', 'set', 'PDS_SERVICE_NAME=mine', '--settle', '1s', '--yes')
    writeFileSync(bin, plain)
    expect(ran.code, ran.stderr).toBe(1)
    expect(problem(ran).message).toContain('PDS_SERVICE_NAME')
    expect(problem(ran).message).toMatch(/compose\.yaml, line \d+/)
    expect(readFileSync(path('pds.env'), 'utf8')).toBe(before.env)
  })

  test('values made from variables are those that compose makes of them', async () => {
    put('.env', 'BASE=localhost\nHUSH=from-dot-env\n')
    put('common.env', `COMMON=shared\nPW=${secret}\n`)
    const lines = `PDS_SERVICE_NAME="the \${COMMON} one"\nPDS_HOME_URL=https://\${BASE}/\${NONE:-x}\nPDS_HCAPTCHA_TOKEN_SALT=\${PW}\n`
    put(
      'pds.env',
      replaced(
        replaced(first.env, 'PDS_HOSTNAME=localhost\n', `PDS_HOSTNAME=\${BASE}\n`),
        'PDS_SERVICE_NAME=first\n',
        lines,
      ),
    )
    put('compose.yaml', composeWith(['common.env', 'pds.env']))
    await rig.restartPds()
    for (const key of ['PDS_HOSTNAME', 'PDS_SERVICE_NAME', 'PDS_HOME_URL']) {
      const got = await tool('env', 'get', key)
      expect(got.code, got.stderr).toBe(0)
      expect(row(got).value).toBe(await running(key))
    }
    const hidden = await tool('env', 'get', 'PDS_HCAPTCHA_TOKEN_SALT')
    expect(problem(hidden).code).toBe('secret')
    const list = rows(await tool('env', 'list'))
    expect(list.find(({ key }) => key === 'PDS_HOSTNAME')).toMatchObject({ value: 'localhost' })
    const diff = await tool('env', 'diff')
    expect([diff.code, row(diff).differences], diff.stdout).toEqual([0, []])
    expect(row(await tool('status'))).toMatchObject({ drift: [], hostname: 'localhost' })
    const { checks } = row<{ checks: { name: string; status: string }[] }>(await tool('health'))
    expect(checks).toContainEqual(expect.objectContaining({ name: 'public', status: 'ok' }))

    const set = await tool('env', 'set', 'LOG_LEVEL=debug', '--settle', '1s', '--yes')
    expect(set.code, set.stderr).toBe(0)
    expect(set.stderr).not.toContain('never applied')
    const literal = await tool('env', 'set', 'PDS_SERVICE_NAME=literal', '--settle', '1s', '--yes')
    expect(literal.code, literal.stderr).toBe(0)
    expect(await running('PDS_SERVICE_NAME')).toBe('literal')
    const checked = await tool('env', 'check')
    for (const ran of [hidden, diff, set, literal, checked])
      expect(ran.stdout + ran.stderr).not.toContain(secret)
    expect(readFileSync(path('kimbia-ops/trail.jsonl'), 'utf8')).not.toContain(secret)
  })

  test.each<[string, string, string]>([
    ['another env file', '', 'common.env'],
    ['a variable of .env', `PDS_ADMIN_PASSWORD=\${PDS_ADMIN_PASSWORD}\n`, '.env'],
  ])('an admin password that comes from %s is that of the container', async (_, line, name) => {
    const own = `PDS_ADMIN_PASSWORD=${rig.adminPassword}\n`
    put('common.env', '')
    put(name, own)
    put('pds.env', replaced(first.env, own, line))
    put('compose.yaml', composeWith(['common.env', 'pds.env']))
    await rig.restartPds()
    const listed = await tool('account', 'list')
    expect(listed.code, listed.stderr).toBe(0)
    const rotated = await tool('admin-password', 'rotate', '--store', 'stdout', '--yes')
    expect([rotated.code, problem(rotated).code]).toEqual([1, 'admin-password-elsewhere'])
    const set = await tool('env', 'set', 'LOG_LEVEL=warn', '--settle', '1s', '--yes')
    expect(set.code, set.stderr).toBe(0)
    expect(await running('PDS_ADMIN_PASSWORD')).toBe(rig.adminPassword)
    expect(listed.stderr + set.stdout + set.stderr).not.toContain(rig.adminPassword)
  })

  test('the public name is that of the running PDS: localhost is not asked in its place', async () => {
    put('.env', 'BASE=pds.example\n')
    put('pds.env', replaced(first.env, 'PDS_HOSTNAME=localhost\n', `PDS_HOSTNAME=\${BASE}\n`))
    await rig.restartPds()
    const publicCheck = async () =>
      row<{ checks: { name: string; status: string; summary: string }[] }>(await tool('health')).checks.find(
        ({ name }) => name === 'public',
      )
    expect(row(await tool('status'))).toMatchObject({ hostname: 'pds.example' })
    const asked = await publicCheck()
    expect(asked?.summary).toContain('https://pds.example/')
    expect(asked?.summary).not.toContain('localhost')
    expect(asked?.status).not.toBe('ok')
    await rig.stopPds()
    expect(await publicCheck()).toMatchObject({
      status: 'skip',
      summary: expect.stringContaining('the public name is not known'),
    })
    expect(row<{ attention: unknown }>(await tool('status'))).toMatchObject({ hostname: null })
  })
})
