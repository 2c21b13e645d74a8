import { describe, expect, test } from 'vitest'
import { Failure, failed, unreachable } from '../../../src/base/failure.ts'
import { Secret } from '../../../src/base/secret.ts'
import { shell } from '../../../src/plan/steps/host.ts'
import type { Step } from '../../../src/plan/steps/step.ts'
import type { XrpcStep } from '../../../src/plan/steps/xrpc.ts'
import { changedMeanwhile, diffLines } from '../../../src/runner/execute/file-conflict.ts'
import { act } from '../../../src/ssh/shell.ts'
import { changing, checkOf, crowdOf, hostSteps, takedown } from '../../support/plans.ts'
import type { ChangesScript } from '../../support/scripted-changes.ts'
import { scriptedHost } from '../../support/scripted-host.ts'
import { didOf, type Fault } from '../../support/scripted-state.ts'
import {
  changedBy,
  errorOf,
  nothing,
  rowsOf,
  scriptedWorld,
  told,
  type WorldScript,
} from '../../support/world.ts'

const lines = [
  'docker pull pds:1',
  'write /pds/pds.env: PDS_PORT: 3000 → 3001',
  'wait until the PDS on port 3000 answers 3 times in a row, stays up for 10 s, and says version 0.4.2',
]
const back: XrpcStep = {
  ...takedown(0),
  why: 'bring user0 back',
  input: {
    subject: { $type: 'com.atproto.admin.defs#repoRef', did: didOf('user0.test') },
    takedown: { applied: false },
  },
}
const first = takedown(0, { undo: back })
const around: readonly Step[] = [first, ...hostSteps, checkOf(0, 'takendown')]

const run = (
  steps: readonly Step[],
  hostChanges: ChangesScript = {},
  more: WorldScript & { faults?: Fault[]; argv?: string[] } = {},
) =>
  scriptedWorld({ pds: crowdOf(1, more.faults), commands: changing(steps), hostChanges, ...more }).run(
    'change',
    'it',
    ...(more.argv ?? ['--yes', '--json']),
  )
const kinds = ({ hostChanges }: { hostChanges: readonly { kind: string }[] }) =>
  hostChanges.map(({ kind }) => kind)

describe('a change of the host', () => {
  test('is carried out between what this machine does before and after', async () => {
    const ran = await run(around, { facts: { version: '0.4.2', outageMs: 1200 } })
    expect(ran.code).toBe(0)
    expect(rowsOf(ran)).toEqual([{ version: '0.4.2', outageMs: 1200, ...changedBy(1) }])
    expect(ran.happened.slice(0, 2).sort()).toEqual(['begin change', 'intent'])
    expect(ran.happened.slice(2)).toEqual([
      'begin 1',
      'change updateSubjectStatus',
      'done 1',
      'host 2',
      'host 3',
      'host 4',
      'begin 5',
      'read getSubjectStatus',
      'done 5',
      'close change',
      'outcome ok',
      'stdout',
    ])
    expect(ran.hostSteps).toEqual(lines)
  })

  test('that cannot be written to the trail is not begun, and its lock is given back', async () => {
    const host = scriptedHost({ refuse: () => 'Read-only file system' })
    const ran = await run(around, {}, { host })
    expect(ran).toMatchObject({ code: 1, stdout: '', changes: [], hostSteps: [] })
    expect(errorOf(ran).code).toBe('trail-not-writable')
    expect(kinds(ran)).toEqual(['begin', 'close'])
  })

  test('is written down whole, under the id of its intent', async () => {
    const { hostChanges, trail } = await run(around)
    expect(hostChanges[0]?.plan).toEqual({
      id: trail[0]?.id,
      operator: { user: 'ana', machine: 'laptop', ssh: 'ops@pds.test:22' },
      command: 'change it',
      reason: 'because',
      time: '2026-11-22T18:00:00.000Z',
      title: 'change it',
      subject: 'the host',
      version: '1.2.3',
      steps: around.map(({ kind, why }, index) => ({
        kind,
        why,
        does: trail[0]?.steps?.[index],
        by: index === 0 || index === 4 ? 'operator' : 'host',
      })),
      after: [JSON.parse(JSON.stringify(around[4]))],
      before: [JSON.parse(JSON.stringify(back))],
    })
    expect(JSON.stringify([hostChanges, trail])).not.toContain('jwt')
  })

  test('a fact that was not found is null', async () => {
    expect(rowsOf(await run(hostSteps))).toEqual([{ version: null, outageMs: null, ...changedBy(1) }])
  })

  test('in a dry run nothing is begun', async () => {
    const ran = await run(hostSteps, {}, { argv: ['--dry-run', '--verbose'] })
    expect(ran).toMatchObject({ code: 0, ...nothing })
    for (const line of lines) expect(ran.stdout).toContain(line)
  })

  test('declined: nothing is begun', async () => {
    const ran = await run(hostSteps, {}, { argv: [], terminal: { interactive: true, answers: ['n'] } })
    expect(ran).toMatchObject({ code: 4, ...nothing })
  })
})

describe('the host fails', () => {
  const fault = { code: 'not-healthy', message: 'no answer within 60 s' }

  test('all is undone, last first, and said so', async () => {
    const ran = await run(around, { faults: { 3: fault } })
    expect(ran.code).toBe(1)
    expect(errorOf(ran)).toEqual({
      code: 'not-healthy',
      message: [
        'step 4 failed: Wait until the PDS is healthy: no answer within 60 s',
        'undone: Wait until the PDS is healthy',
        'undone: Write pds.env',
        'undone: Download it',
        'undone: bring user0 back',
        'everything is as it was before',
      ].join('\n'),
    })
    expect(ran.changes).toHaveLength(2)
    expect(kinds(ran)).toEqual(['begin', 'close'])
    expect(told(ran)[1]).toContain('failed the host: not-healthy: step 4 failed')
  })

  test('and is stuck: what stands is named, and the change is left for recover', async () => {
    const ran = await run(hostSteps, {
      faults: { 2: fault },
      stuck: { 1: { code: 'not-written', message: 'disk full' } },
    })
    expect(ran.code).toBe(6)
    const { code, message, hint } = errorOf(ran)
    expect(code).toBe('not-healthy')
    expect(message).toContain('NOT undone: Write pds.env: disk full')
    expect(message).toContain('undone: Download it')
    expect(message).not.toContain('as it was before')
    expect(hint).toContain('kimbia-ops recover')
    expect(kinds(ran)).toEqual(['begin', 'leave'])
    expect(told(ran)[1]).toMatch(/^partial the host/)
  })

  test('and had interrupted the PDS, which nothing brings back: partial, and never as before', async () => {
    const restart = shell('Restart it', act`docker restart pds`, { interrupts: { port: 3000 } })
    const steps = [restart, hostSteps[2]]
    const ran = await run(steps, { faults: { 1: fault } })
    expect(ran.code).toBe(6)
    expect(errorOf(ran).message).toContain('the PDS may not be well: see kimbia-ops logs, kimbia-ops ps')
    expect(errorOf(ran).message).not.toContain('as it was before')
    expect(kinds(ran)).toEqual(['begin', 'close'])
    expect(told(ran)[1]).toMatch(/^partial the host/)

    const back = shell('Note it', act`echo`, { undo: [shell('Bring it back', act`docker start pds`)] })
    const brought = await run([back, ...steps], { faults: { 2: fault } })
    expect(brought.code).toBe(1)
    expect(errorOf(brought).message).toContain('everything is as it was before')

    const stop = new AbortController()
    const never = await run(steps, { before: () => stop.abort() }, { stop: stop.signal })
    expect(errorOf(never).message).toContain('everything is as it was before')
  })

  test('what a container logged is told without its secrets, in the trail too', async () => {
    const message = 'was not healthy\nconnect smtps://u:hunter/2@mail.test\n{"pass":"hunter-3"}'
    const ran = await run(hostSteps, {
      says: { 0: 'token=hunter-5' },
      faults: { 2: { code: 'not-healthy', message } },
      stuck: { 1: { code: 'exit-code', message: 'password: hunter-4' } },
    })
    expect(errorOf(ran).message).toContain('was not healthy\nconnect smtps://u:‹secret›@mail.test')
    expect(errorOf(ran).message).toContain('NOT undone: Write pds.env: password: ‹secret›')
    expect(errorOf(ran).hint).toMatch(/kimbia-ops\/backups.*kimbia-ops recover --accept/)
    expect(ran.stdout + ran.stderr + ran.progress + JSON.stringify(ran.trail)).not.toContain('hunter')
  })

  test('an undo of this machine fails: partial', async () => {
    const faults = [{ change: 2, failure: failed('no', 'cannot') }]
    const ran = await run(around, { faults: { 1: fault } }, { faults })
    expect(ran.code).toBe(6)
    expect(errorOf(ran).message).toMatch(/NOT undone: bring user0 back: cannot/)
    expect(errorOf(ran).message).not.toContain('as it was before')
  })

  test('a file was changed meanwhile: what has changed is told, without secrets', async () => {
    const host = scriptedHost().on('cat -- /pds/pds.env', 'PDS_PORT=3005\nPDS_JWT_SECRET=their-jwt\n')
    const meanwhile = { code: 'changed-meanwhile', message: '/pds/pds.env is not what it was' }
    const ran = await run(hostSteps, { faults: { 1: meanwhile } }, { host })
    expect(ran.code).toBe(1)
    const { code, message } = errorOf(ran) as { code: string; message: string }
    expect(code).toBe('changed-meanwhile')
    expect(message).toMatch(/what has changed in it meanwhile:\n(.*\n)*.*PDS_PORT.*3005/)
    expect(ran.stderr + JSON.stringify(ran.trail)).not.toContain('-jwt')
  })
})

describe('a step of this machine fails', () => {
  test('before: it is undone, and the host does nothing', async () => {
    const ran = await run(around, {}, { faults: [{ change: 1, failure: failed('no', 'cannot') }] })
    expect(ran).toMatchObject({ code: 1, hostSteps: [] })
    expect(kinds(ran)).toEqual(['begin', 'close'])
  })

  test('after: the host undoes its part, and then what was before is undone', async () => {
    const ran = await run([first, ...hostSteps, checkOf(0, 'deactivated')])
    expect(ran.code).toBe(1)
    expect(errorOf(ran)).toMatchObject({ code: 'not-proven' })
    expect(String(errorOf(ran).message).split('\n')).toEqual([
      'step 5 failed: see that user0.test is deactivated',
      `${didOf('user0.test')} is takendown, not deactivated`,
      'undone: Wait until the PDS is healthy',
      'undone: Write pds.env',
      'undone: Download it',
      'undone: bring user0 back',
      'everything is as it was before',
    ])
    expect(ran.hostSteps).toEqual([...lines, ...lines.toReversed().map((line) => `undo ${line}`)])
    expect(kinds(ran)).toEqual(['begin', 'close'])
  })
})

describe('the lock', () => {
  const held = new Failure({ outcome: 'busy', code: 'locked', message: 'bob holds it' })

  test('is held by another: nothing is done, and the trail has it', async () => {
    const ran = await run(around, { busy: held })
    expect(ran).toMatchObject({ code: 7, changes: [], hostSteps: [], hostChanges: [] })
    expect(errorOf(ran)).toMatchObject({ code: 'locked', message: 'bob holds it' })
    expect(told(ran)).toEqual(['intent the host', 'busy the host: locked: bob holds it'])
  })

  test.each(['run', 'mark'] as const)(
    'the line is lost at %s: it is left, and the outcome is unknown',
    async (where) => {
      const ran = await run(around, { lost: { [where]: unreachable('link-lost', 'gone', 'connect again') } })
      expect(ran.code).toBe(5)
      expect(errorOf(ran)).toMatchObject({ code: 'link-lost', message: 'gone', hint: 'connect again' })
      expect(kinds(ran)).toEqual(['begin', 'leave'])
      expect(told(ran)).toEqual(['intent the host'])
    },
  )

  test('cannot be given back: what was done is told as done', async () => {
    const ran = await run(hostSteps, { lost: { close: unreachable('link-lost', 'gone') } })
    expect(ran.code).toBe(6)
    expect(errorOf(ran).message).toMatch(/^it was done\n.*gone/)
    expect(errorOf(ran).hint).toContain('kimbia-ops recover')
  })

  test('the line is lost while the host undoes', async () => {
    const steps = [...hostSteps, checkOf(0, 'takendown')]
    const ran = await run(steps, { lost: { undo: unreachable('link-lost', 'gone') } })
    expect(ran.code).toBe(5)
    expect(errorOf(ran).message).toMatch(/could not be undone: gone/)
    expect([kinds(ran), told(ran)]).toEqual([['begin', 'leave'], ['intent the host']])
  })
})

test.each([
  ['Ctrl-C', undefined, 130, 'interrupted'],
  ['--timeout', unreachable('timeout', 'it took longer'), 5, 'timeout'],
])('stopped by %s: all is undone', async (_, reason, code, word) => {
  const stop = new AbortController()
  const before = (index: number) => void (index === 1 && stop.abort(reason))
  const ran = await run(hostSteps, { before }, { stop: stop.signal })
  expect(ran.code).toBe(code)
  expect(errorOf(ran)).toMatchObject({ code: word })
  expect(errorOf(ran).message).toMatch(
    /stopped at step 2: Write pds.env.*\nundone: Download it\neverything is as/,
  )
  expect(kinds(ran)).toEqual(['begin', 'close'])
})

describe('progress', () => {
  const script = { says: { 0: 'pulling layer 3' }, faults: { 2: { code: 'x', message: 'no' } } }
  const person = { interactive: true }

  test('a person sees a line for each step, and the newest output', async () => {
    const ran = await run(hostSteps, script, { terminal: person, argv: ['--yes'] })
    expect(ran.stderr).toMatch(/^ 1\/3 Download it … done \(0\.\d s\)$/m)
    expect(ran.stderr).toMatch(/^ 3\/3 Wait until the PDS is healthy … failed/m)
    expect(ran.stderr).toMatch(/^ {5}Write pds.env … undone/m)
    expect(ran.progress).toContain(' 1/3 Download it: pulling layer 3')
  })

  test.each([
    ['a pipe', {}, ['--yes'], true],
    ['a pipe with --json', {}, ['--yes', '--json'], false],
    ['--quiet', person, ['--yes', '--quiet'], false],
  ])('in %s', async (_, terminal, argv, seen) => {
    const ran = await run(hostSteps, { says: script.says }, { terminal, argv })
    expect(ran.stderr.includes('1/3 Download it … done')).toBe(seen)
    expect(ran.stdout).not.toContain('Download')
  })
})

describe('the difference of two texts', () => {
  test.each([
    ['a\nb\nc\n', 'a\nx\nc\n', ['- b', '+ x']],
    ['a\nb\n', 'a\nb\n', []],
    ['a\nb\nc\nd', 'b\nc\ne\nd', ['- a', '+ e']],
    ['', 'a\n', ['+ a']],
    ['x\nPASSWORD: a1\n', 'x\nPASSWORD: b2\n', ['- PASSWORD: ‹secret›', '+ PASSWORD: ‹secret›']],
  ])('%j to %j', (was, now, lines) => {
    expect(diffLines(was, now)).toEqual(lines)
  })

  test('of a file that cannot be read is said to be unknown', async () => {
    const host = scriptedHost().on('cat', { code: 1, stderr: 'cat: gone\n' })
    const step = { ...hostSteps[1], holds: 'text', was: new Secret('a') } as const
    expect(await changedMeanwhile(step, host)).toEqual(['what it holds now cannot be read: cat: gone'])
  })
})
