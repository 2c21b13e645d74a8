import { describe, expect, test } from 'vitest'
import { type ScriptedPds, scriptedPds } from '../../support/scripted-pds.ts'
import { didOf } from '../../support/scripted-state.ts'
import { errorOf, nothing, scriptedWorld } from '../../support/world.ts'

const pds = (): ScriptedPds =>
  scriptedPds({
    accounts: [{ handle: 'alice.test' }, { handle: 'twin.one' }, { handle: 'twin.two', status: 'takendown' }],
    invites: [{ code: 'code-1' }],
    domains: ['.test', '.one', '.two'],
    elsewhere: { 'moved.example': 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' },
  })

/** Every command that changes an account, or something of it. */
const verbs = [
  ['account takedown', []],
  ['account restore', []],
  ['account update', ['--email', 'new@example.com']],
  ['account reset-password', []],
  ['account reset-password', ['--send-mail']],
  ['account delete', []],
  ['invite create', ['--for']],
  ['invite disable', ['--for']],
] as const

const line = (verb: string, flags: readonly string[], account: string): string[] =>
  flags[0] === '--for' ? [...verb.split(' '), '--for', account] : [...verb.split(' '), account, ...flags]

describe.each(verbs)('%s %j', (verb, flags) => {
  const terminal = { interactive: true }

  test.each([
    ['a bare name', 'nobody', 'no account nobody on the PDS scripted.test'],
    ['a handle', 'nobody.test', 'no account nobody.test on the PDS scripted.test'],
    ['a handle of another PDS', 'moved.example', 'an account of another PDS than scripted.test'],
    ['a DID', didOf('nobody'), `no account ${didOf('nobody')} on the PDS scripted.test`],
    ['an email', 'nobody@example.com', 'no account nobody@example.com'],
    ['a profile', 'https://bsky.app/profile/nobody.test', 'no account nobody.test'],
  ])('changes nothing and asks nothing for %s that is not here', async (_, account, message) => {
    const ran = await scriptedWorld({ pds: pds(), terminal }).run(...line(verb, flags, account), '--json')
    expect(ran).toMatchObject({ code: 1, stdout: '', asked: [], ...nothing })
    expect(errorOf(ran)).toMatchObject({ code: 'account-not-found' })
    expect(errorOf(ran).message).toContain(message)
  })

  test('changes nothing when a bare name is that of several accounts', async () => {
    const ran = await scriptedWorld({ pds: pds(), terminal }).run(...line(verb, flags, 'twin'), '--json')
    expect(ran).toMatchObject({ code: 1, stdout: '', asked: [], ...nothing })
    expect(errorOf(ran)).toMatchObject({
      code: 'account-ambiguous',
      message: 'twin may be any of twin.one, twin.two',
      hint: 'give the whole handle, or the DID',
    })
  })

  test('takes no word for an account that is none', async () => {
    const ran = await scriptedWorld({ pds: pds(), terminal }).run(...line(verb, flags, 'no body'), '--json')
    expect(ran).toMatchObject({ code: 2, stdout: '', asked: [], happened: [], ...nothing })
  })
})

test('a bare name of one account on any of the domains is found', async () => {
  const ran = await scriptedWorld({ pds: pds() }).run('account', 'takedown', 'alice', '--yes')
  expect(ran.code).toBe(0)
})

test.each(['twin.two', didOf('twin.two'), 'https://bsky.app/profile/twin.two'])(
  'the whole handle or the DID is not ambiguous: %s',
  async (name) => {
    const ran = await scriptedWorld({ pds: pds() }).run('account', 'restore', name, '--yes', '--json')
    expect(ran).toMatchObject({ code: 0 })
    expect(ran.stdout).toContain(didOf('twin.two'))
  },
)
