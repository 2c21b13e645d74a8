import { visible } from '../../base/sanitize.ts'
import type { Output, OutputStream } from './terminal.ts'
import { fitTo } from './text-width.ts'

/** A status line at the end of a terminal. */
export interface ProgressLine {
  show(text: string): void
  clear(): void
  /** Clears it, and shows nothing any more. */
  end(): void
}

/** Milliseconds between two states of the line, so that a fast job does not drown in drawing. */
const rest = 80

const erase = '\r\u001b[K'

/** A status line on a stream, or nothing at all when it is not a terminal to draw on. */
export function progressLine(stream: OutputStream, output: Output | undefined): ProgressLine {
  if (!output) return { show: () => {}, clear: () => {}, end: () => {} }
  let drawn = false
  let over = false
  let last = Number.NEGATIVE_INFINITY
  let due: NodeJS.Timeout | undefined
  const clear = (): void => {
    clearTimeout(due)
    due = undefined
    if (drawn) stream.write(erase)
    drawn = false
  }
  const draw = (text: string): void => {
    clearTimeout(due)
    due = undefined
    last = performance.now()
    drawn = true
    stream.write(`${erase}${fitTo(visible(text), output.columns - 1)}`)
  }
  const show = (text: string): void => {
    if (over) return
    const wait = last + rest - performance.now()
    clearTimeout(due)
    if (text === '') clear()
    else if (wait <= 0) draw(text)
    else due = setTimeout(draw, wait, text).unref()
  }
  const end = (): void => {
    over = true
    clear()
  }
  return { show, clear, end }
}
