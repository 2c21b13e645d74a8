import { visible } from '../../base/sanitize.ts'
import type { ChangeEvent } from '../../host/change/change.ts'
import type { Terminal } from '../terminal/terminal.ts'

/** What is told of a change while it happens. */
export type Follow = (steps: readonly { readonly why: string }[]) => (event: ChangeEvent) => void

/** Tells nothing. */
export const silent: Follow = () => () => {}

/** A line on standard error for each step that ended, and a status line with the newest output of the one under way. */
export const followOn =
  (terminal: Terminal, now: () => number = () => performance.now()): Follow =>
  (steps) => {
    const begun = new Map<number, number>()
    const name = (index: number): string => steps[index]?.why ?? `step ${index + 1}`
    const number = (index: number): string => {
      const total = String(steps.length)
      return ` ${String(index + 1).padStart(total.length)}/${total}`
    }
    const aside = ' '.repeat(number(0).length)
    const line = (head: string, index: number, end: string): void => {
      const since = begun.get(index)
      begun.delete(index)
      const took = since === undefined ? '' : ` (${((now() - since) / 1000).toFixed(1)} s)`
      void terminal.stderr.write(`${head} ${visible(name(index))} … ${end}${took}\n`)
    }
    const begin = (head: string, index: number): void => {
      begun.set(index, now())
      terminal.progress(`${head} ${name(index)} …`)
    }
    return (event) => {
      const { index } = event
      switch (event.kind) {
        case 'begin':
          return begin(number(index), index)
        case 'said':
          return terminal.progress(`${number(index)} ${name(index)}: ${event.text}`)
        case 'done':
          return line(number(index), index, 'done')
        case 'failed':
          return line(number(index), index, 'failed')
        case 'undo':
          return begin(`${aside} undoing:`, index)
        case 'undone':
          return line(aside, index, 'undone')
        case 'undo failed':
          return line(aside, index, 'NOT undone')
      }
    }
  }
