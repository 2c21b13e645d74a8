import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { createAccount } from '../../rig/pds/accounts.ts'
import { type Changes, entryFor } from '../support/host-entry.ts'
import { closedPort } from '../support/relay.ts'
import { stateOf, takenDown } from '../support/rig-state.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { type Ran, row, rows, run } from './cli.ts'
import { faultOf } from './fault.ts'

let rig: RigHost
let place: Scratch
let file: string
let good: string
let did: string

beforeAll(async () => {
  ;[rig, place] = await Promise.all([startRig({ rateLimits: false }), scratch()])
  file = join(rig.pdsDir, 'pds.env')
  good = readFileSync(file, 'utf8')
  did = (await createAccount(rig, { handle: 'alice.test' })).did
})
afterAll(async () => {
  await Promise.all([rig?.stop(), place?.[Symbol.asyncDispose]()])
})

const tool = async (args: readonly string[], changes: Changes = {}): Promise<Ran> =>
  await run(rig, [...args, '--json'], { env: await entryFor(place, rig, changes) })
const list = (changes: Changes = {}) => tool(['account', 'list'], changes)
const takedown = () => tool(['account', 'takedown', 'alice.test', '--yes'])
const where = () => `${rig.ssh.user}@127.0.0.1:${rig.ssh.port}`

describe('pds.env', () => {
  afterEach(() => {
    for (const one of [file, join(rig.pdsDir, 'kimbia-ops')]) rmSync(one, { recursive: true, force: true })
    writeFileSync(file, good, { mode: 0o600 })
  })

  const right = () => `PDS_ADMIN_PASSWORD=${rig.adminPassword}`
  test.each([
    ['in single quotes', () => `PDS_ADMIN_PASSWORD='${rig.adminPassword}'\n`],
    ['in double quotes', () => `PDS_ADMIN_PASSWORD="${rig.adminPassword}"\n`],
    ['with the line ends of Windows', () => `PDS_HOSTNAME=localhost\r\n${right()}\r\n`],
    ['with comments, before and behind', () => `# PDS_ADMIN_PASSWORD=old\n\n${right()} # since May\n`],
    ['with export', () => `export ${right()}\n`],
    ['twice, of which the last holds', () => `PDS_ADMIN_PASSWORD=old\n${right()}\n`],
    ['behind a byte order mark', () => `\uFEFF${right()}\n`],
    ['without an end of the line', () => right()],
    ['with blanks about it', () => `  PDS_ADMIN_PASSWORD =  ${rig.adminPassword}  \n`],
    ['made of another setting', () => `SECRET=${rig.adminPassword}\nPDS_ADMIN_PASSWORD=\${SECRET}\n`],
    ['as YAML would have it', () => `PDS_ADMIN_PASSWORD: ${rig.adminPassword}\n`],
  ])('the password %s is what compose reads', async (_, text) => {
    writeFileSync(file, text())
    // Asked as the admin, so that a wrong password would be refused.
    expect(row(await tool(['account', 'info', 'alice.test']))).toMatchObject({ did })
  })

  test.each([
    ['is empty', '', 'pds-env-empty'],
    ['has blank lines only', ' \r\n\n', 'pds-env-empty'],
    ['sets no password', 'PDS_HOSTNAME=localhost\n', 'admin-password-missing'],
    ['sets an empty password', 'PDS_ADMIN_PASSWORD=\n', 'admin-password-missing'],
    ['leaves a quote open', 'PDS_HOSTNAME=localhost\nPDS_ADMIN_PASSWORD="s3cret\n', 'pds-env-invalid'],
    ['has what is no setting', 'PDS_ADMIN_PASSWORD=s3cret\n<<<<<<< HEAD\n', 'pds-env-invalid'],
  ])('%s', async (_, text, code) => {
    writeFileSync(file, text)
    const { message } = faultOf(await list(), 5, code)
    expect(message).toContain(`${where()}:${file}`)
    if (code === 'pds-env-invalid') expect(message).toContain(`${file}:2: `)
    expect(message).not.toContain('s3cret')
  })

  test.each([
    ['names a port that is none', () => good.replace(/^PDS_PORT=.*$/m, 'PDS_PORT=   # 3000')],
    ['sets no password', () => good.replace(/^PDS_ADMIN_PASSWORD=.*\n/m, '')],
  ])('%s: its settings are told and mended all the same', async (_, text) => {
    writeFileSync(file, text())
    expect(await tool(['env', 'check'])).toMatchObject({ code: 3 })
    expect(rows(await tool(['env', 'list']))).toContainEqual(expect.objectContaining({ key: 'PDS_HOSTNAME' }))
    expect(row(await tool(['env', 'get', 'PDS_HOSTNAME']))).toMatchObject({ value: 'localhost' })
    const port = /^PDS_PORT=(.*)$/m.exec(good)?.[1] ?? ''
    const ran = await run(rig, ['env', 'set', '-', '--no-apply', '--yes'], {
      stdin: `PDS_PORT=${port}\nPDS_ADMIN_PASSWORD=${rig.adminPassword}\n`,
      env: await entryFor(place, rig, {}),
    })
    expect(ran.code, ran.stderr).toBe(0)
    expect(await list()).toMatchObject({ code: 0 })
  })

  test('names a port that is none; one in the config comes first', async () => {
    writeFileSync(file, good.replace(/^PDS_PORT=.*$/m, 'PDS_PORT=http'))
    const { message, hint } = faultOf(await list({ port: undefined }), 5, 'pds-port-invalid')
    expect(message).toContain(`${file}: PDS_PORT is not a port number`)
    expect(hint).toContain('“port:”')
    expect(await list()).toMatchObject({ code: 0 })
  })

  test('names a port on which nobody listens', async () => {
    const port = await closedPort()
    writeFileSync(file, good.replace(/^PDS_PORT=.*$/m, `PDS_PORT=${port}`))
    const { message } = faultOf(await list({ port: undefined }), 5, 'tunnel-refused')
    expect(message).toContain(`nothing listens on 127.0.0.1:${port} (on ${where()})`)
  })

  test('is missing, a directory, or its own directory is not there', async () => {
    rmSync(file)
    const gone = faultOf(await list(), 5, 'pds-env-missing')
    expect(gone.message).toBe(`${where()} has no ${file}`)
    expect(gone.hint).toContain('“dir:”')
    mkdirSync(file)
    expect(faultOf(await list(), 5, 'pds-env-not-a-file').message).toContain(`${file} is not a regular file`)
    const nowhere = join(rig.dir, 'nowhere')
    const away = faultOf(await list({ dir: nowhere }), 5, 'pds-dir-missing')
    expect(away.message).toBe(`${where()} has no directory ${nowhere}`)
  })

  test('has another password than the running PDS: refused, with how to go on', async () => {
    const before = stateOf(rig)
    writeFileSync(file, good.replace(/^PDS_ADMIN_PASSWORD=.*$/m, 'PDS_ADMIN_PASSWORD=n3w'))
    const { message, hint } = faultOf(await takedown(), 5, 'admin-password-refused')
    expect(message).toContain('refuses the admin password of pds.env')
    expect(message).not.toContain('n3w')
    expect(hint).toContain('restart')
    expect(stateOf(rig)).toEqual(before)
    const health = await tool(['health'])
    const { ok, checks } = row<{ ok: boolean; checks: { name: string; status: string }[] }>(health)
    expect({ exit: health.code, ok }).toEqual({ exit: 3, ok: false })
    expect(checks.filter(({ status }) => status === 'fail').map(({ name }) => name)).toEqual(['admin'])
    // A restart of the PDS is the remedy that the hint names.
    await rig.restartPds()
    expect(row(await tool(['account', 'info', 'alice.test']))).toMatchObject({ did })
    writeFileSync(file, good)
    await rig.restartPds()
  })
})

describe('a trail that cannot be kept', () => {
  const dir = () => join(rig.pdsDir, 'kimbia-ops')
  const trail = () => join(dir(), 'trail.jsonl')
  afterEach(() => rmSync(dir(), { recursive: true, force: true }))

  test.each([
    ['is a symbolic link', () => symlinkSync(place.file('elsewhere'), trail()), 'it is a symbolic link'],
    ['is a directory', () => mkdirSync(trail()), 'it is not a regular file'],
    [
      'is in a directory that is a symbolic link',
      () => {
        rmSync(dir(), { recursive: true })
        mkdirSync(place.file('attic'), { recursive: true })
        symlinkSync(place.file('attic'), dir())
      },
      'it is a symbolic link',
    ],
    [
      'is in a directory that is a file',
      () => {
        rmSync(dir(), { recursive: true })
        writeFileSync(dir(), '')
      },
      'File exists',
    ],
  ])('since it %s: nothing is done, exit code 1', async (_, spoil, why) => {
    mkdirSync(dir(), { mode: 0o700 })
    spoil()
    const { message, hint } = faultOf(await takedown(), 1, 'trail-not-writable')
    expect(message).toContain(`${where()}:${trail()} cannot be written: `)
    expect(message).toContain(why)
    expect(hint).toContain('nothing is changed')
    expect(takenDown(rig)).toEqual([])
    const create = await tool(['account', 'create', 'bob@example.com', 'bob'])
    faultOf(create, 1, 'trail-not-writable')
    expect(stateOf(rig).accounts).not.toContain('bob.test')
    expect(readdirSync(place.dir)).not.toContain('elsewhere')
  })

  test('does not stop who only reads, or tries', async () => {
    mkdirSync(trail(), { recursive: true })
    expect(await list()).toMatchObject({ code: 0 })
    expect(await tool(['account', 'takedown', 'alice.test', '--dry-run'])).toMatchObject({ code: 0 })
  })
})
