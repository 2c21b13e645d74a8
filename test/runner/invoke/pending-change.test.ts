import { describe, expect, test } from 'vitest'
import { Failure } from '../../../src/base/failure.ts'
import { commands } from '../../../src/commands/index.ts'
import type { Pending } from '../../../src/host/change/change.ts'
import { exitCodes } from '../../../src/runner/docs/help.ts'
import { changing, hostSteps } from '../../support/plans.ts'
import { nothing, scriptedWorld, told, type WorldScript } from '../../support/world.ts'

const holder = {
  operator: { user: 'bob', machine: 'desk', ssh: 'root@pds.test:22' },
  command: 'env set',
  reason: 'more room',
  time: '2026-11-22T17:00:00.000Z',
}
const pendingOf = (state: Pending['state'], more: Partial<Pending> = {}): Pending => ({
  state,
  holder,
  plan: {
    ...holder,
    id: 'c-1',
    title: 'set it',
    subject: 'pds.env',
    version: '1',
    steps: [{ kind: 'shell', why: 'Recreate it', does: 'up', by: 'host' }],
    after: [],
    before: [],
  },
  events: [{ kind: 'begin', index: 0 }],
  end: undefined,
  ...more,
})
const busy = (code: string) => new Failure({ outcome: 'busy', code, message: 'somebody is there' })
const person = { interactive: true, answers: ['y'] }
const run = (argv: readonly string[], more: WorldScript) =>
  scriptedWorld({ commands: changing(hostSteps), hostChanges: {}, ...more }).run('change', 'it', ...argv)

describe('before a person is asked to change the host', () => {
  test.each([
    ['working', 'locked', 'recover'],
    ['held', 'locked', 'kimbia-ops recover --break-lock bob@desk'],
    ['cut off', 'cut-off', 'kimbia-ops recover'],
  ] as const)('a change that is %s is told as busy, and nothing is asked', async (state, code, hint) => {
    const ran = await run(['--json'], { pending: pendingOf(state), terminal: { interactive: true } })
    expect(ran).toMatchObject({ code: 7, asked: [], ...nothing })
    const { error } = JSON.parse(ran.stderr.trim().split('\n').at(-1) ?? '')
    expect(error).toMatchObject({ code, hint: expect.stringContaining(hint) })
    for (const text of ['env set', 'bob@desk', holder.time, 'more room', 'Recreate it: under way'])
      expect(error.message).toContain(text)
  })

  test('one that is over is a note', async () => {
    const ran = await run([], { pending: pendingOf('over'), terminal: person })
    expect(ran).toMatchObject({ code: 0, asked: ['y/N Change it?'] })
    expect(ran.stderr).toContain('note: “env set” of bob@desk is over')
  })

  test('one that is over has its outcome told once its place is taken', async () => {
    const end = { kind: 'undone', index: 0, why: { code: 'deadline', message: 'too slow' } } as const
    const ran = await run(['--yes'], { pending: pendingOf('over', { end }) })
    expect(told(ran)).toEqual(['intent the host', 'failed pds.env: deadline: too slow', 'ok the host'])
  })

  test('with --yes nobody looks: taking the lock tells', async () => {
    expect(await run(['--yes'], { pending: pendingOf('held') })).toMatchObject({
      code: 0,
      stderr: expect.not.stringContaining('bob'),
    })
  })
})

describe('--wait-lock', () => {
  const waited = (pendings: readonly (Pending | undefined)[], more: WorldScript = {}) =>
    run(['--wait-lock', '1m', '--yes'], { pendings, sleep: async () => {}, reopens: true, ...more })

  test('waits for whoever changes the host, says whose it is, and goes on', async () => {
    const ran = await waited([pendingOf('held'), pendingOf('working'), undefined])
    expect(ran).toMatchObject({ code: 0 })
    expect(ran.stderr.match(/waiting for “env set” of bob@desk \(root@pds\.test:22\)/g)).toHaveLength(1)
    expect(told(ran)).toEqual(['intent the host', 'ok the host'])
  })

  test('does not wait for what was cut off', async () => {
    const ran = await waited([pendingOf('cut off')], { hostChanges: { busy: busy('cut-off') } })
    expect(ran).toMatchObject({ code: 7, stderr: expect.not.stringContaining('waiting') })
  })

  test('begins anew where another one was quicker', async () => {
    const quicker = [busy('locked')]
    const ran = await waited([undefined, pendingOf('held'), undefined], {
      hostChanges: { busy: () => quicker.pop() },
    })
    expect(ran).toMatchObject({ code: 0 })
    expect(told(ran)).toEqual([
      'intent the host',
      expect.stringMatching(/^busy the host: locked/),
      'intent the host',
      'ok the host',
    ])
  })

  test('does not keep a dry run', async () => {
    const ran = await run(['--wait-lock', '1m', '--dry-run'], { pending: pendingOf('held') })
    expect(ran).toMatchObject({ code: 0, ...nothing })
  })
})

test.each(['working', 'held', 'cut off'] as const)(
  'in a dry run, one that is %s is a note',
  async (state) => {
    const ran = await run(['--dry-run'], { pending: pendingOf(state) })
    expect(ran).toMatchObject({ code: 0, ...nothing, stdout: expect.stringContaining('Download it') })
    expect(ran.stderr).toMatch(/^note: .*\n {2}“env set” of bob@desk/)
  },
)

test('the help of what changes the host, and of nothing else, has exit code 7', () => {
  const [change] = changing(hostSteps)
  expect(change && exitCodes(change)).toContain('6 partial, 7 busy, 130')
  for (const command of commands)
    expect(exitCodes(command).includes('7 busy')).toBe(
      command.kind === 'procedure' && ['host', 'pending change'].includes(command.on),
    )
  expect(commands.some((it) => it.name === 'recover' && exitCodes(it).includes('7 busy'))).toBe(true)
})
