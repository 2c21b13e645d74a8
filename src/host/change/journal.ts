import type { ChangeEnd, ChangeEvent, ChangePlan, Fault } from './change.ts'

/** What the journal of a change says so far. */
export interface Journal {
  readonly events: readonly ChangeEvent[]
  readonly facts: Readonly<Record<string, string | number>>
  /** How the host's part ended, unless it was taken up again after that. */
  readonly end: ChangeEnd | undefined
}

const asked: Fault = { code: 'stopped', message: 'it was asked to be undone' }

/** Reads a journal line by line, as it grows; a line that was cut off in the middle is passed over. */
export class JournalReader {
  readonly #plan: ChangePlan | undefined
  readonly #events: ChangeEvent[] = []
  readonly #facts: Record<string, string | number> = {}
  #ended: ChangeEnd['kind'] | undefined

  constructor(plan: ChangePlan | undefined) {
    this.#plan = plan
  }

  /** Takes one line, and gives the event it is, if it is one. */
  read(line: string): ChangeEvent | undefined {
    const fact = /^fact ([A-Za-z][A-Za-z0-9]*) (.*)$/s.exec(line)
    if (fact) this.#facts[fact[1] ?? ''] = toValue(fact[2] ?? '')
    const end = /^end (done|undone|stuck)$/.exec(line)
    if (end) this.#ended = end[1] as ChangeEnd['kind']
    const event = toEvent(line)
    if (!event) return undefined
    if (this.#isOfHost(event.index)) this.#ended = undefined
    this.#events.push(event)
    return event
  }

  get now(): Journal {
    return { events: [...this.#events], facts: { ...this.#facts }, end: this.#end() }
  }

  /** What a step of the operator's machine does says nothing of how the host's part ended. */
  #isOfHost(index: number): boolean {
    return this.#plan?.steps[index]?.by !== 'operator'
  }

  #end(): ChangeEnd | undefined {
    switch (this.#ended) {
      case undefined:
        return undefined
      case 'done':
        return { kind: 'done', facts: { ...this.#facts } }
      case 'undone':
        return { kind: 'undone', ...this.#why(), ...this.#lost() }
      case 'stuck':
        return { kind: 'stuck', ...this.#why(), ...this.#lost(), notUndone: this.#notUndone() }
    }
  }

  #lost(): { readonly lost?: string } {
    const { lost } = this.#facts
    return lost === undefined ? {} : { lost: String(lost) }
  }

  #why(): { readonly index: number; readonly why: Fault } {
    const failed = this.#events.findLast((event) => event.kind === 'failed')
    if (failed?.kind === 'failed') return { index: failed.index, why: failed.why }
    const begun = this.#events.findLast((event) => event.kind === 'begin' && this.#isOfHost(event.index))
    const first = this.#plan?.steps.findIndex((step) => step.by === 'host') ?? 0
    return { index: begun?.index ?? first, why: asked }
  }

  #notUndone(): { readonly index: number; readonly why: Fault }[] {
    const last = new Map<number, ChangeEvent>()
    for (const event of this.#events) last.set(event.index, event)
    return [...last.values()].flatMap((event) =>
      event.kind === 'undo failed' ? [{ index: event.index, why: event.why }] : [],
    )
  }
}

function toEvent(line: string): ChangeEvent | undefined {
  if (line.endsWith('\x03')) return undefined
  const [, word, number, rest = ''] =
    /^(begin|done|undo|undone|failed|undo-failed) (\d{1,6})(?: (.*))?$/s.exec(line) ?? []
  const index = Number(number)
  switch (word) {
    case 'begin':
    case 'done':
    case 'undo':
    case 'undone':
      return rest === '' ? { kind: word, index } : undefined
    case 'failed':
      return { kind: 'failed', index, why: toFault(rest) }
    case 'undo-failed':
      return { kind: 'undo failed', index, why: toFault(rest) }
    default:
      return undefined
  }
}

function toFault(text: string): Fault {
  const [, code = '', message = ''] = /^(\S*) ?(.*)$/s.exec(text) ?? []
  return { code: code || 'failed', message: message.replaceAll('\r', '').replaceAll('\x01', '\n').trimEnd() }
}

const toValue = (text: string): string | number => (/^(0|[1-9]\d{0,14})$/.test(text) ? Number(text) : text)
