import { describe, expect, test } from 'vitest'
import type { Failure } from '../../../src/base/failure.ts'
import { Secret } from '../../../src/base/secret.ts'
import { later } from '../../../src/plan/steps/placeholders.ts'
import type { Proof } from '../../../src/plan/steps/proof.ts'
import { contains, verify, verifyStatuses } from '../../../src/runner/execute/verify.ts'
import { failureOf } from '../../support/failing.ts'
import { scriptedPds } from '../../support/scripted-pds.ts'
import { didOf } from '../../support/scripted-state.ts'

const did = didOf('alice.test')

describe('contains', () => {
  test.each<[unknown, unknown]>([
    [1, 1],
    [null, null],
    [{ a: 1, b: 2 }, { a: 1 }],
    [{ a: { b: [1, 2] } }, { a: { b: [2] } }],
    [[{ a: 1 }, { a: 2 }], [{ a: 2 }]],
    [[1, 2], []],
    [{ a: undefined }, { a: undefined }],
  ])('%j holds %j', (actual, expected) => {
    expect(contains(actual, expected)).toBe(true)
  })

  test.each<[unknown, unknown]>([
    [1, '1'],
    [null, {}],
    [undefined, { a: 1 }],
    [{ a: 1 }, { a: 2 }],
    [{}, { a: null }],
    ['ab', ['a']],
    [[{ a: 1 }], [{ a: 1 }, { a: 2 }]],
    [{ 0: 1 }, [1]],
  ])('%j does not hold %j', (actual, expected) => {
    expect(contains(actual, expected)).toBe(false)
  })
})

const world = () =>
  scriptedPds({
    pageSize: 1,
    accounts: [
      { handle: 'alice.test', password: 'correct horse' },
      { handle: 'bob.test', status: 'takendown' },
    ],
    invites: [{ code: 'open' }, { code: 'shut-1', disabled: true }, { code: 'shut-2', disabled: true }],
  })
const kept: Record<string, unknown> = { 'account.did': did }
const of = (place: string): unknown => kept[place]
const info = (params: object, expected: object): Proof =>
  ({ kind: 'query', nsid: 'com.atproto.admin.getAccountInfo', params, expect: expected }) as Proof
const login = (identifier: Extract<Proof, { kind: 'login' }>['identifier'], password: string): Proof => ({
  kind: 'login',
  identifier,
  password: new Secret(password),
})

describe('prove', () => {
  test.each<[string, Proof]>([
    ['what a query shows', info({ did }, { handle: 'alice.test' })],
    [
      'what a query shows of a later value',
      info({ did: later('account.did') }, { did: later('account.did') }),
    ],
    [
      'that invites are disabled, on whatever page',
      { kind: 'invites disabled', codes: ['shut-1', 'shut-2'] },
    ],
    ['that a password logs in', login(later('account.did'), 'correct horse')],
    ['that a password is taken of an account that is down', login('bob.test', 'password')],
  ])('%s', async (_, proof) => {
    expect(await verify(world(), proof, of)).toBeUndefined()
  })

  test.each<[string, Proof, string, 'failed' | 'partial']>([
    [
      'a query shows something else',
      info({ did }, { handle: 'bob.test' }),
      'getAccountInfo does not show the change',
      'failed',
    ],
    [
      'one code is open',
      { kind: 'invites disabled', codes: ['shut-1', 'open'] },
      'open can still be used',
      'partial',
    ],
    [
      'a code is gone',
      { kind: 'invites disabled', codes: ['nowhere'] },
      'nowhere can still be used',
      'failed',
    ],
    ['a password is refused', login(did, 'wrong'), 'a login with the new password is refused', 'partial'],
  ])('fails when %s', async (_, proof, words, outcome) => {
    const failure = await failureOf(verify(world(), proof, of))
    expect(failure).toMatchObject({ outcome, code: 'not-proven' })
    expect(failure.message).toContain(words)
    expect(failure.message).not.toContain('wrong')
  })

  test('a status is left to be read with the others', async () => {
    const pds = world()
    const proof: Proof = { kind: 'status', did: later('account.did'), status: 'takendown' }
    expect(await verify(pds, proof, of)).toEqual({ did, status: 'takendown' })
    expect(pds.asked).toEqual([])
  })
})

describe('statuses', () => {
  const [bob, gone] = [didOf('bob.test'), didOf('gone.test')]

  test('those that hold are told as they are', async () => {
    const proofs = [
      { did, status: 'active' },
      { did: bob, status: 'takendown' },
      { did: gone, status: 'deleted' },
    ]
    const told = new Map(proofs.map(({ did, status }) => [did, status]))
    expect(await verifyStatuses(world(), proofs)).toEqual(told)
    const either = [{ did: bob, status: 'active', or: ['takendown'] }]
    expect(await verifyStatuses(world(), either)).toEqual(new Map([[bob, 'takendown']]))
  })

  test('those that do not are told, with what they are', async () => {
    const proofs = [
      { did, status: 'takendown' },
      { did: bob, status: 'deleted' },
      { did: gone, status: 'active' },
    ]
    const wrong = await verifyStatuses(world(), proofs)
    expect([...wrong].map(([one, found]) => [one, (found as Failure).message.split(', but ')[1]])).toEqual([
      [did, `${did} is active, not takendown`],
      [bob, `${bob} is takendown, not deleted`],
      [gone, `${gone} is gone, not active`],
    ])
  })
})
