import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { type Account, createAccount, createInvite, setTakedown } from '../../rig/pds/accounts.ts'
import { commands } from '../../src/commands/index.ts'
import { problem, rows, run } from './cli.ts'

let rig: RigHost
let erna: Account
let down: Account
let code: string

beforeAll(async () => {
  rig = await startRig()
  erna = await createAccount(rig, { handle: 'erna.test', email: 'erna@example.com' })
  down = await createAccount(rig, { handle: 'doris.test' })
  await setTakedown(rig, down.did, true)
  code = await createInvite(rig)
})
afterAll(() => rig.stop())

/** All that there is: every table of both databases, and the config. Nothing of it may change. */
const everything = () => ({
  databases: ['account.sqlite', 'sequencer.sqlite'].map((name) =>
    execFileSync('sqlite3', ['-readonly', join(rig.pdsDir, name), '.dump'], { encoding: 'utf8' }),
  ),
  config: readFileSync(rig.configFile, 'utf8'),
  ours: existsSync(join(rig.pdsDir, 'kimbia-ops')),
})

const initArgs = () => [
  ...['--ssh', `${rig.ssh.user}@127.0.0.1:${rig.ssh.port}`, '--identity', rig.ssh.identity],
  ...['--known-hosts', rig.ssh.knownHosts, '--dir', rig.pdsDir],
]

/** Each procedure, the arguments that would have it change something, and all that it would do. */
const procedures: Record<string, [args: () => string[], steps: () => string[]]> = {
  init: [() => ['other', ...initArgs()], () => [`write ${rig.configFile} (mode 0600)`]],
  'hosts remove': [() => ['rig'], () => [`write ${rig.configFile} (mode 0600)`]],
  'account create': [
    () => ['new@example.com', 'neu'],
    () => [
      'POST com.atproto.server.createInviteCode {"useCount":1}',
      'POST com.atproto.server.createAccount {"handle":"neu.test","email":"new@example.com","password":"‹secret›","inviteCode":"‹invite.code›"}',
    ],
  ],
  'account update': [
    () => ['erna', '--email', 'e@example.com', '--handle', 'ernestine'],
    () => [
      `POST com.atproto.admin.updateAccountHandle {"did":"${erna.did}","handle":"ernestine.test"}`,
      `POST com.atproto.admin.updateAccountEmail {"account":"${erna.did}","email":"e@example.com"}`,
    ],
  ],
  'account reset-password': [
    () => ['erna'],
    () => [`POST com.atproto.admin.updateAccountPassword {"did":"${erna.did}","password":"‹secret›"}`],
  ],
  'account takedown': [
    () => ['erna', '--reason', 'ticket 42'],
    () => [
      `POST com.atproto.admin.updateSubjectStatus {"subject":{"$type":"com.atproto.admin.defs#repoRef","did":"${erna.did}"},"takedown":{"applied":true,"ref":"ticket 42"}}`,
    ],
  ],
  'account restore': [
    () => ['doris'],
    () => [
      `POST com.atproto.admin.updateSubjectStatus {"subject":{"$type":"com.atproto.admin.defs#repoRef","did":"${down.did}"},"takedown":{"applied":false}}`,
    ],
  ],
  'account delete': [() => ['erna'], () => [`POST com.atproto.admin.deleteAccount {"did":"${erna.did}"}`]],
  'invite create': [
    () => ['--uses', '5', '--for', 'erna'],
    () => [
      `POST com.atproto.server.createInviteCodes {"codeCount":1,"useCount":5,"forAccounts":["${erna.did}"]}`,
    ],
  ],
  'invite disable': [() => [code], () => [`POST com.atproto.admin.disableInviteCodes {"codes":["${code}"]}`]],
  'xrpc post': [
    () => ['com.atproto.admin.deleteAccount', '--body', `{"did":"${erna.did}"}`],
    () => [`POST com.atproto.admin.deleteAccount {"did":"${erna.did}"}`],
  ],
}

describe('a dry run', () => {
  test('is tested of every procedure', () => {
    // Those that change the host itself need one with containers: host-safety.test.ts. Of the others, one
    // writes nothing but the trail and one units of this machine's user: test/commands/admin-password; and one needs a
    // run to undo: undo.test.ts; one more needs a second host: test/commands/host-entries.
    const names = commands
      .filter((it) => it.kind === 'procedure' && !['host', 'pending change'].includes(it.on))
      .map(({ name }) => name)
    const elsewhere = ['admin-password show', 'admin-password schedule', 'hosts default', 'undo']
    expect([...Object.keys(procedures), ...elsewhere].sort()).toEqual(names.toSorted())
  })

  test.each(Object.entries(procedures))(
    'of %s shows the exact steps, without a question, and writes nothing anywhere',
    async (name, [args, steps]) => {
      const before = everything()
      expect(before.ours).toBe(false)
      const words = [...name.split(' '), ...args(), '--dry-run', '--verbose']
      const [shown, json] = await Promise.all([
        run(rig, words, { stdin: 'closed' }),
        run(rig, [...words, '--json', '--yes']),
      ])
      expect(shown.code).toBe(0)
      const does = shown.stdout.split('\n').map((line) => line.trim())
      expect(does.filter((line) => /^(POST|write) /.test(line))).toEqual(steps())
      expect(shown.stdout).toContain('nothing was changed')
      expect(json.code).toBe(0)
      expect(rows(json)).toMatchObject([
        { dryRun: true, changed: true, steps: steps().map((it) => ({ does: it, why: expect.any(String) })) },
      ])
      expect(everything()).toEqual(before)
    },
  )

  test('cannot be had of a program that is passed through, which is then not run', async () => {
    const before = everything()
    expect(await run(rig, ['--dry-run', 'goat', 'account', 'list'])).toMatchObject({ code: 2, stdout: '' })
    expect(everything()).toEqual(before)
  })
})

describe('without a person there', () => {
  const bulk = () => [code, '--yes']
  test.each<[string, () => string[], string]>([
    ['account update', procedures['account update']?.[0] as () => string[], '--yes'],
    ['account reset-password', () => ['erna'], '--yes'],
    ['account reset-password', () => ['erna', '--send-mail'], '--yes'],
    ['account takedown', () => ['erna', 'doris'], '--yes'],
    ['account restore', () => ['doris'], '--yes'],
    ['account delete', () => ['erna'], '--confirm erna.test'],
    ['account delete', () => ['erna', '--yes'], '--confirm erna.test'],
    ['account delete', () => ['erna', '--yes', '--confirm', 'ERNA.test'], '--confirm erna.test'],
    ['account delete', () => ['erna', '--confirm', ''], '--confirm erna.test'],
    ['invite disable', () => bulk().slice(0, 1), '--yes'],
    ['xrpc post', () => ['com.atproto.admin.sendEmail', '--body', '{}'], '--yes'],
    [
      'xrpc post',
      () => ['com.atproto.admin.deleteAccount', '--body', `{"did":"${erna.did}"}`, '--yes'],
      '--confirm did:plc:',
    ],
  ])('%s is declined, naming what to pass', async (name, args, option) => {
    const before = everything()
    const words = [...name.split(' '), ...args(), '--json']
    for (const ran of await Promise.all([
      run(rig, words, { stdin: 'closed' }),
      run(rig, ['--no-input', ...words], { stdin: 'y\ny\nerna.test\n' }),
    ])) {
      expect(ran).toMatchObject({ code: 4, stdout: '' })
      expect(problem(ran).code).toMatch(/^con(sent|firm)-m/)
      expect(problem(ran).hint).toContain(option)
    }
    expect(everything()).toEqual(before)
  })

  test.each<[string[], string]>([
    [['account', 'create'], '<email>'],
    [['account', 'create', 'a@example.com'], '<handle>'],
    [['account', 'create', 'a@example.com', 'anna', '--password-stdin'], 'standard input'],
    [['account', 'info'], '<account>'],
    [['account', 'update', 'erna'], '--email'],
    [['account', 'reset-password'], '<account>'],
    [['account', 'takedown', '--yes'], '--from'],
    [['account', 'restore', '--yes'], '--from'],
    [['account', 'delete', '--yes'], '<account>'],
    [['invite', 'disable', '--yes'], '--all-admin'],
    [['init'], '--ssh'],
    [['xrpc', 'get'], '<nsid>'],
    [['xrpc', 'post', '--yes'], '<nsid>'],
    [['completion'], '<shell>'],
  ])('%j lacks a value, and the message names it', async (words, name) => {
    const before = everything()
    for (const ran of await Promise.all([
      run(rig, [...words, '--json'], { stdin: 'closed' }),
      run(rig, [...words, '--json'], { env: { KIMBIA_OPS_NO_INPUT: '1' } }),
    ])) {
      expect(ran).toMatchObject({ code: 2, stdout: '' })
      expect(`${problem(ran).message} ${problem(ran).hint}`).toContain(name)
    }
    expect(everything()).toEqual(before)
  })
})
