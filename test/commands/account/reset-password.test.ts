import { describe, expect, test } from 'vitest'
import { unreachable } from '../../../src/base/failure.ts'
import { type ScriptedPds, scriptedPds } from '../../support/scripted-pds.ts'
import { didOf } from '../../support/scripted-state.ts'
import { changedBy, errorOf, nothing, rowsOf, scriptedWorld, told } from '../../support/world.ts'
import { xrpcError } from '../../support/xrpc-error.ts'

const did = didOf('alice.test')
const named = `alice.test (${did})`
const password = expect.stringMatching(/^[\w]{6}(-[\w]{6}){3}$/)
const alice = (email: string | null = 'alice@example.com'): ScriptedPds =>
  scriptedPds({ accounts: [{ handle: 'alice.test', email }] })
const reset = ['account', 'reset-password', 'alice', '--json']
const set = (secret: unknown = password) => ({
  nsid: 'com.atproto.admin.updateAccountPassword',
  input: { did, password: secret },
})
const mail = {
  nsid: 'com.atproto.server.requestPasswordReset',
  input: { email: 'alice@example.com' },
  as: 'nobody',
}

describe('a new password', () => {
  test('is set, logs in, and is told once', async () => {
    const ran = await scriptedWorld({ pds: alice() }).run(...reset, '--yes', '--verbose')
    expect(ran).toMatchObject({ code: 0, changes: [set()] })
    const [row] = rowsOf(ran)
    expect(row).toEqual({ handle: 'alice.test', did, password, mailed: false, ...changedBy(1) })
    const secret = String(row?.password)
    expect(ran.changes).toEqual([set(secret)])
    expect(ran.stdout.split(secret)).toHaveLength(2)
    expect(JSON.stringify([ran.stderr, ran.trail, ran.progress])).not.toContain(secret)
    expect(told(ran)).toEqual([`intent ${named}`, `ok ${named}`])
    expect(ran.trail[0]?.steps).toEqual([
      `POST com.atproto.admin.updateAccountPassword {"did":"${did}","password":"‹secret›"}`,
    ])
    expect(ran.happened.slice(-4)).toEqual(['change updateAccountPassword', 'log in', 'outcome ok', 'stdout'])
    expect(ran.stderr).toContain('app passwords and OAuth sessions of the account still work')
  })

  test('comes from standard input, and is told nowhere', async () => {
    const world = scriptedWorld({ pds: alice(), stdin: 'correct horse\n' })
    const ran = await world.run(...reset, '--password-stdin', '--yes')
    expect(ran).toMatchObject({ code: 0, changes: [set('correct horse')] })
    expect(rowsOf(ran)).toMatchObject([{ password: null, changed: true }])
    expect(JSON.stringify([ran.stdout, ran.stderr, ran.trail])).not.toContain('correct horse')
  })

  test('of a taken-down account is proven too', async () => {
    const pds = scriptedPds({ accounts: [{ handle: 'alice.test', status: 'takendown' }] })
    expect(await scriptedWorld({ pds }).run(...reset, '--yes')).toMatchObject({ code: 0 })
  })

  test('twice is two passwords', async () => {
    const world = scriptedWorld({ pds: alice() })
    const [first, second] = [await world.run(...reset, '-y'), await world.run(...reset, '-y')]
    expect(rowsOf(first)[0]?.password).not.toBe(rowsOf(second)[0]?.password)
  })

  test('a dry run makes none', async () => {
    const ran = await scriptedWorld({ pds: alice() }).run(...reset, '--dry-run')
    expect(ran).toMatchObject({ code: 0, stderr: '', ...nothing })
    const does = `POST com.atproto.admin.updateAccountPassword {"did":"${did}","password":"‹secret›"}`
    expect(rowsOf(ran)).toMatchObject([{ subject: named, steps: [{ does }] }])
    expect(ran.stdout).not.toMatch(/\w{6}-\w{6}-\w{6}/)
  })

  test.each([
    ['says no', { interactive: true, answers: ['n'] }, [`y/N Reset the password of ${named}?`]],
    ['is not there', {}, []],
  ])('the operator %s', async (_, terminal, asked) => {
    const ran = await scriptedWorld({ pds: alice(), terminal }).run(...reset)
    expect(ran).toMatchObject({ code: 4, stdout: '', asked, ...nothing })
  })

  test('fails: it is not told', async () => {
    const pds = alice()
    pds.faults.push({ change: 1, failure: xrpcError('InvalidRequest', 'no') })
    const ran = await scriptedWorld({ pds }).run(...reset, '--yes')
    expect(ran).toMatchObject({ code: 1, stdout: '', changes: [set()] })
    expect(told(ran)[1]).toMatch(/^failed alice\.test/)
  })

  test('that does not log in is shown, but not told as set', async () => {
    const ran = await scriptedWorld({ pds: alice(), between: async () => undefined }).run(...reset, '--yes')
    expect(ran.code).toBe(6)
    expect(rowsOf(ran)).toMatchObject([{ handle: 'alice.test', password: expect.any(String) }])
    expect(errorOf(ran)).toMatchObject({ code: 'not-proven' })
    expect(errorOf(ran).message).toContain('a login with the new password is refused')
    expect(told(ran)[1]).toMatch(/^partial .*: not-proven: /)
  })

  test('that cannot be tried stands', async () => {
    const pds = alice()
    pds.accepts = () => Promise.reject(unreachable('link-lost', 'gone'))
    const ran = await scriptedWorld({ pds }).run(...reset, '--yes')
    expect(ran.code).toBe(6)
    expect(rowsOf(ran)).toMatchObject([{ handle: 'alice.test', password: expect.any(String) }])
    expect(told(ran)[1]).toMatch(/^partial .*: link-lost: it was accepted, but could not be read back/)
  })
})

describe('a mail', () => {
  test('is asked for', async () => {
    const ran = await scriptedWorld({ pds: alice() }).run(...reset, '--send-mail', '--yes')
    expect(ran).toMatchObject({ code: 0, changes: [mail] })
    expect(rowsOf(ran)).toEqual([
      { handle: 'alice.test', did, password: null, mailed: true, ...changedBy(1) },
    ])
    expect(told(ran)).toEqual([`intent ${named}`, `ok ${named}`])
  })

  test('a dry run asks for none', async () => {
    const ran = await scriptedWorld({ pds: alice() }).run(...reset, '--send-mail', '--dry-run')
    expect(ran).toMatchObject({ code: 0, ...nothing })
    const does = 'POST com.atproto.server.requestPasswordReset {"email":"alice@example.com"}'
    expect(rowsOf(ran)).toMatchObject([{ steps: [{ does }] }])
  })

  test('is refused', async () => {
    const pds = alice()
    pds.faults.push({ change: 1, failure: xrpcError('InternalServerError', 'no mail', 500) })
    const ran = await scriptedWorld({ pds }).run(...reset, '--send-mail', '--yes')
    expect(ran).toMatchObject({ code: 1, stdout: '', changes: [mail] })
  })

  test.each([
    ['there is no address', null, ['--send-mail'], 1, 'no-email'],
    ['a password is given too', 'a@example.com', ['--send-mail', '--password-stdin'], 2, 'usage'],
  ])('not when %s', async (_, email, flags, code, word) => {
    const ran = await scriptedWorld({ pds: alice(email), stdin: 'correct horse\n' }).run(
      ...reset,
      ...flags,
      '-y',
    )
    expect(ran).toMatchObject({ code, stdout: '', ...nothing })
    expect(errorOf(ran)).toMatchObject({ code: word })
  })
})
