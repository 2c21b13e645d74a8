import { expect, test } from 'vitest'
import { unreachable } from '../../../src/base/failure.ts'
import type { ChangeEvent, ChangePlan, Pending } from '../../../src/host/change/change.ts'
import type { StoreScript } from '../../support/scripted-store.ts'
import { errorOf, type Ran } from '../../support/world.ts'
import { passwordIn, type Rotating, type RotatingScript, rotating, storeName } from './rotating.ts'

/** A rotation of which the line was lost while the host worked; the store holds the new one as pending. */
async function cutOff(store?: StoreScript): Promise<{ it: Rotating; plan: ChangePlan }> {
  const it = rotating(store)
  const changes = { lost: { run: unreachable('link-lost', 'the line is gone') } }
  const ran = await it.world(undefined, { changes }).run('admin-password', 'rotate', '--yes')
  const plan = ran.hostChanges[0]?.plan
  if (ran.code !== 5 || !plan || it.store.pending === undefined) throw new Error(ran.stderr)
  return { it, plan }
}

const done = (...indices: number[]): ChangeEvent[] =>
  indices.flatMap((index) => [{ kind: 'begin', index } as const, { kind: 'done', index } as const])

/** What the host did by itself, up to that. */
function hostDid(it: Rotating): void {
  const next = it.store.pending ?? ''
  it.former = it.text
  it.text = it.text.replace('=admin-password', `=${next}`)
  it.pds.adminPassword = next
}

async function recover(
  it: Rotating,
  pending: Pending,
  { undo, store, ...script }: RotatingScript & { readonly undo?: 'yes'; readonly store?: string } = {},
): Promise<Ran> {
  const words = [
    'recover',
    '--yes',
    '--json',
    ...(undo ? ['--undo'] : []),
    ...(store ? ['--store', store] : []),
  ]
  return await it.world(undefined, { pending, ...script }).run(...words)
}

const pendingOf = (plan: ChangePlan, events: ChangeEvent[], end?: Pending['end']): Pending => ({
  state: 'cut off',
  holder: plan,
  plan,
  events,
  end,
})

test('the host was done: the proof and the store follow, from what stands there now', async () => {
  const { it, plan } = await cutOff()
  hostDid(it)
  const ran = await recover(it, pendingOf(plan, done(0, 1, 2, 3, 4, 5), { kind: 'done', facts: {} }))
  expect(ran.code, ran.stderr).toBe(0)
  expect(passwordIn(it.text)).toMatch(/^[0-9a-f]{32}$/)
  expect([it.store.current, it.store.pending]).toEqual([passwordIn(it.text), undefined])
  expect(ran.happened.filter((what) => what === 'ask as admin')).toHaveLength(2)
})

test('the host had not begun: the store gives the new one up, and the old one is proven', async () => {
  const { it, plan } = await cutOff()
  const ran = await recover(it, pendingOf(plan, [{ kind: 'begin', index: 0 }]))
  expect(ran.code, ran.stderr).toBe(0)
  expect([it.store.current, it.store.pending]).toEqual(['admin-password', undefined])
  expect(ran.happened).toContain('ask as admin')
})

test.each(['yes', 'no'] as const)(
  'asked to turn back after the store (readable: %s) was marked, it has the old one again',
  async (readable) => {
    const { it, plan } = await cutOff({ current: 'admin-password', readable })
    it.store.current = it.store.pending
    it.store.pending = undefined
    const ran = await recover(it, pendingOf(plan, done(0, 1, 2, 3, 4, 5, 6, 7)), { undo: 'yes' })
    expect(ran.code, ran.stderr).toBe(0)
    expect([it.store.current, it.store.pending]).toEqual(['admin-password', undefined])
  },
)

test('a store that only the host names is neither written nor run, and the change is left as it stands', async () => {
  const { it, plan } = await cutOff()
  hostDid(it)
  it.store.asked.length = 0
  const password = { rotateEvery: undefined, store: 'file:/mine' }
  const ran = await recover(it, pendingOf(plan, done(0, 1, 2, 3, 4, 5)), { password })
  expect(ran.code).toBe(2)
  expect(errorOf(ran)).toMatchObject({
    code: 'store-not-configured',
    message: expect.stringContaining(storeName),
  })
  expect(it.store.asked).toEqual([])
  expect(ran.hostChanges).toEqual([])
})

test('a store that the operator names too is taken up', async () => {
  const { it, plan } = await cutOff()
  hostDid(it)
  const pending = pendingOf(plan, done(0, 1, 2, 3, 4, 5))
  const ran = await recover(it, pending, {
    password: { rotateEvery: undefined, store: undefined },
    store: storeName,
  })
  expect(ran.code, ran.stderr).toBe(0)
  expect([it.store.current, it.store.pending]).toEqual([passwordIn(it.text), undefined])
  const other = await recover(it, pending, { store: 'file:/another' })
  expect(other.code).toBe(2)
  expect(errorOf(other)).toMatchObject({ code: 'store-not-configured' })
})

test.each([
  ['a secret', { secret: 'hunter2' }],
  ['another action', { action: 'delete' }],
  ['a field more', { line: 'rm' }],
])('a step about a store with %s is not taken up', async (_, more) => {
  const { it, plan } = await cutOff()
  hostDid(it)
  const [check, mark] = plan.after as [object, object]
  const bent = { ...plan, after: [check, { ...mark, ...more }] }
  const ran = await recover(it, pendingOf(bent, done(0, 1, 2, 3, 4, 5)))
  expect(ran.code).toBe(1)
  expect(errorOf(ran).code).toBe('step-unknown')
})
