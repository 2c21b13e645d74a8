import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { type Account, createAccount } from '../../rig/pds/accounts.ts'
import { sql, stateOf, trailOf } from '../support/rig-state.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { problem, row, rows, run } from './cli.ts'

let rig: RigHost
let place: Scratch
let erna: Account
let max: Account

beforeAll(async () => {
  ;[rig, place] = await Promise.all([startRig(), scratch()])
  erna = await createAccount(rig, { handle: 'erna.test' })
  max = await createAccount(rig, { handle: 'max.test' })
})
afterAll(async () => {
  await Promise.all([rig.stop(), place[Symbol.asyncDispose]()])
})

const get = (...args: readonly string[]) => run(rig, ['xrpc', 'get', ...args])
const post = (stdin: string, ...args: readonly string[]) => run(rig, ['xrpc', 'post', ...args], { stdin })
const accountInvites = 'com.atproto.admin.disableAccountInvites'
const invitesDisabled = ({ did }: Account): string =>
  sql(rig, `select invitesDisabled from account where did = '${did}'`)

describe('xrpc get', () => {
  test('prints what the PDS answered, and nothing else', async () => {
    const ran = await get('com.atproto.admin.getAccountInfo', `did=${erna.did}`)
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(ran.stdout)).toMatchObject({ did: erna.did, handle: 'erna.test' })
    expect((await get('com.atproto.admin.getAccountInfo', `did=${erna.did}`, '--json')).stdout).toBe(
      ran.stdout,
    )
  })

  test('takes a key several times, and a value with = in it', async () => {
    const ran = await get('com.atproto.admin.getAccountInfos', `dids=${erna.did}`, `dids=${max.did}`)
    expect((row(ran).infos as { handle: string }[]).map(({ handle }) => handle).sort()).toEqual([
      'erna.test',
      'max.test',
    ])
    const odd = await get('com.atproto.admin.getAccountInfo', 'did=a=b&c=d', '--json')
    expect(problem(odd).message).toContain('com.atproto.admin.getAccountInfo')
  })

  test('is the admin only without --anonymous', async () => {
    expect(row(await get('_health', '--anonymous'))).toEqual({ version: expect.any(String) })
    const ran = await get('com.atproto.admin.getInviteCodes', '--anonymous', '--json')
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(problem(ran).message).toMatch(/Auth/)
  })

  test('says so when the answer is not JSON, or there is no such method', async () => {
    const car = await get('com.atproto.sync.getRepo', `did=${erna.did}`, '--json')
    expect(car).toMatchObject({ code: 1, stdout: '' })
    expect(problem(car)).toMatchObject({
      code: 'not-json',
      message: expect.stringMatching(/\d+ bytes of application\/vnd\.ipld\.car/),
    })
    const none = await get('com.example.not.there', '--json')
    expect(none).toMatchObject({ code: 1, stdout: '' })
    expect(problem(none).message).toContain('com.example.not.there')
    expect(await get('not-a-name')).toMatchObject({ code: 2, stdout: '' })
    expect(await get('_health', 'no-parameter')).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('xrpc post', () => {
  test('sends the body from the command line, a file or standard input', async () => {
    const file = place.file('body.json')
    await writeFile(file, JSON.stringify({ account: erna.did }))
    const body = JSON.stringify({ account: max.did })
    const [off, on] = [accountInvites, 'com.atproto.admin.enableAccountInvites']
    expect(await post('', off, '--body', `@${file}`, '--yes', '-q')).toMatchObject({ code: 0, stderr: '' })
    expect(await post(body, off, '--body', '-', '--yes')).toMatchObject({ code: 0 })
    expect([invitesDisabled(erna), invitesDisabled(max)]).toEqual(['1', '1'])
    expect(await post('', on, '--body', body, '--yes')).toMatchObject({ code: 0, stdout: 'null\n' })
    expect([invitesDisabled(erna), invitesDisabled(max)]).toEqual(['1', '0'])
  })

  test('prints the answer, and is in the trail without its body', async () => {
    const ran = await post(
      '',
      'com.atproto.server.createInviteCode',
      '--body',
      '{"useCount":9}',
      '--yes',
      '--reason',
      'why',
    )
    expect(row<{ code: string }>(ran).code).toBe(
      sql(rig, 'select code from invite_code where availableUses = 9'),
    )
    const lines = trailOf(rig).slice(-2)
    expect(lines).toMatchObject([
      {
        command: 'xrpc post',
        event: 'intent',
        subject: 'com.atproto.server.createInviteCode',
        reason: 'why',
      },
      { event: 'outcome', outcome: 'ok' },
    ])
    expect(JSON.stringify(lines)).not.toContain('useCount')
  })

  test('that fails is a failure, and its outcome is in the trail', async () => {
    const ran = await post('', accountInvites, '--body', '{"nothing":1}', '--yes', '--json')
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(problem(ran).message).toContain(accountInvites)
    expect(trailOf(rig).at(-1)).toMatchObject({ event: 'outcome', outcome: 'failed' })
    expect(await post('', 'com.example.not.there', '--body', '{}', '--yes')).toMatchObject({ code: 1 })
    const stranger = await post(
      '',
      accountInvites,
      '--body',
      `{"account":"${max.did}"}`,
      '--anonymous',
      '--yes',
    )
    expect(stranger).toMatchObject({ code: 1, stdout: '' })
    expect(invitesDisabled(max)).toBe('0')
  })

  test.each([
    ['a body that is not JSON', '', ['--body', '{account:']],
    ['an empty body from standard input', '', ['--body', '-']],
    ['a file that is not there', '', ['--body', '@./not-there']],
    ['an empty body', '', ['--body', '']],
  ])('%s is refused before anything is sent', async (_name, stdin, args) => {
    const before = stateOf(rig)
    expect(await post(stdin, accountInvites, ...args, '--yes')).toMatchObject({ code: 2, stdout: '' })
    expect(stateOf(rig)).toEqual(before)
  })
})

test('the trail is filtered by time, subject and number', async () => {
  const run1 = (...args: readonly string[]) => run(rig, ['account', ...args, '--yes'])
  await run1('takedown', 'erna', '--reason', 'first')
  const between = new Date().toISOString()
  await run1('restore', 'erna')
  await run1('takedown', 'max')
  const told = async (...args: string[]) =>
    rows(await run(rig, ['trail', ...args, '--json'])).map(({ command, did }) => [command, did])
  const [first, second, third] = [
    ['account takedown', erna.did],
    ['account restore', erna.did],
    ['account takedown', max.did],
  ]
  expect((await told()).slice(-3)).toEqual([first, second, third])
  expect(await told('--since', between)).toEqual([second, third])
  expect((await told('--until', between)).at(-1)).toEqual(first)
  expect(await told('--subject', 'ERNA.test')).toEqual([first, second])
  expect(await told('--subject', max.did, '--limit', '1')).toEqual([third])
  const ofMax = await told('--subject', max.did)
  expect(ofMax.every(([, did]) => did === max.did)).toBe(true)
  expect(await told('--limit', '2')).toEqual([second, third])
  expect(await told('--limit', '1', '--subject', 'erna')).toEqual([second])
  expect(await told('--since', '1h', '--until', '30m')).toEqual([])
  const [line = ''] = (await run(rig, ['trail', '--limit', '3'])).stdout.split('\n')
  expect(line.split('\t').slice(2)).toEqual([
    'account takedown',
    `erna.test (${erna.did})`,
    'first',
    'ok',
    '-',
    expect.stringMatching(/^\d{8}T\d{6}Z-[0-9a-f]{4}$/),
  ])
})

test('the exit code tells the outcome', async () => {
  const code = async (...words: string[]) => (await run(rig, words)).code
  expect(await code('account', 'list')).toBe(0)
  expect(await code('account', 'info', 'nobody')).toBe(1)
  expect(await code('account', 'info')).toBe(2)
  expect(await code('account', 'takedown', 'erna')).toBe(4)
  expect(await code('account', 'restore', 'max', 'nobody', '--yes')).toBe(6)
  await rig.stopPds()
  expect(await code('health')).toBe(3)
  expect(await code('account', 'list')).toBe(5)
  await rig.startPds()
  const config = place.file('elsewhere.yaml')
  await writeFile(config, 'hosts:\n  gone: { ssh: "nobody@127.0.0.1:1" }\n')
  expect(await code('health', '--config', config)).toBe(5)
  expect(await code('account', 'list', '--config', config)).toBe(5)
})
