import { readFileSync, writeFileSync } from 'node:fs'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { runStoreStep, storeStep } from '../../src/plan/steps/store.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { Store } from '../../src/store/store.ts'
import { failureOf } from '../support/failing.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { shown } from './shown.ts'
import { watched } from './watched.ts'

const [old, next] = [new Secret('old-5ecret'), new Secret('n3xt-5ecret')]
const other = 'another-5ecret'
const name = 'op://Infra/kimbia.social/admin-password'
const base = '/nowhere'

let place: Scratch
const stateFile = () => place.file('state.json')
const item = {
  id: 'itemid',
  title: 'kimbia.social',
  category: 'PASSWORD',
  tags: ['pds'],
  sections: [{ id: 's1', label: 'Staging' }],
  fields: [
    { id: 'password', label: 'password', type: 'CONCEALED', purpose: 'PASSWORD', value: other },
    { id: 'f1', label: 'admin-password', type: 'CONCEALED', value: old.reveal() },
    {
      id: 'f2',
      label: 'admin-password',
      type: 'STRING',
      value: 'staging',
      section: { id: 's1', label: 'Staging' },
    },
  ],
}
const know = (state: object) =>
  writeFileSync(stateFile(), JSON.stringify({ vault: 'Infra', items: [item], ...state }))
const kept = () => JSON.parse(readFileSync(stateFile(), 'utf8')).items[0] as typeof item
const values = () => kept().fields.map(({ label, value }) => `${label}=${value}`)
const store = (as = name): Store => openStore(as, { base, hostName: 'kimbia' })
beforeEach(async () => {
  place = await scratch()
  know({})
  await mkdir(place.file('bin'))
  const program = join(import.meta.dirname, 'fake-op.ts')
  await writeFile(
    place.file('bin/op'),
    `#!/bin/sh\nexec '${process.execPath}' '${program}' '${stateFile()}' "$@"\n`,
  )
  await chmod(place.file('bin/op'), 0o755)
  vi.stubEnv('PATH', `${place.file('bin')}:${process.env.PATH}`)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  vi.useRealTimers()
  await place[Symbol.asyncDispose]()
})

describe('a rotation', () => {
  test('a password is pending beside the current one, then takes its place', async () => {
    const s = store()
    await s.check()
    expect(shown(await s.read())).toEqual(['old-5ecret', undefined])
    await s.writePending(next)
    expect(shown(await s.read())).toEqual(['old-5ecret', 'n3xt-5ecret'])
    expect(kept().fields.at(-1)).toMatchObject({ label: 'admin-password-pending', type: 'CONCEALED' })
    await s.markCurrent(next)
    await s.markCurrent(next)
    expect(shown(await s.read())).toEqual(['n3xt-5ecret', undefined])
    expect(values()).toEqual([`password=${other}`, 'admin-password=n3xt-5ecret', 'admin-password=staging'])
    expect(kept()).toMatchObject({ tags: ['pds'], sections: item.sections })
  })

  test('a pending password is given up', async () => {
    const s = store()
    await s.writePending(new Secret('first'))
    await s.writePending(next)
    await s.discard(old)
    await s.discard(old)
    expect(kept()).toEqual(item)
  })

  test('the first of all is given up where there is no field for it', async () => {
    const s = store('op://Infra/kimbia.social/first')
    await s.writePending(next)
    const vault = {
      store: async () => s,
      assertConfiguredStore: async () => {},
      currentPassword: async () => old,
    }
    const step = storeStep('discard', s.name, 'of pds.env')
    await runStoreStep(step, { ...vault, formerPassword: async () => next })
    expect(shown(await s.read())).toEqual(['old-5ecret', undefined])
  })

  test('in a section, and in one that is not there yet', async () => {
    const staging = store('op://infra/kimbia.social/staging/admin-password')
    expect(shown(await staging.read())).toEqual(['staging', undefined])
    await staging.writePending(next)
    await staging.markCurrent(next)
    expect(kept().fields[2]).toMatchObject({ value: 'n3xt-5ecret', type: 'CONCEALED' })
    expect(kept().fields[1]).toEqual(item.fields[1])
    const made = store('op://Infra/kimbia.social/Live/admin-password')
    await made.writePending(next)
    expect(shown(await made.read())).toEqual([undefined, 'n3xt-5ecret'])
    await made.markCurrent(next)
    expect(shown(await made.read())).toEqual(['n3xt-5ecret', undefined])
    expect(kept().sections.map(({ label }) => label)).toEqual(['Staging', 'Live'])
  })

  test('no secret is in words, in the environment, or to be seen by others', async () => {
    know({ mode: 'slow' })
    const s = store()
    const seen = await watched(async () => {
      await s.writePending(next)
      await s.read()
      await s.markCurrent(next)
    })
    expect(seen).toContain('fake-op.ts')
    expect(seen).toContain('edit')
    const calls = readFileSync(place.file('calls.jsonl'), 'utf8')
    expect(calls).toContain('"edit"')
    for (const text of [seen, calls])
      for (const secret of [old.reveal(), next.reveal(), other]) expect(text).not.toContain(secret)
  })

  test('an empty date, which op prints and does not take, is left out', async () => {
    const dated = { ...item, fields: [...item.fields, { id: 'd', label: 'until', type: 'DATE' }] }
    know({ items: [dated] })
    await store().writePending(next)
    expect(shown(await store().read())[1]).toBe('n3xt-5ecret')
  })
})

describe('what goes wrong', () => {
  test.each([
    ['signed out', { mode: 'signed out' }, name, 'store-locked', 'not currently signed in', 'op signin'],
    [
      'no such vault',
      {},
      'op://Infr/x/y',
      'store-no-vault',
      "isn't a vault in this account",
      'op vault list',
    ],
    [
      'no such item',
      {},
      'op://Infra/kimbia/y',
      'store-no-item',
      "isn't an item in",
      "op item create --category Password --vault 'Infra' --title 'kimbia'",
    ],
    [
      'no such field',
      {},
      'op://Infra/kimbia.social/y',
      'store-no-field',
      'no field “y”',
      "op item get 'kimbia.social'",
    ],
  ])('%s', async (_what, state, as, code, message, hint) => {
    know(state)
    const failure = await failureOf(store(as).read())
    expect(failure).toMatchObject({ outcome: 'failed', code })
    expect(failure.message).toContain(message)
    expect(failure.hint).toContain(hint)
  })

  test('op is not installed', async () => {
    vi.stubEnv('PATH', place.dir)
    const failure = await failureOf(store().check())
    expect(failure).toMatchObject({ code: 'store-tool-missing' })
    expect(failure.message).toContain('op, the 1Password CLI, cannot be run on this machine')
  })

  test('a Login is not changed, which may hold a passkey', async () => {
    know({ items: [{ ...item, category: 'LOGIN' }] })
    const before = kept()
    expect(await failureOf(store().check())).toMatchObject({ code: 'store-login-item' })
    expect(await failureOf(store().writePending(next))).toMatchObject({ code: 'store-login-item' })
    expect(kept()).toEqual(before)
    expect(shown(await store().read())[0]).toBe('old-5ecret')
  })

  test.each([
    ['that holds one already', 'admin-password'],
    ['whose first one is yet to come', 'first'],
  ])(
    'a name that op read does not take, of an item %s, is found before anything is written',
    async (_, field) => {
      know({ items: [{ ...item, title: 'PDS (kimbia)' }] })
      const before = kept()
      const failure = await failureOf(store(`op://Infra/PDS (kimbia)/${field}`).check())
      expect(failure).toMatchObject({ code: 'store-reference' })
      expect(failure.message).toContain(`op://Infra/PDS (kimbia)/${field}`)
      expect(failure.hint).toContain(`op://Infra/itemid/${field}`)
      expect(kept()).toEqual(before)
      await store(`op://Infra/itemid/${field}`).check()
    },
  )

  test('two fields of that name', async () => {
    const twice = [{ ...item.fields[1], id: 'f9' }, ...item.fields]
    know({ items: [{ ...item, fields: twice }] })
    const failure = await failureOf(store().read())
    expect(failure).toMatchObject({ code: 'store-ambiguous' })
    expect(failure.hint).toContain('op://Infra/kimbia.social/SECTION/admin-password')
  })

  test('a refusal is quoted without any secret of the item', async () => {
    know({ mode: 'refuses' })
    const failure = await failureOf(store().writePending(next))
    expect(failure).toMatchObject({ code: 'store-refused' })
    expect(failure.message).toContain('‹secret›')
    for (const secret of [old.reveal(), next.reveal(), other]) expect(failure.message).not.toContain(secret)
  })

  test.each<[string, (s: Store) => Promise<void>]>([
    ['pending', (s) => s.writePending(next)],
    ['current', (s) => s.markCurrent(next)],
  ])('a %s password that op takes and does not keep is found out', async (_slot, write) => {
    know({ mode: 'forgets' })
    expect(await failureOf(write(store()))).toMatchObject({ code: 'store-unverified' })
  })

  test('a prompt that nobody answers is waited for 60 s', async () => {
    know({ mode: 'stuck' })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: false })
    const failing = failureOf(store().check())
    let isOver = false
    failing.then(() => (isOver = true))
    await vi.waitFor(() => expect(readFileSync(place.file('calls.jsonl'), 'utf8')).toContain('get'), 20_000)
    await vi.advanceTimersByTimeAsync(59_000)
    expect(isOver).toBe(false)
    await vi.advanceTimersByTimeAsync(3_500)
    expect(await failing).toMatchObject({ code: 'store-timeout' })
  })
})

test.each(['op://a', 'op://a/b', 'op://a//c', 'op://a/b/c/d/e', 'op://-a/b/c', 'op://a/b/c?attribute=otp'])(
  '%s is not a reference',
  (as) => expect(() => store(as)).toThrow(`“${as}” is not a store`),
)
