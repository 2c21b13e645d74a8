import type { Store } from './store.ts'

/** A store that keeps nothing: whoever uses it prints the password. */
export function stdoutStore(name: string): Store {
  const nothing = async () => {}
  return {
    name,
    readable: 'no',
    check: nothing,
    read: async () => ({ current: undefined, pending: undefined }),
    writePending: nothing,
    markCurrent: nothing,
    discard: nothing,
  }
}
