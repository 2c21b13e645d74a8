import { Failure } from '../../base/failure.ts'
import type { Secret } from '../../base/secret.ts'
import type { Store } from '../../store/store.ts'
import type { Proof } from './proof.ts'
import type { PasswordSources } from './tools.ts'

/** Brings the admin password to where a copy of it is kept. Safe to repeat. */
export interface StoreStep {
  readonly kind: 'store'
  readonly why: string
  /** `discard` gives the pending one up, and leaves the password of pds.env as the current one. */
  readonly action: 'write pending' | 'mark current' | 'discard'
  /** What `storeLabel` calls it. */
  readonly store: string
  /** `of pds.env` is the one that stands there when the step is carried out, so that the step itself holds none. */
  readonly secret: Secret | 'of pds.env'
  readonly proof?: Proof | undefined
  /** Done too when the step itself has failed: it may have been half done. */
  readonly undo?: StoreStep | undefined
}

/** A step about the admin password in a store. */
export const storeStep = (
  action: StoreStep['action'],
  store: string,
  secret: StoreStep['secret'],
  extras: Pick<StoreStep, 'proof' | 'undo'> = {},
): StoreStep => ({ kind: 'store', why: whys[action](store), action, store, secret, ...extras })

const whys = {
  'write pending': (store: string) => `Keep the new password in ${store}, as pending`,
  'mark current': (store: string) => `Make the new password the current one in ${store}`,
  discard: (store: string) => `Give the new password up in ${store}; the old one works`,
} as const

/** What such a step does, as a person would be told to do it by hand. */
export function showStoreStep({ action, store, secret }: StoreStep): string {
  const which = secret === 'of pds.env' ? 'the admin password of pds.env' : 'the new admin password'
  return action === 'write pending'
    ? `put ${which} into ${store} as the pending one`
    : `put ${which} into ${store} as the current one, and remove the pending one beside it`
}

/** Carries out a step about a store. */
export async function runStoreStep(step: StoreStep, vault: PasswordSources): Promise<void> {
  const secret = step.secret === 'of pds.env' ? await vault.currentPassword() : step.secret
  const store = await vault.store(step.store)
  switch (step.action) {
    case 'write pending':
      return await store.writePending(secret)
    case 'mark current':
      return await store.markCurrent(secret)
    case 'discard':
      return await giveUp(store, secret)
  }
}

/** The new one may have been marked as current already; then the one that works takes its place again. */
async function giveUp(store: Store, working: Secret): Promise<void> {
  // Nobody can look which one it has; this gives up the pending one as well.
  if (store.readable === 'no') return await store.markCurrent(working)
  await store.discard(working)
  const current = await currentOf(store)
  if (current?.reveal() === working.reveal()) return
  try {
    await store.markCurrent(working)
  } catch (cause) {
    // A store that was empty before may stay so.
    if (current !== undefined || !(cause instanceof Failure)) throw cause
  }
}

/** A field that is not there yet is as one that is empty. */
async function currentOf(store: Store): Promise<Secret | undefined> {
  try {
    return (await store.read()).current
  } catch (cause) {
    if (cause instanceof Failure && cause.code === 'store-no-field') return undefined
    throw cause
  }
}
