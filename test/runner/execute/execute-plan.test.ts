import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type Failure, failed, unreachable } from '../../../src/base/failure.ts'
import { Secret } from '../../../src/base/secret.ts'
import type { Item } from '../../../src/plan/plan.ts'
import { later } from '../../../src/plan/steps/placeholders.ts'
import type { LocalStep } from '../../../src/plan/steps/step.ts'
import { type XrpcStep, xrpc } from '../../../src/plan/steps/xrpc.ts'
import { noRecorder } from '../../../src/runner/execute/audit.ts'
import { executePlan, type Result } from '../../../src/runner/execute/execute-plan.ts'
import { type Between, observedPds, type PdsChange } from '../../support/observed.ts'
import { checkOf, crowdOf, has, type Named, takedown, takedowns, userOf } from '../../support/plans.ts'
import type { ScriptedPds } from '../../support/scripted-pds.ts'
import { didOf, type Fault } from '../../support/scripted-state.ts'

interface Done {
  readonly results: Result[]
  readonly changes: PdsChange[]
  readonly states: string[]
  readonly failures: Failure[]
  /** What was thrown and is no Failure. */
  readonly bugs: unknown[]
}

interface Trial {
  readonly pds?: ScriptedPds
  readonly between?: Between
  readonly stop?: AbortSignal
  readonly progress?: (done: number, of: number) => void
}

/** Carries items out with nothing around. */
async function carry(items: readonly Item<Named, LocalStep>[], trial: Trial = {}): Promise<Done> {
  const changes: PdsChange[] = []
  const bugs: unknown[] = []
  const { pds = crowdOf(items.length), between = (_change, make) => make() } = trial
  const observer = {
    happens: () => {},
    change: (change: PdsChange) => void changes.push(change),
    bug: (cause: unknown) => void bugs.push(cause),
  }
  const results = await executePlan(
    { title: 'try it', confirm: 'sure', items },
    {
      pds: observedPds(pds, observer, between),
      recorder: noRecorder,
      stop: trial.stop ?? new AbortController().signal,
      progress: trial.progress ?? (() => {}),
    },
  )
  const failures = results.flatMap((it) => (it.state === 'failed' ? [it.failure] : []))
  return { results, changes, states: results.map(({ state }) => state), failures, bugs }
}

const item = (...steps: XrpcStep[]): Item<Named, LocalStep> => ({
  subject: 'it',
  steps,
  rows: [{ name: 'it' }],
})
const refused = failed('invalid-request', 'no')
const lost = unreachable('link-lost', 'gone')

describe('the steps of one item', () => {
  const back = (index: number): XrpcStep => ({
    ...takedown(index),
    why: `bring user${index} back`,
    input: {
      subject: { $type: 'com.atproto.admin.defs#repoRef', did: didOf(`user${index}.test`) },
      takedown: { applied: false },
    },
  })
  const three = item(
    ...[0, 1, 2].map((index) => takedown(index, { undo: back(index), ...has(index, 'takendown') })),
  )
  const shown = (changes: readonly PdsChange[]) =>
    changes.map((it) => {
      const { takedown } = it.input as { takedown: { applied: boolean } }
      return `${takedown.applied ? 'down' : 'up'} ${userOf(it)[4]}`
    })
  const run = (faults: Fault[], between?: Between) =>
    carry([three], { pds: crowdOf(3, faults), ...(between && { between }) })

  test('are carried out in order', async () => {
    const { states, changes } = await run([])
    expect(states).toEqual(['done'])
    expect(shown(changes)).toEqual(['down 0', 'down 1', 'down 2'])
  })

  test.each([
    [1, ['down 0'], []],
    [2, ['down 0', 'down 1', 'up 0'], ['bring user0 back']],
    [3, ['down 0', 'down 1', 'down 2', 'up 1', 'up 0'], ['bring user1 back', 'bring user0 back']],
  ])('fail at step %i: what was done is undone, last first', async (change, changes, undone) => {
    for (const [failure, outcome] of [
      [refused, 'failed'],
      [lost, 'unreachable'],
    ] as const) {
      const ran = await run([{ change, failure }])
      expect(ran.states).toEqual(['failed'])
      expect(shown(ran.changes)).toEqual(changes)
      expect(ran.failures[0]).toMatchObject({ outcome, code: failure.code })
      const lines = undone.map((why) => `undone: ${why}`)
      const head = change === 1 ? [] : [`step ${change} failed: take down user${change - 1}.test`]
      expect(ran.failures[0]?.message.split('\n')).toEqual([...head, failure.message, ...lines])
    }
  })

  test('an undo fails: the others are undone all the same, and what stands is named', async () => {
    const ran = await run([
      { change: 3, failure: refused },
      { change: 4, failure: failed('oh', 'cannot') },
    ])
    expect(shown(ran.changes)).toEqual(['down 0', 'down 1', 'down 2', 'up 1', 'up 0'])
    expect(ran.failures[0]).toMatchObject({ outcome: 'partial', code: 'invalid-request' })
    expect(ran.failures[0]?.message.split('\n').slice(2)).toEqual([
      expect.stringMatching(/^NOT undone: bring user1 back: cannot \(to do it by hand: POST com\.atproto\./),
      'undone: bring user0 back',
    ])
  })

  test('a step that is not proven undoes itself, too', async () => {
    const proof = {
      kind: 'query',
      nsid: 'com.atproto.server.describeServer',
      params: {},
      expect: { did: 'no' },
    } as const
    const steps = [takedown(0, { undo: back(0) }), takedown(1, { undo: back(1), proof }), takedown(2)]
    const ran = await carry([item(...steps)], { pds: crowdOf(3) })
    expect(shown(ran.changes)).toEqual(['down 0', 'down 1', 'up 1', 'up 0'])
    expect(ran.failures[0]).toMatchObject({ outcome: 'failed', code: 'not-proven' })
  })

  test.each([
    ['without an undo it stands', {}, 'partial', ['down 0']],
    ['with an undo it is taken back', { undo: back(0) }, 'failed', ['down 0', 'up 0']],
  ])('a step that cannot be read back: %s', async (_, extras, outcome, changes) => {
    const pds = crowdOf(1)
    pds.accepts = () => Promise.reject(lost)
    const proof = { kind: 'login', identifier: 'user0.test', password: new Secret('x') } as const
    const ran = await carry([item(takedown(0, { ...extras, proof }))], { pds })
    expect(shown(ran.changes)).toEqual(changes)
    expect(ran.failures[0]).toMatchObject({ outcome, code: 'link-lost' })
    expect(ran.failures[0]?.message).toContain('it was accepted, but could not be read back: gone')
  })

  test('a check that does not hold keeps what follows from being begun', async () => {
    const steps = [checkOf(0, 'takendown'), takedown(1)]
    const ran = await carry([{ ...item(), steps }], { pds: crowdOf(2) })
    expect(ran.changes).toEqual([])
    expect(ran.failures[0]).toMatchObject({ outcome: 'failed', code: 'not-proven' })
    expect(ran.failures[0]?.message).toBe(`${didOf('user0.test')} is active, not takendown`)
  })

  test('a step without undo before the one that fails is left', async () => {
    const ran = await carry([item(takedown(0), takedown(1))], {
      pds: crowdOf(2, [{ change: 2, failure: refused }]),
    })
    expect(shown(ran.changes)).toEqual(['down 0', 'down 1'])
  })

  test('an error that is no Failure is told as a bug, with its stack, and undone as any other', async () => {
    const bug = new TypeError('x is not a function')
    const between: Between = (change, make) =>
      userOf(change) === 'user1.test' ? Promise.reject(bug) : make()
    const { failures, changes, bugs } = await carry([three], { pds: crowdOf(3), between })
    expect(bugs).toEqual([bug])
    expect(shown(changes)).toEqual(['down 0', 'down 1', 'up 0'])
    expect(failures).toMatchObject([{ outcome: 'failed', code: 'bug' }])
    expect(failures[0]?.message).toContain('execute-plan.test.ts')
  })
})

describe('values', () => {
  const made = xrpc('make', 'com.atproto.server.createInviteCode', { useCount: 1 }, { keep: 'invite' })
  const used = xrpc('use', 'com.atproto.admin.disableInviteCodes', { codes: [later('invite.code')] })

  test('put off are filled in from earlier answers, in steps and rows', async () => {
    const { results, changes } = await carry([
      { subject: 'it', steps: [made, used], rows: [{ name: later('invite.code') }] },
    ])
    expect(changes[1]?.input).toEqual({ codes: ['scripted-test-00001'] })
    expect(results).toMatchObject([{ state: 'done', rows: [{ name: 'scripted-test-00001' }] }])
  })

  test('of one item are not those of another', async () => {
    const one = { subject: 'it', steps: [made, used], rows: [{ name: later('invite.code') }] }
    const { results } = await carry([one, one, one])
    const names = results.flatMap((it) =>
      'rows' in it ? (it.rows ?? []).map((row) => (row as Named).name) : [],
    )
    expect(new Set(names).size).toBe(3)
  })

  test('that are secret are revealed in the call alone', async () => {
    const input = { did: didOf('user0.test'), password: new Secret('correct horse') }
    const step = xrpc('set', 'com.atproto.admin.updateAccountPassword', input)
    const { results, changes } = await carry([item(step)])
    expect(changes[0]?.input).toEqual({ ...input, password: 'correct horse' })
    expect(JSON.stringify(results)).not.toContain('correct horse')
  })
})

describe('many items', () => {
  test('at most 16 are under way at once, and all are done', async () => {
    const gate = Promise.withResolvers<void>()
    let [running, most] = [0, 0]
    const carried = carry(takedowns(50), {
      async between(_, make) {
        most = Math.max(most, ++running)
        await gate.promise
        running--
        return await make()
      },
    })
    for (let turns = 0; turns < 20; turns++) await turn()
    expect(running).toBe(16)
    gate.resolve()
    const { states } = await carried
    expect(new Set(states)).toEqual(new Set(['done']))
    expect(most).toBe(16)
  })

  test('one that fails does not stop the others, and the order is kept', async () => {
    const between: Between = async (change, make) => {
      if (userOf(change) === 'user3.test') throw refused
      return await make()
    }
    const { states, changes } = await carry(takedowns(12), { between })
    expect(states).toEqual(Array.from({ length: 12 }, (_, index) => (index === 3 ? 'failed' : 'done')))
    expect(changes).toHaveLength(12)
  })

  test.each([
    ['the PDS breaks at one', failed('pds-error', '500')],
    ['the PDS breaks at one, as the adapter says it', unreachable('pds-error', '500')],
  ])('%s: the others are tried', async (_, failure) => {
    const { states } = await carry(takedowns(20), { pds: crowdOf(20, [{ change: 2, failure }]) })
    expect(states.filter((state) => state === 'done')).toHaveLength(19)
  })

  test('the way there breaks: what is under way ends, the rest is not tried', async () => {
    const { states, changes } = await carry(takedowns(60), {
      pds: crowdOf(60, [{ change: 1, failure: lost }]),
    })
    expect(changes.length).toBeLessThanOrEqual(16)
    expect(states.filter((state) => state === 'failed')).toHaveLength(1)
    expect(states.filter((state) => state === 'not tried')).toHaveLength(60 - changes.length)
    expect(states.filter((state) => state === 'done')).toHaveLength(changes.length - 1)
  })

  test('stopped in the middle: nothing new is begun, what runs is finished and proven', async () => {
    const stop = new AbortController()
    const between: Between = async (change, make) => {
      if (userOf(change) === 'user9.test') stop.abort()
      return await make()
    }
    const { states, changes } = await carry(takedowns(60), { stop: stop.signal, between })
    expect(states.filter((state) => state === 'done')).toHaveLength(changes.length)
    expect(changes.length).toBeLessThan(40)
    expect(states.filter((state) => state === 'not tried')).toHaveLength(60 - changes.length)
  })

  test('stopped before the first: nothing is begun', async () => {
    const { states, changes } = await carry(takedowns(3), { stop: AbortSignal.abort() })
    expect([states, changes]).toEqual([['not tried', 'not tried', 'not tried'], []])
  })

  test('one that answers success and is not so is found out among all', async () => {
    const between: Between = async (change, make) => (userOf(change) === 'user7.test' ? {} : await make())
    for (const count of [10, 60]) {
      const { states, failures } = await carry(takedowns(count), { between })
      expect(states.indexOf('failed')).toBe(7)
      expect(failures).toMatchObject([{ outcome: 'failed', code: 'not-proven' }])
    }
  })

  test('progress counts up to all of them', async () => {
    const told: [number, number][] = []
    await carry(takedowns(10), { progress: (done, of) => told.push([done, of]) })
    expect(told).toEqual(Array.from({ length: 10 }, (_, index) => [index + 1, 10]))
  })
})
