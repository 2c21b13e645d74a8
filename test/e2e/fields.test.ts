import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { type Account, createAccount, createInvite, post } from '../../rig/pds/accounts.ts'
import { commands } from '../../src/commands/index.ts'
import { type Schema, violations } from '../support/json-schema.ts'
import { row, rows, run } from './cli.ts'
import { hostRuns } from './host-runs.ts'

let rig: RigHost
let erna: Account

beforeAll(async () => {
  rig = await startRig()
  erna = await createAccount(rig, { handle: 'erna.test', email: 'erna@example.com' })
  await post(rig, erna, 'hello')
})
afterAll(() => rig.stop())

const json = (...words: readonly string[]) => run(rig, [...words, '--json'])
const iso = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)

describe('the fields that scripts rely on', () => {
  test('of an account', async () => {
    const account = {
      did: erna.did,
      handle: 'erna.test',
      email: 'erna@example.com',
      emailConfirmedAt: null,
      status: 'active',
      createdAt: iso,
      invitedBy: 'admin',
    }
    const inviteCode = expect.any(String)
    expect(row(await json('account', 'list', '--match', 'erna.test'))).toEqual({ ...account, inviteCode })
    expect(row(await json('account', 'info', 'erna'))).toMatchObject(account)
    const made = row(await json('account', 'create', 'neu@example.com', 'neu'))
    expect(made).toMatchObject({ handle: 'neu.test', email: 'neu@example.com', password: expect.any(String) })
    await json('account', 'takedown', 'neu', '--yes')
    expect(row(await json('account', 'list', '--match', 'neu.test')).status).toBe('takendown')
  })

  test('of an invite', async () => {
    await createInvite(rig)
    for (const invite of rows(await json('invite', 'list')))
      expect(invite).toEqual({
        code: expect.any(String),
        uses: expect.any(Number),
        available: expect.any(Number),
        disabled: expect.any(Boolean),
        forAccount: 'admin',
        createdBy: 'admin',
        createdAt: iso,
        usedBy: invite.available === 0 ? [{ did: expect.stringMatching(/^did:/), usedAt: iso }] : [],
      })
  })

  test('of health', async () => {
    const ran = await json('health')
    expect(ran.code).toBe(0)
    const { checks, ...rest } = row<{ checks: unknown[] }>(ran)
    expect(rest).toEqual({ ok: true, host: 'rig', version: expect.stringMatching(/^\d+\.\d+\.\d+/) })
    expect(checks).not.toEqual([])
    for (const check of checks)
      expect(check).toEqual({
        name: expect.any(String),
        status: expect.stringMatching(/^(ok|warn|fail|skip)$/),
        summary: expect.any(String),
        ms: expect.any(Number),
      })
  })
})

/** A run of each command that has a result; `‹code›` stands for an invite code, `‹operation›` for a takedown. */
const runs: Record<string, readonly string[]> = {
  init: ['again', '--ssh', 'rig-alias'],
  hosts: [],
  'hosts default': ['rig'],
  'hosts remove': ['again', '--yes'],
  health: [],
  'account list': [],
  'account info': ['erna'],
  'account create': ['schema@example.com', 'schema'],
  'account update': ['erna', '--email', 'e@example.com', '--yes'],
  'account reset-password': ['schema', '--yes'],
  'account takedown': ['schema', '--yes'],
  'account restore': ['schema', '--yes'],
  'account delete': ['schema', '--confirm', 'schema.test'],
  'invite create': ['--count', '2'],
  'invite list': [],
  'invite info': ['‹code›'],
  'invite disable': ['‹code›', '--yes'],
  trail: [],
  undo: ['‹operation›', '--yes'],
  'xrpc get': ['com.atproto.server.describeServer'],
  'xrpc post': ['com.atproto.server.createInviteCode', '--body', '{"useCount":1}', '--yes'],
}

const takedownOf = async (account: string): Promise<string> =>
  String(row(await json('account', 'takedown', account, '--yes')).operation)

describe('what a command gives is what its schema says', () => {
  test('for every command with a result', () => {
    const names = commands
      .filter(({ kind }) => kind === 'query' || kind === 'procedure')
      .map(({ name }) => name)
    expect([...Object.keys(runs), ...Object.keys(hostRuns)].sort()).toEqual(names.toSorted())
  })

  test.each(Object.entries(runs))('%s', async (name, args) => {
    const code = await createInvite(rig)
    const more =
      name === 'init'
        ? [
            '--ssh-config',
            rig.sshConfig,
            '--identity',
            rig.ssh.identity,
            '--known-hosts',
            rig.ssh.knownHosts,
            '--dir',
            rig.pdsDir,
          ]
        : []
    const operation = name === 'undo' ? await takedownOf(erna.handle) : ''
    const words = args.map((word) => (word === '‹code›' ? code : word === '‹operation›' ? operation : word))
    const [printed, ran] = await Promise.all([
      run(rig, ['schema', ...name.split(' ')]),
      json(...name.split(' '), ...words, ...more),
    ])
    const schema = JSON.parse(printed.stdout) as { output: Schema }
    expect(ran).toMatchObject({ code: 0 })
    expect(rows(ran)).not.toEqual([])
    for (const one of rows(ran)) expect(violations(schema.output, one)).toEqual([])
  })

  test('and a wrong result would be noticed', () => {
    const schema: Schema = {
      type: 'object',
      properties: { n: { type: 'integer', minimum: 0 }, s: { anyOf: [{ enum: ['a'] }, { type: 'null' }] } },
      required: ['n', 's'],
    }
    expect(violations(schema, { n: 0, s: null })).toEqual([])
    expect(violations(schema, { n: -1, s: 'b' })).toHaveLength(2)
    expect(violations(schema, { n: 1.5 })).toHaveLength(2)
    expect(violations(schema, { n: 1, s: 'a', more: 1 })).toHaveLength(1)
    expect(violations({ type: 'array', items: { type: 'string', format: 'date-time' } }, ['x'])).toHaveLength(
      1,
    )
  })
})
