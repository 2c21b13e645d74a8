import { expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { splitByPlace } from '../../src/plan/parts.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { later } from '../../src/plan/steps/placeholders.ts'
import type { Step } from '../../src/plan/steps/step.ts'
import { xrpc } from '../../src/plan/steps/xrpc.ts'
import { checkOf, hostSteps, takedown } from '../support/plans.ts'

const planOf = (...items: (readonly Step[])[]): Plan<unknown> => ({
  title: 'it',
  confirm: 'it',
  items: items.map((steps) => ({ subject: 'it', steps, rows: [] })),
})
const [pull, put, wait] = hostSteps
const password = xrpc('set it', 'com.atproto.admin.updateAccountPassword', {
  did: 'did:plc:a',
  password: new Secret('x'),
})
const disable = (code: string) =>
  xrpc('disable it', 'com.atproto.admin.disableInviteCodes', { codes: [later(code)] })

test('steps of this machine stand before and after those of the host', () => {
  const parts = splitByPlace(planOf([], [takedown(0), pull, put, wait, checkOf(0, 'takendown')]))
  expect(parts).toEqual({ before: [takedown(0)], host: [pull, put, wait], after: [checkOf(0, 'takendown')] })
})

test('a plan without any is no change of the host', () => {
  expect(splitByPlace(planOf([takedown(0)], [takedown(1)]))).toBeUndefined()
})

test.each<[string, Plan<unknown>, RegExp]>([
  ['two items with steps', planOf([pull], [takedown(0)]), /one item/],
  [
    'steps of the host with another between',
    planOf([pull, takedown(0), put]),
    /xrpc step stands|follow each other/,
  ],
  ['a secret after', planOf([pull, password]), /secret/],
  ['a secret in what undoes a step before', planOf([{ ...takedown(0), undo: password }, pull]), /secret/],
  ['a value after that only this run knows', planOf([pull, disable('invite.code')]), /invite\.code/],
  [
    'such a value in what undoes a step before',
    planOf([{ ...takedown(0), undo: disable('host.x') }, pull]),
    /host\.x/,
  ],
  [
    'a file of this machine after',
    planOf([pull, { kind: 'save', why: 'save', path: '/x', content: '', mode: 0o600 }]),
    /save step/,
  ],
])('%s is refused as wrongly put together', (_, plan, message) => {
  expect(() => splitByPlace(plan)).toThrow(TypeError)
  expect(() => splitByPlace(plan)).toThrow(message)
})

test('a secret before the steps of the host is not written down, and may be', () => {
  expect(() => splitByPlace(planOf([password, pull, disable('host.code')]))).not.toThrow()
})
