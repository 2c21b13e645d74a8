import type { Failure } from '../../src/base/failure.ts'
import { Secret } from '../../src/base/secret.ts'
import type { Store } from '../../src/store/store.ts'

/** What a scripted store holds and how it goes wrong. */
export interface StoreScript {
  readonly current?: string | undefined
  readonly pending?: string | undefined
  readonly readable?: 'yes' | 'no'
  /** Each strikes once. */
  readonly faults?: Partial<Record<'check' | 'read' | 'writePending' | 'markCurrent' | 'discard', Failure>>
}

/** A store that keeps what it is told in memory, and each thing that was asked of it. */
export interface ScriptedStore {
  readonly open: (name: string) => Store
  readonly asked: string[]
  current: string | undefined
  pending: string | undefined
}

/** Makes one; whatever name it is opened by, it is the same. */
export function scriptedStore(script: StoreScript = {}): ScriptedStore {
  const { readable = 'yes' } = script
  const faults = { ...script.faults }
  const asked: string[] = []
  const kept: ScriptedStore = { open, asked, current: script.current, pending: script.pending }
  const turn = async (action: keyof NonNullable<StoreScript['faults']>, name: string): Promise<void> => {
    asked.push(`${action} ${name}`)
    const fault = faults[action]
    delete faults[action]
    if (fault) throw fault
  }
  const secret = (value: string | undefined) => (value === undefined ? undefined : new Secret(value))
  function open(name: string): Store {
    return {
      name,
      readable,
      check: () => turn('check', name),
      async read() {
        await turn('read', name)
        return { current: secret(kept.current), pending: secret(kept.pending) }
      },
      async writePending(next) {
        // One that fails may have done half of it.
        kept.pending = next.reveal()
        await turn('writePending', name)
      },
      async markCurrent(now) {
        kept.current = now.reveal()
        await turn('markCurrent', name)
        kept.pending = undefined
      },
      async discard() {
        await turn('discard', name)
        kept.pending = undefined
      },
    }
  }
  return kept
}
