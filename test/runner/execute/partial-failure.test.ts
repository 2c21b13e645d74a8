import { describe, expect, test } from 'vitest'
import { Failure, failed, unreachable } from '../../../src/base/failure.ts'
import type { Item, PdsPlan } from '../../../src/plan/plan.ts'
import type { LocalStep } from '../../../src/plan/steps/step.ts'
import type { Result } from '../../../src/runner/execute/execute-plan.ts'
import { partialFailure } from '../../../src/runner/execute/partial-failure.ts'

const item = (subject: string) => ({ subject, steps: [], rows: [] })
const done = (subject: string): Result => ({ state: 'done', item: item(subject), rows: [] })
const same = (subject: string): Result => ({ state: 'unchanged', item: item(subject), rows: [] })
const rest = (subject: string): Result => ({ state: 'not tried', item: item(subject) })
const miss = (subject: string, failure: Failure): Result => ({
  state: 'failed',
  item: item(subject),
  failure,
})
const refused = [{ subject: 'nobody', code: 'account-not-found', message: 'no such account' }]
const planOf = (results: readonly Result[], more: Partial<PdsPlan<unknown>> = {}): PdsPlan<unknown> => ({
  title: 'try it',
  confirm: 'sure',
  items: results.map((it) => it.item as Item<unknown, LocalStep>),
  ...more,
})
const shortfall = (results: readonly Result[], more: Partial<PdsPlan<unknown>> = {}, stop?: AbortSignal) =>
  partialFailure(planOf(results, more), results, stop)

const no = failed('invalid-request', 'no', 'try another')
const lost = unreachable('link-lost', 'gone', 'look at the network')
const unread = new Failure({ outcome: 'partial', code: 'link-lost', message: 'not read back' })
const answerLost = unreachable('answer-lost', 'nobody knows')
const late = AbortSignal.abort(unreachable('timeout', 'it took longer'))

test.each([
  ['all is done', [done('a'), done('b')]],
  ['all is so already', [same('a')]],
  ['some is done, some is so', [done('a'), same('b')]],
  ['there was nothing', []],
])('nothing falls short when %s', (_, results) => {
  expect(shortfall(results)).toBeUndefined()
  expect(shortfall(results, {}, AbortSignal.abort())).toBeUndefined()
})

test('of one target, the failure itself is told', () => {
  expect(shortfall([miss('a', no)])).toBe(no)
  expect(shortfall([miss('a', unread)], {}, AbortSignal.abort())).toBe(unread)
})

describe('the kind of many', () => {
  test.each<[string, Result[], AbortSignal | undefined, string, string]>([
    ['some failed', [done('a'), miss('b', no)], undefined, 'partial', 'partial'],
    ['some failed, the others were so', [same('a'), miss('b', no)], undefined, 'partial', 'partial'],
    ['all failed', [miss('a', no), miss('b', no)], undefined, 'failed', 'invalid-request'],
    ['the way there broke at once', [miss('a', lost), rest('b')], undefined, 'unreachable', 'link-lost'],
    [
      'the way there broke in the middle',
      [done('a'), miss('b', lost), rest('c')],
      undefined,
      'partial',
      'partial',
    ],
    ['none is done, but one may be', [miss('a', lost), miss('b', unread)], undefined, 'partial', 'partial'],
    ['none is known to be done', [miss('a', no), miss('b', answerLost)], undefined, 'partial', 'partial'],
    ['stopped in the middle', [done('a'), rest('b')], AbortSignal.abort(), 'interrupted', 'interrupted'],
    ['stopped before the first', [rest('a')], AbortSignal.abort(), 'interrupted', 'interrupted'],
    ['out of time in the middle', [done('a'), rest('b')], late, 'partial', 'partial'],
    ['out of time before the first', [rest('a'), rest('b')], late, 'unreachable', 'timeout'],
  ])('%s', (_, results, stop, outcome, code) => {
    expect(shortfall(results, {}, stop)).toMatchObject({ outcome, code })
  })
})

test('names what is done, what failed and what was not tried, for people and scripts', () => {
  const results = [done('a'), same('b'), miss('c', no), rest('d'), done('e')]
  expect(shortfall(results, { refused })).toMatchObject({
    outcome: 'partial',
    hint: 'run the same command again: what is done is left alone',
    message: [
      '2 done, 1 already so, 2 failed, 1 not tried',
      'failed: nobody: no such account',
      'failed: c: no',
      'not tried: d',
    ].join('\n'),
    details: {
      done: ['a', 'e'],
      unchanged: 1,
      failed: [...refused, { subject: 'c', code: 'invalid-request', message: 'no' }],
      notTried: ['d'],
    },
  })
})

test('names twenty of many, and all of them for scripts', () => {
  const results = [...Array(30).keys()].flatMap((index) => [miss(`f${index}`, no), rest(`r${index}`)])
  const found = shortfall(results)
  const lines = found?.message.split('\n') ?? []
  expect(lines).toHaveLength(1 + 2 * 21)
  expect(lines.slice(20, 23)).toEqual(['failed: f19: no', 'failed: and 10 more', 'not tried: r0'])
  expect(found?.details).toMatchObject({ failed: { length: 30 }, notTried: { length: 30 } })
})

test('targets that cannot be acted on', () => {
  expect(shortfall([done('a')], { refused })).toMatchObject({ outcome: 'partial', code: 'partial' })
  expect(shortfall([], { refused })).toMatchObject({ outcome: 'failed', code: 'account-not-found' })
})

test('the hint is that of the failure when nothing stands', () => {
  expect(shortfall([miss('a', lost), rest('b')])?.hint).toBe('look at the network')
})
