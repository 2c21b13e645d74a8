import { describe, expect, test } from 'vitest'
import { Failure, unreachable } from '../../src/base/failure.ts'
import type { ChangeEvent, ChangePlan, Pending } from '../../src/host/change/change.ts'
import { checkOf, crowdOf, takedown } from '../support/plans.ts'
import type { ChangesScript } from '../support/scripted-changes.ts'
import {
  errorOf,
  nothing,
  rowsOf,
  scriptedWorld,
  told,
  unchanged,
  type WorldScript,
} from '../support/world.ts'

const plan: ChangePlan = {
  id: 'change-1',
  operator: { user: 'bob', machine: 'desk', ssh: 'root@pds.test:22' },
  command: 'update apply',
  reason: 'security',
  time: '2026-11-22T17:00:00.000Z',
  title: 'update the PDS',
  subject: 'pds.test',
  version: '1.2.0',
  steps: [
    { kind: 'shell', why: 'Download it', does: 'docker pull pds:1', by: 'host' },
    { kind: 'shell', why: 'Recreate it', does: 'docker compose up', by: 'host' },
    { kind: 'check', why: 'See it', does: 'GET it', by: 'operator' },
  ],
  after: [checkOf(0, 'active')],
  before: [],
}
const done: ChangeEvent = { kind: 'done', index: 0 }
const begun: ChangeEvent = { kind: 'begin', index: 1 }
const why = { code: 'exit-code', message: 'it ended with 1' }

const pendingOf = (more: Partial<Pending> = {}): Pending => ({
  state: 'cut off',
  holder: plan,
  plan,
  events: [{ kind: 'begin', index: 0 }, done, begun],
  end: undefined,
  ...more,
})

const run = (
  pending: Pending | undefined,
  argv: readonly string[] = ['--yes', '--json'],
  hostChanges: ChangesScript = {},
  more: WorldScript = {},
) =>
  scriptedWorld({
    pds: crowdOf(1),
    hostChanges,
    ...(pending && { pending }),
    ...more,
  }).run('recover', ...argv)

const kinds = ({ hostChanges }: { hostChanges: readonly { kind: string }[] }) =>
  hostChanges.map(({ kind }) => kind)
const statesOf = (row: Record<string, unknown> | undefined) =>
  ((row?.steps ?? []) as { state: string }[]).map(({ state }) => state)

describe('a change that was cut off', () => {
  test('is finished from where it stands, read back and closed; its own outcome is told too', async () => {
    const ran = await run(pendingOf())
    expect(ran).toMatchObject({ code: 0, hostSteps: ['docker compose up'], changes: [] })
    expect(ran.happened).toContain('read getSubjectStatus')
    expect(rowsOf(ran)).toMatchObject([
      {
        id: 'change-1',
        command: 'update apply',
        operator: 'bob@desk',
        begun: plan.time,
        state: 'finished',
        changed: true,
      },
    ])
    expect(statesOf(rowsOf(ran)[0])).toEqual(['done', 'done', 'done'])
    expect(kinds(ran)).toEqual(['adopt', 'close'])
    expect(ran.trail.map(({ event, id, outcome }) => [event, id === 'change-1', outcome])).toEqual([
      ['intent', false, undefined],
      ['outcome', true, 'ok'],
      ['outcome', false, 'ok'],
    ])
  })

  test('is undone with --undo', async () => {
    const ran = await run(pendingOf(), ['--undo', '--yes', '--json'])
    expect(ran).toMatchObject({ code: 0, hostSteps: ['undo docker compose up', 'undo docker pull pds:1'] })
    expect(rowsOf(ran)).toMatchObject([{ state: 'undone' }])
    expect(statesOf(rowsOf(ran)[0])).toEqual(['undone', 'undone', 'not begun'])
    expect(told(ran)).toContain('failed pds.test: undone: it was cut off, and undone by recover')
  })

  test.each<[string, ChangeEvent]>([
    ['failed', { kind: 'failed', index: 1, why }],
    ['was being undone', { kind: 'undo', index: 1 }],
  ])('and %s goes on back', async (_, event) => {
    const ran = await run(pendingOf({ events: [done, begun, event] }))
    expect(rowsOf(ran)).toMatchObject([{ state: 'undone' }])
    expect(ran.hostSteps).not.toContain('docker compose up')
  })

  test('before all its first steps were done can only be undone', async () => {
    const first = { kind: 'xrpc', why: 'Take it down', does: 'POST it', by: 'operator' } as const
    const early = { ...plan, steps: [first, ...plan.steps], before: [takedown(0)] }
    const pending = pendingOf({ plan: early, events: [{ kind: 'begin', index: 0 }] })
    const ran = await run(pending)
    expect(rowsOf(ran)).toMatchObject([{ state: 'undone' }])
    expect(ran).toMatchObject({ code: 0, hostSteps: [], changes: [{}] })
  })

  test('is shown before it is asked about', async () => {
    const ran = await run(pendingOf(), [], {}, { terminal: { interactive: true, answers: ['n'] } })
    expect(ran).toMatchObject({ code: 4, ...nothing, asked: ['y/N Finish “update the PDS” of bob@desk?'] })
    for (const text of [
      'update apply',
      'bob@desk',
      plan.time,
      'security',
      'Download it: done',
      'Recreate it: under way',
      'See it: not begun',
    ])
      expect(ran.stderr).toContain(text)
  })

  test('in a dry run is left as it is', async () => {
    const ran = await run(pendingOf(), ['--dry-run', '--verbose'])
    expect(ran).toMatchObject({ code: 0, ...nothing })
    expect(ran.stdout).toContain('finish change change-1; Recreate it; See it')
    expect((await run(pendingOf(), ['--dry-run'])).stdout).toContain('     Recreate it\n     See it\n')
  })

  test('fails again: it is undone, and both outcomes are told', async () => {
    const ran = await run(pendingOf(), undefined, { faults: { 1: why } })
    expect(ran.code).toBe(1)
    expect(errorOf(ran).message).toMatch(/^step 2 failed: Recreate it: it ended with 1\n/)
    expect(ran.trail.filter(({ outcome }) => outcome === 'failed')).toHaveLength(2)
  })

  test('is not proven when finished: it is undone', async () => {
    const wrong = { ...plan, after: [checkOf(0, 'takendown')] }
    const ran = await run(pendingOf({ plan: wrong }))
    expect(ran).toMatchObject({ code: 1 })
    expect(errorOf(ran)).toMatchObject({ code: 'not-proven' })
    expect(ran.hostSteps.at(-1)).toMatch(/^undo/)
  })

  test('is stuck: exit 6, and it stays for the next one', async () => {
    const ran = await run(pendingOf(), ['--undo', '--yes', '--json'], { stuck: { 1: why } })
    expect(ran.code).toBe(6)
    expect(errorOf(ran)).toMatchObject({
      code: 'not-undone',
      hint: expect.stringContaining('kimbia-ops recover'),
    })
    expect(errorOf(ran).message).toContain('NOT undone: Recreate it: it ended with 1')
    expect(kinds(ran)).toEqual(['adopt', 'leave'])
  })

  test('the line is lost again: no outcome is told', async () => {
    const ran = await run(pendingOf(), undefined, { lost: { run: unreachable('link-lost', 'gone') } })
    expect(ran.code).toBe(5)
    expect(ran.trail.map(({ event }) => event)).toEqual(['intent'])
  })

  test('somebody else was faster: busy', async () => {
    const busy = new Failure({ outcome: 'busy', code: 'locked', message: 'eve works on it' })
    expect(await run(pendingOf(), undefined, { busy })).toMatchObject({
      code: 7,
      hostSteps: [],
      hostChanges: [],
    })
  })

  test.each<[string, unknown]>([
    ['an unknown kind', { kind: 'shell', why: 'x', run: { line: 'rm -rf /' } }],
    ['an unknown field', { ...checkOf(0, 'active'), more: 1 }],
    [
      'an unknown proof',
      { kind: 'check', why: 'x', proof: { kind: 'login', identifier: 'a', password: 'b' } },
    ],
    ['a way that is none', { ...takedown(0), as: { bearer: 'x' } }],
    ['no step at all', 'POST it'],
  ])('a step that is written down with %s: nothing is done, and it is left', async (_, step) => {
    const ran = await run(pendingOf({ plan: { ...plan, after: [step] } }))
    expect(ran).toMatchObject({ code: 1, hostSteps: [], changes: [] })
    expect(errorOf(ran)).toMatchObject({ code: 'step-unknown', hint: expect.stringContaining('1.2.0') })
    expect(kinds(ran)).toEqual(['adopt', 'leave'])
  })

  test('another went on with it since it was planned: what is done is not done again', async () => {
    const events: ChangeEvent[] = [done, begun, { kind: 'done', index: 1 }, { kind: 'done', index: 2 }]
    const ran = await run(pendingOf(), undefined, { adopted: pendingOf({ events }) })
    expect(ran).toMatchObject({ code: 0, hostSteps: [] })
    expect(ran.happened).not.toContain('read getSubjectStatus')
  })

  test('a step that is not the same twice and may be done is not done again', async () => {
    const events: ChangeEvent[] = [done, begun, { kind: 'done', index: 1 }, { kind: 'begin', index: 2 }]
    const ran = await run(pendingOf({ plan: { ...plan, after: [takedown(0)] }, events }))
    expect(ran).toMatchObject({ code: 6, changes: [] })
    expect(errorOf(ran).hint).toContain('--undo')
  })
})

describe('a change that can never be undone', () => {
  const fault = { code: 'changed-meanwhile', message: 'pds.env holds another text by now' }
  const stuck = pendingOf({
    events: [done, begun, { kind: 'failed', index: 1, why }, { kind: 'undo failed', index: 1, why: fault }],
    end: { kind: 'stuck', index: 1, why, notUndone: [{ index: 1, why: fault }] },
  })

  test('is closed with --accept as the host stands, and the trail tells how far it is', async () => {
    const ran = await run(stuck, ['--accept', '--yes', '--json'])
    expect(ran).toMatchObject({ code: 0, hostSteps: [], changes: [] })
    expect(kinds(ran)).toEqual(['adopt', 'close'])
    expect(rowsOf(ran)).toMatchObject([{ state: 'accepted' }])
    expect(statesOf(rowsOf(ran)[0])).toEqual(['done', 'NOT undone', 'not begun'])
    expect(told(ran)[1]).toMatch(
      /^partial pds.test: accepted: .*recover --accept.*\n1. Download it: done\n2. /,
    )
  })

  test('even where its steps are of another version', async () => {
    const foreign = { ...stuck, plan: { ...plan, after: ['POST it'] } }
    const ran = await run(foreign, ['--accept', '--yes', '--json'])
    expect(ran.code).toBe(0)
    expect(kinds(ran)).toEqual(['adopt', 'close'])
  })

  test('shows first what stands, and what it will not do', async () => {
    const ran = await run(stuck, ['--accept'], {}, { terminal: { interactive: true, answers: ['n'] } })
    expect(ran).toMatchObject({ code: 4, ...nothing, asked: ['y/N Accept “update the PDS” of bob@desk?'] })
    expect(ran.stderr).toContain('left as they stand: Download it (done); Recreate it (NOT undone)')
    expect(ran.stderr).toContain('not done, or undone: See it (not begun)')
    expect(ran.stderr).toContain('no step is finished or undone')
    expect(ran.stderr).toContain('kimbia-ops/backups')
  })

  test('but while somebody works on it, it is not closed', async () => {
    for (const state of ['working', 'held'] as const)
      expect(await run(pendingOf({ state }), ['--accept', '--yes'])).toMatchObject({ code: 7, ...nothing })
  })

  test.each([['--undo'], ['--break-lock', 'bob@desk']])(
    '--accept and %s are a usage error',
    async (...more) => {
      expect(await run(stuck, ['--accept', ...more])).toMatchObject({ code: 2, ...nothing })
    },
  )
})

describe('a change that lies where the container of the PDS may write', () => {
  const found = pendingOf({ program: 'unverified' })

  test.each([[[]], [['--undo']]])('is not run on the word of --yes alone (%s)', async (more) => {
    const ran = await run(found, [...more, '--yes', '--json'])
    expect(ran).toMatchObject({ code: 4, ...nothing })
    expect(errorOf(ran).hint).toContain('--confirm pds.test')
    expect(errorOf(ran).message).toContain('whose program is not verified')
    const told = await run(found, [...more, '--yes'])
    expect(told.stderr).toContain('nothing vouches for its program, which would be run as root')
    expect(told.stderr).toContain('kimbia-ops recover --accept')
  })

  test('is finished once the operator has typed that', async () => {
    const ran = await run(found, ['--confirm', 'pds.test', '--json'])
    expect(ran).toMatchObject({ code: 0, hostSteps: ['docker compose up'] })
    expect(ran.hostChanges[0]).toMatchObject({ kind: 'adopt', unverified: 'allowed' })
  })

  test('is closed as the host stands with --yes, since nothing of it is run', async () => {
    const ran = await run(found, ['--accept', '--yes', '--json'])
    expect(ran).toMatchObject({ code: 0, hostSteps: [] })
    expect(kinds(ran)).toEqual(['adopt', 'close'])
  })

  test('any other one is taken over as before', async () => {
    const ran = await run(pendingOf())
    expect(ran.hostChanges[0]).not.toHaveProperty('unverified')
    expect(ran.stderr).not.toContain('vouches')
  })
})

describe('a restart, which nothing brings back', () => {
  const steps = plan.steps.map((step, index) => (index === 1 ? { ...step, back: 'none' as const } : step))
  const restart = { ...plan, steps: steps.slice(0, 2), after: [] }
  const failedAt: ChangeEvent = { kind: 'failed', index: 1, why }

  test('that failed meanwhile is closed as partial', async () => {
    const end = { kind: 'undone', index: 1, why } as const
    const ran = await run(pendingOf({ plan: restart, state: 'over', end, events: [done, begun, failedAt] }))
    expect(ran.code).toBe(0)
    expect(told(ran)[1]).toMatch(/^partial pds.test: exit-code: it ended with 1\nthe PDS may not be well/)
    expect(ran.stderr).toContain('the PDS may not be well: see kimbia-ops logs, kimbia-ops ps')
  })

  test('that was cut off is not called undone', async () => {
    const ran = await run(pendingOf({ plan: restart }), ['--undo', '--yes', '--json'])
    expect(ran.code).toBe(6)
    expect(errorOf(ran).message).toContain('the PDS may not be well')
    expect(kinds(ran)).toEqual(['adopt', 'close'])
  })
})

test('nothing is there: said so, and nothing is done', async () => {
  const ran = await run(undefined)
  expect(ran).toMatchObject({ code: 0, ...nothing, stderr: 'nothing to do\n' })
  expect(rowsOf(ran)).toEqual([
    { id: null, command: null, operator: null, begun: null, state: 'nothing', steps: [], ...unchanged },
  ])
})

describe('a change that is over', () => {
  const end = { kind: 'undone', index: 1, why } as const

  test('is closed, and how it ended is told', async () => {
    const ran = await run(pendingOf({ state: 'over', end, events: [{ kind: 'failed', index: 1, why }] }))
    expect(rowsOf(ran)).toMatchObject([{ state: 'closed' }])
    expect(ran).toMatchObject({ code: 0, hostSteps: [] })
    expect(kinds(ran)).toEqual(['adopt', 'close'])
    expect(told(ran)).toContain('failed pds.test: exit-code: it ended with 1')
  })

  test('but not read back is finished', async () => {
    const ran = await run(
      pendingOf({
        state: 'over',
        end: { kind: 'done', facts: {} },
        events: [done, { kind: 'done', index: 1 }],
      }),
    )
    expect(rowsOf(ran)).toMatchObject([{ state: 'finished' }])
    expect(ran.hostSteps).toEqual([])
    expect(ran.happened).toContain('read getSubjectStatus')
  })
})

describe('somebody is there', () => {
  test.each(['working', 'held'] as const)('%s: busy, and how far it is', async (state) => {
    for (const argv of [
      ['--no-wait', '--yes', '--json'],
      ['--json', '--dry-run'],
      ['--undo', '--no-wait', '--yes', '--json'],
    ]) {
      const ran = await run(pendingOf({ state }), argv)
      expect(ran).toMatchObject({ code: 7, ...nothing, stdout: '' })
      expect(errorOf(ran)).toMatchObject({ code: 'locked' })
      expect(errorOf(ran).message).toContain('2. Recreate it: under way')
    }
  })

  test('what the host works on is followed, and finished where its operator is gone', async () => {
    const steps: Pending[] = [
      pendingOf({ state: 'working' }),
      pendingOf({ state: 'working', events: [...pendingOf().events, { kind: 'done', index: 1 }] }),
      pendingOf({
        state: 'cut off',
        events: [...pendingOf().events, { kind: 'done', index: 1 }],
        end: { kind: 'done', facts: {} },
      }),
    ]
    const ran = await run(steps[0], ['--yes', '--json'], {}, { pendings: steps, sleep: async () => {} })
    expect(ran.code, ran.stderr).toBe(0)
    expect(ran.stderr).toContain('waiting for it')
    expect(ran.stderr).toContain('2. Recreate it: done')
    expect(rowsOf(ran)).toMatchObject([{ state: 'finished' }])
    expect(ran.happened).toContain('read getSubjectStatus')
  })

  test('what its operator ends meanwhile needs nothing more', async () => {
    const steps = [pendingOf({ state: 'held' }), pendingOf({ state: 'held' }), undefined]
    const ran = await run(steps[0], ['--yes', '--json'], {}, { pendings: steps, sleep: async () => {} })
    expect(ran).toMatchObject({ code: 0, ...nothing })
    expect(rowsOf(ran)).toMatchObject([{ state: 'nothing' }])
    expect(ran.stderr).toContain('it was ended by the one who began it')
  })

  test('a lock without a plan is broken by the name of its holder', async () => {
    const pending = pendingOf({ plan: undefined, events: [] })
    const refused = await run(pending)
    expect(refused).toMatchObject({ code: 7, ...nothing })
    expect(errorOf(refused).hint).toContain('kimbia-ops recover --break-lock bob@desk')
    const ran = await run(pending, ['--break-lock', 'bob@desk', '--yes', '--json'])
    expect(ran.code).toBe(0)
    expect(ran.hostChanges).toEqual([{ kind: 'break lock', holder: 'bob@desk' }])
    expect(rowsOf(ran)).toMatchObject([{ id: null, state: 'closed' }])
  })

  test.each([
    ['another holder', 'held', 'eve@desk'],
    ['a host that works', 'working', 'bob@desk'],
  ] as const)('the lock of %s is not broken', async (_, state, holder) => {
    const ran = await run(pendingOf({ state }), ['--break-lock', holder, '--yes', '--json'])
    expect(ran).toMatchObject({ code: 7, ...nothing })
  })

  test('a lock that was taken for nothing is removed without its name', async () => {
    const ran = await run(pendingOf({ state: 'over', plan: undefined, events: [] }))
    expect(ran).toMatchObject({ code: 0, hostChanges: [{ kind: 'break lock', holder: 'bob@desk' }] })
  })

  test('breaking and undoing at once is a usage error', async () => {
    expect(await run(pendingOf(), ['--break-lock', 'bob@desk', '--undo'])).toMatchObject({
      code: 2,
      ...nothing,
    })
  })
})
