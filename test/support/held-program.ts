import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RigFacts } from '../../rig/host.ts'
import { until } from './change-watch.ts'
import { before, type HostProgram } from './docker-state.ts'

/** A program of a host whose calls of one kind wait until they are let go, as a slow download does. */
export interface Held extends Disposable {
  /** Waits until such a call has come. */
  reached(): Promise<void>
  /** Lets it, and all that follow, go on. */
  letGo(): void
}

/** Holds the calls whose words, each with a blank before and behind, fit a pattern of sh such as `*' pull '*`. */
export function held(rig: RigFacts, program: HostProgram, pattern: string): Held {
  const [hold, came] = [join(rig.dir, 'hold'), join(rig.dir, 'came')]
  writeFileSync(hold, '')
  rmSync(came, { force: true })
  const wait = `case " $* " in ${pattern}) : >${came}; while [ -e ${hold} ]; do sleep 0.05; done ;; esac`
  const heal = before(rig, program, wait)
  const letGo = (): void => rmSync(hold, { force: true })
  return {
    reached: () => until(() => existsSync(came), `a call of ${program} that fits ${pattern}`),
    letGo,
    [Symbol.dispose]() {
      letGo()
      heal()
    },
  }
}
