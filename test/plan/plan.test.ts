import { expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { type HostPlan, itemsOf } from '../../src/plan/plan.ts'
import { later } from '../../src/plan/steps/placeholders.ts'
import type { Step } from '../../src/plan/steps/step.ts'
import { xrpc } from '../../src/plan/steps/xrpc.ts'
import { assertStorable } from '../../src/plan/storable.ts'
import { checkOf, hostSteps, partsOf, takedown } from '../support/plans.ts'

const planOf = (...steps: readonly Step[]): HostPlan<unknown> => ({
  on: 'host',
  title: 'it',
  confirm: 'it',
  subject: 'the host',
  ...partsOf(steps),
  rows: [],
})
const [pull, put, wait] = hostSteps
const password = xrpc('set it', 'com.atproto.admin.updateAccountPassword', {
  did: 'did:plc:a',
  password: new Secret('x'),
})
const disable = (code: string) =>
  xrpc('disable it', 'com.atproto.admin.disableInviteCodes', { codes: [later(code)] })

test('a change of the host is one target with all of its steps, in their order', () => {
  const steps = [takedown(0), pull, put, wait, checkOf(0, 'takendown')]
  expect(itemsOf(planOf(...steps))).toEqual([{ subject: 'the host', steps, rows: [] }])
})

test.each<[string, HostPlan<unknown>, RegExp]>([
  ['a secret after', planOf(pull, password), /secret/],
  ['a secret in what undoes a step before', planOf({ ...takedown(0), undo: password }, pull), /secret/],
  ['a value after that only this run knows', planOf(pull, disable('invite.code')), /invite\.code/],
  [
    'such a value in what undoes a step before',
    planOf({ ...takedown(0), undo: disable('host.x') }, pull),
    /host\.x/,
  ],
])('%s cannot be written down on the host', (_, plan, message) => {
  expect(() => assertStorable(plan)).toThrow(TypeError)
  expect(() => assertStorable(plan)).toThrow(message)
})

test('a secret before the steps of the host is not written down, and may be', () => {
  expect(() => assertStorable(planOf(password, pull, disable('host.code')))).not.toThrow()
})
