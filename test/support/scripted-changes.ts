import type { Failure } from '../../src/base/failure.ts'
import type {
  Change,
  ChangeEnd,
  ChangeEvent,
  ChangePlan,
  Changes,
  Fault,
  Holder,
  Pending,
} from '../../src/host/change/change.ts'
import type { HostStep } from '../../src/host/change/step.ts'
import { showStep } from '../../src/plan/steps/show-step.ts'

/** How changes of a host go. */
export interface ChangesScript {
  /** What the host finds out. */
  readonly facts?: Readonly<Record<string, string | number>>
  /** Steps of the host that fail, by their index among all steps. */
  readonly faults?: Readonly<Record<number, Fault>>
  /** Steps that cannot be undone, by index. */
  readonly stuck?: Readonly<Record<number, Fault>>
  /** What a step prints while it runs, by index. */
  readonly says?: Readonly<Record<number, string>>
  /** Why nothing can be begun, adopted or broken; asked each time. */
  readonly busy?: Failure | (() => Failure | undefined)
  /** Where the line is lost. */
  readonly lost?: Partial<Record<'run' | 'undo' | 'mark' | 'close', Failure>>
  /** What a step comes to, once it is done. */
  readonly carried?: (step: HostStep) => void
  /** What undoing a step comes to. */
  readonly undone?: (step: HostStep) => void
  /** What happens before a step is begun, such as Ctrl-C. */
  readonly before?: (index: number) => void
  readonly pending?: Pending | undefined
  /** What stands there once it is adopted, where another went on with it meanwhile. */
  readonly adopted?: Pending
}

/** What became of a change to the host, and the plan that was written down for it. */
export interface HostChange {
  readonly kind: 'begin' | 'adopt' | 'close' | 'leave' | 'break lock'
  readonly plan?: ChangePlan
  readonly holder?: Holder | string
  readonly unverified?: 'allowed'
}

/** Where all that is asked for is kept. */
export interface Keep {
  readonly happens: (what: string) => void
  readonly problem: (text: string) => Error
  readonly steps: string[]
  readonly changes: HostChange[]
}

/** Changes that go as they are told to, and of which all is kept; what nobody scripted is a problem. */
export function scriptedChanges(script: ChangesScript, keep: Keep): Changes {
  const note = (change: HostChange): void => {
    keep.changes.push(change)
    keep.happens(`${change.kind} change`)
  }
  const refuse = (): void => {
    const busy = typeof script.busy === 'function' ? script.busy() : script.busy
    if (busy) throw busy
  }
  return {
    async begin(plan, steps) {
      refuse()
      if (JSON.stringify(plan).includes('‹secret›')) throw keep.problem('the plan on the host has a secret')
      note({ kind: 'begin', plan: JSON.parse(JSON.stringify(plan)) as ChangePlan })
      return scriptedChange(script, keep, { plan, steps, events: [], before: script.pending }, note)
    },
    async adopt(id, holder, unverified) {
      refuse()
      const before = script.adopted ?? script.pending
      const { plan, events } = before ?? {}
      if (!plan || plan.id !== id) throw keep.problem(`no change ${id} stands on the host`)
      note({ kind: 'adopt', holder, ...(unverified && { unverified }) })
      return scriptedChange(script, keep, { plan, steps: undefined, events: events ?? [], before }, note)
    },
    async breakLock(holder) {
      refuse()
      note({ kind: 'break lock', holder })
    },
  }
}

interface Standing {
  readonly plan: ChangePlan
  readonly steps: readonly HostStep[] | undefined
  readonly events: readonly ChangeEvent[]
  readonly before: Pending | undefined
}

function scriptedChange(
  script: ChangesScript,
  keep: Keep,
  { plan, steps, events, before }: Standing,
  note: (change: HostChange) => void,
): Change {
  let over = false
  const lose = (where: keyof NonNullable<ChangesScript['lost']>): void => {
    if (over) throw keep.problem(`${where} of a change that is closed or left`)
    const failure = script.lost?.[where]
    if (failure) throw failure
  }
  const first = plan.steps.findIndex(({ by }) => by === 'host')
  const indices = plan.steps.flatMap(({ by }, index) => (by === 'host' ? [index] : []))
  const is = (kind: ChangeEvent['kind'], index: number): boolean =>
    events.some((event) => event.kind === kind && event.index === index)
  const begun = new Set(indices.filter((index) => is('begin', index)))
  const line = (index: number): string => {
    const step = steps?.[index - first]
    return step ? showStep(step) : (plan.steps[index]?.does ?? '')
  }
  const back = async (on: (event: ChangeEvent) => void, index: number, why: Fault): Promise<ChangeEnd> => {
    const notUndone: { index: number; why: Fault }[] = []
    for (const at of [...begun].toReversed()) {
      keep.steps.push(`undo ${line(at)}`)
      on({ kind: 'undo', index: at })
      const fault = script.stuck?.[at]
      const step = steps?.[at - first]
      if (step && !fault) script.undone?.(step)
      if (fault) notUndone.push({ index: at, why: fault })
      on(fault ? { kind: 'undo failed', index: at, why: fault } : { kind: 'undone', index: at })
    }
    begun.clear()
    return notUndone.length > 0 ? { kind: 'stuck', index, why, notUndone } : { kind: 'undone', index, why }
  }
  return {
    plan,
    before,
    async run(on, stop) {
      lose('run')
      for (const index of indices.filter((at) => !is('done', at))) {
        script.before?.(index)
        if (stop.aborted) return await back(on, index, { code: 'stopped', message: 'it was stopped' })
        keep.steps.push(line(index))
        keep.happens(`host ${index + 1}`)
        begun.add(index)
        on({ kind: 'begin', index })
        const [text, fault] = [script.says?.[index], script.faults?.[index]]
        if (text !== undefined) on({ kind: 'said', index, text })
        if (fault) {
          on({ kind: 'failed', index, why: fault })
          return await back(on, index, fault)
        }
        const step = steps?.[index - first]
        if (step) script.carried?.(step)
        on({ kind: 'done', index })
      }
      return { kind: 'done', facts: script.facts ?? {} }
    },
    async undo(on) {
      lose('undo')
      return await back(on, first, { code: 'undone', message: 'it was told to' })
    },
    async mark(event, index) {
      lose('mark')
      keep.happens(`${event} ${index + 1}`)
    },
    async close() {
      lose('close')
      over = true
      note({ kind: 'close' })
    },
    async leave() {
      over = true
      note({ kind: 'leave' })
    },
  }
}
