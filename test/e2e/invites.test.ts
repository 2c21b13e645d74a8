import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { type Account, createAccount, xrpcPost } from '../../rig/pds/accounts.ts'
import { sql, stateOf, trailOf } from '../support/rig-state.ts'
import { problem, type Ran, row, rows, run } from './cli.ts'

let rig: RigHost
let owner: Account

beforeAll(async () => {
  rig = await startRig()
  owner = await createAccount(rig, { handle: 'dora.test' })
})
afterAll(() => rig.stop())

interface Code {
  code: string
  uses: number
  available: number
  disabled: boolean
  forAccount: string
  createdBy: string
  createdAt: string
  usedBy: { did: string; usedAt: string }[]
  changed?: boolean
}

const invite = (...args: readonly string[]) => run(rig, ['invite', ...args, '--json'])
const codesOf = (ran: Ran): string[] => rows<Code>(ran).map(({ code }) => code)
const stored = (code: string): string =>
  sql(rig, `select availableUses, disabled, forAccount, createdBy from invite_code where code = '${code}'`)
const isDisabled = (code: string): boolean => stored(code).split('|')[1] === '1'

/** Makes an account with a code, past the tool. */
const useCode = (inviteCode: string, name: string) =>
  xrpcPost<{ did: string; handle: string }>(rig, 'com.atproto.server.createAccount', {
    handle: `${name}.test`,
    email: `${name}@example.com`,
    password: 'with a code',
    inviteCode,
  })

describe('invite create', () => {
  test('makes one code of one use for the admin, without a question', async () => {
    const made = await run(rig, ['invite', 'create', '--json'], { stdin: 'closed' })
    const operation = trailOf(rig).at(-1)?.operation
    expect(made).toMatchObject({ code: 0, stderr: `note: operation ${operation}\n` })
    const { code, createdAt, ...rest } = row<Code>(made)
    expect(rest).toEqual({
      uses: 1,
      available: 1,
      disabled: false,
      forAccount: 'admin',
      createdBy: 'admin',
      usedBy: [],
      changed: true,
      operation,
    })
    expect(new Date(createdAt).toISOString()).toBe(createdAt)
    expect(stored(code)).toBe('1|0|admin|admin')
    expect(trailOf(rig).slice(-2)).toMatchObject([
      { command: 'invite create', event: 'intent' },
      { command: 'invite create', event: 'outcome', outcome: 'ok' },
    ])
  })

  test.each(['--uses', '--use-count'])('%s tells how often a code may be used', async (option) => {
    const { code, uses } = row<Code>(await invite('create', option, '7'))
    expect(uses).toBe(7)
    expect(stored(code)).toBe('7|0|admin|admin')
  })

  test('--count makes that many different codes in one go, for an account and without a question', async () => {
    const made = await invite('create', '--count', '30', '--use-count', '2', '--for', 'dora')
    expect(made.code).toBe(0)
    expect(new Set(codesOf(made)).size).toBe(30)
    for (const code of codesOf(made)) expect(stored(code)).toBe(`2|0|${owner.did}|admin`)
  })

  test('makes codes that make accounts', async () => {
    const { code } = row<Code>(await invite('create'))
    await useCode(code, 'gustav')
    await expect(useCode(code, 'sven')).rejects.toThrow('InvalidInviteCode')
  })

  test.each<[string[], number, string]>([
    [['--uses', '0'], 2, '--uses'],
    [['--uses', '-1'], 2, '--uses'],
    [['--uses', '1.5'], 2, '--uses'],
    [['--count', '401'], 2, '--count'],
    [['--count', '0x10'], 2, '--count'],
    [['--uses', '2', '--use-count', '3'], 2, '--uses is given more than once'],
    [['--for', 'nobody.test'], 1, 'nobody.test'],
    [['--for', '$(id)'], 2, '--for'],
    [['one-word-too-many'], 2, 'one-word-too-many'],
  ])('%j is refused, and no code is made', async (args, code, message) => {
    const before = stateOf(rig)
    const ran = await invite('create', ...args)
    expect(ran).toMatchObject({ code, stdout: '' })
    expect(problem(ran).message).toContain(message)
    expect(stateOf(rig)).toEqual(before)
  })
})

test('invite list has every code with its state, its owner, and who used it', async () => {
  const [unused, used, exhausted, disabled, owned] = (await Promise.all([
    invite('create', '--uses', '3'),
    invite('create', '--uses', '3'),
    invite('create'),
    invite('create'),
    invite('create', '--for', owner.did),
  ]).then((all) => all.map((made) => row<Code>(made).code))) as [string, string, string, string, string]
  const first = await useCode(used, 'fritz')
  const second = await useCode(exhausted, 'olga')
  await xrpcPost(rig, 'com.atproto.admin.disableInviteCodes', { codes: [disabled] }, 'admin')

  const mine = [unused, used, exhausted, disabled, owned]
  const listed = async (...args: string[]) => rows<Code>(await invite('list', ...args))
  const all = await listed()
  const of = (code: string) => all.find((it) => it.code === code)
  expect(all).toHaveLength(Number(sql(rig, 'select count(*) from invite_code')))
  expect(of(unused)).toMatchObject({
    uses: 3,
    available: 3,
    disabled: false,
    forAccount: 'admin',
    usedBy: [],
  })
  expect(of(used)).toMatchObject({ uses: 3, available: 2, usedBy: [{ did: first.did }] })
  expect(of(exhausted)).toMatchObject({ uses: 1, available: 0, usedBy: [{ did: second.did }] })
  expect(of(disabled)).toMatchObject({ disabled: true })
  expect(of(owned)).toMatchObject({ forAccount: owner.did })
  const uses = sql(rig, 'select code, usedBy, usedAt from invite_code_use order by usedAt').split('\n')
  const shown = all.flatMap(({ code, usedBy }) => usedBy.map(({ did, usedAt }) => `${code}|${did}|${usedAt}`))
  expect(shown.sort()).toEqual(uses.sort())

  const among = async (...args: string[]) =>
    (await listed(...args))
      .map(({ code }) => code)
      .filter((code) => mine.includes(code))
      .sort()
  expect(await among('--status', 'usable')).toEqual([unused, used, owned].sort())
  expect(await among('--status', 'unused')).toEqual([unused, owned].sort())
  expect(await among('--status', 'used')).toEqual([used, exhausted].sort())
  expect(await among('--status', 'exhausted')).toEqual([exhausted])
  expect(await among('--status', 'disabled')).toEqual([disabled])
  const owners = (await listed('--for', 'dora.test')).map(({ forAccount }) => forAccount)
  expect([owners.length, ...new Set(owners)]).toEqual([31, owner.did])
  expect(await listed('--since', '2099-01-01')).toEqual([])
  expect(await invite('list', '--status', 'open')).toMatchObject({ code: 2, stdout: '' })
})

test('a code leads to its accounts, and they lead to their codes', async () => {
  const [code = ''] = codesOf(await invite('create', '--uses', '3', '--reason', 'for the meetup'))
  const [ida, ole] = [await useCode(code, 'ida'), await useCode(code, 'ole')]
  await run(rig, ['account', 'takedown', ole.did, '--yes'])
  const { usedBy, madeBy, ...rest } = row<Code & { madeBy: string }>(await invite('info', code))
  expect(rest).toMatchObject({ code, status: 'used', available: 1, reason: 'for the meetup' })
  expect(madeBy).toContain(`as ${rig.ssh.user}@`)
  const use = (who: { did: string; handle: string }, status: string) => ({
    handle: who.handle,
    did: who.did,
    status,
    usedAt: expect.any(String),
  })
  expect(usedBy).toEqual([use(ida, 'active'), use(ole, 'takendown')])
  const came = await run(rig, ['account', 'list', '--invite', code, '--json'])
  expect(rows<{ did: string }>(came).map(({ did }) => did)).toEqual([ida.did, ole.did])
  const ran = await run(rig, ['invite', 'disable', '--used-by', '-', '--yes', '--json'], {
    stdin: came.stdout,
  })
  expect(rows<Code>(ran)).toMatchObject([{ code, available: 1, disabled: true }])
  expect(stored(code)).toBe('3|1|admin|admin')
  expect(
    trailOf(rig)
      .map((entry) => JSON.stringify(entry))
      .filter((entry) => entry.includes('"invite create"') && entry.includes(code)),
  ).toEqual([])
})

describe('invite disable', () => {
  const make = async (...args: string[]) => codesOf(await invite('create', ...args))

  test('one or several by code; what is already disabled is left alone', async () => {
    const [a, b, c] = (await make('--count', '3')) as [string, string, string]
    const one = await invite('disable', a, '--yes')
    expect(row(one)).toEqual({
      code: a,
      available: 1,
      disabled: true,
      forAccount: 'admin',
      changed: true,
      operation: trailOf(rig).at(-1)?.operation,
    })
    expect([a, b, c].map(isDisabled)).toEqual([true, false, false])
    const lines = trailOf(rig).length
    const several = await invite('disable', a, b, c, b, '--yes')
    expect(
      rows<Code>(several)
        .map(({ code, changed }) => [code, changed])
        .sort(),
    ).toEqual(
      [
        [a, false],
        [b, true],
        [c, true],
      ].sort(),
    )
    expect([a, b, c].map(isDisabled)).toEqual([true, true, true])
    const none = await run(rig, ['invite', 'disable', a, b], { stdin: 'closed' })
    expect(none).toMatchObject({ code: 0, stderr: 'nothing to do\n' })
    expect(trailOf(rig)).toHaveLength(lines + 2)
  })

  test('an unknown code is an error before any is disabled', async () => {
    const [a] = (await make()) as [string]
    const before = stateOf(rig)
    const ran = await invite('disable', a, 'localhost-zzzzz-zzzzz', '$(id)', '--yes')
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(problem(ran)).toMatchObject({
      code: 'invite-not-found',
      message: expect.stringContaining('localhost-zzzzz-zzzzz, $(id)'),
    })
    expect(stateOf(rig)).toEqual(before)
  })

  test('all codes of an account, after consent', async () => {
    const friend = await createAccount(rig, { handle: 'frida.test' })
    const codes = await make('--count', '2', '--for', 'frida.test')
    const [other] = (await make()) as [string]
    const asked = await invite('disable', '--for', 'frida')
    expect(asked).toMatchObject({ code: 4, stdout: '' })
    expect(problem(asked).hint).toContain('--yes')
    expect(codes.map(isDisabled)).toEqual([false, false])
    const ran = await invite('disable', '--for', friend.did, '--yes')
    expect(codesOf(ran).sort()).toEqual(codes.toSorted())
    expect([...codes, other].map(isDisabled)).toEqual([true, true, false])
  })

  test.each([[[]], [['a-code', '--all-admin']], [['--all-admin', '--for', 'dora']]])(
    '%j is not clear, and refused',
    async (args) => {
      expect(await invite('disable', ...args, '--yes')).toMatchObject({ code: 2, stdout: '' })
    },
  )

  test('all of the admin, from every page of more than 500, only with their count', async () => {
    for (const count of ['400', '180']) expect((await make('--count', count)).length).toBe(Number(count))
    const listed = rows<Code>(await invite('list'))
    expect(new Set(listed.map(({ code }) => code)).size).toBe(listed.length)
    expect(listed).toHaveLength(Number(sql(rig, 'select count(*) from invite_code')))
    expect(listed.length).toBeGreaterThan(600)
    const times = listed.map(({ createdAt }) => createdAt)
    expect(times).toEqual(times.toSorted().reverse())

    const open = sql(rig, "select count(*) from invite_code where forAccount = 'admin' and disabled = 0")
    const [owned, before] = [
      sql(rig, `select count(*) from invite_code where forAccount = '${owner.did}' and disabled = 0`),
      stateOf(rig),
    ]
    const yes = await invite('disable', '--all-admin', '--yes')
    expect(yes).toMatchObject({ code: 4, stdout: '' })
    expect(problem(yes)).toMatchObject({
      code: 'confirm-missing',
      hint: expect.stringContaining(`--confirm ${open}`),
    })
    expect(await invite('disable', '--all-admin', '--confirm', '1')).toMatchObject({ code: 4 })
    expect(stateOf(rig)).toEqual(before)

    const ran = await invite('disable', '--all-admin', '--confirm', open)
    expect(ran.code).toBe(0)
    expect(rows<Code>(ran).filter(({ changed }) => changed)).toHaveLength(Number(open))
    expect(sql(rig, "select count(*) from invite_code where forAccount = 'admin' and disabled = 0")).toBe('0')
    expect(
      sql(rig, `select count(*) from invite_code where forAccount = '${owner.did}' and disabled = 0`),
    ).toBe(owned)
  })
})
