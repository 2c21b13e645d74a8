import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openOutput } from './output.ts'
import { linesOf } from './pager.ts'
import type { Output, PagedOutput } from './terminal.ts'

/** A pager that runs: what it is given, and when the person has left it. */
export interface Pager {
  readonly input: NodeJS.WritableStream
  readonly left: Promise<unknown>
}

/** Where a long text goes: a screen of so many lines, and what starts its pager. */
export interface Paging {
  readonly rows: number
  start(): Pager
}

/**
 * A terminal whose text goes to a pager from the line on that does not fit. Who leaves the pager reads no more, which
 * ends what writes to it.
 */
export function pagedOutput(output: Output, { rows, start }: Paging): PagedOutput {
  let held = ''
  let to: (Output & Pager) | undefined
  let ended: Promise<unknown> | undefined
  return {
    tty: true,
    color: output.color,
    get columns() {
      return output.columns
    },
    async write(text) {
      if (to) return await to.write(text)
      held += text
      if (linesOf(held, output.columns) < rows) return true
      const pager = start()
      to = { ...pager, ...openOutput(pager.input, { env: {}, color: true }, 'result') }
      return await to.write(held)
    },
    async end() {
      to?.input.end()
      ended ??= to ? to.left : output.write(held)
      await ended
    },
  }
}

/** Starts a pager on standard output; where there is no such program, the text is written as it is. */
export function startPager(line: string): Pager {
  const words = ['-c', `${line}\n[ $? -ne 127 ] || exec cat`]
  const child = spawn('sh', words, { stdio: ['pipe', 'inherit', 'inherit'] })
  return { input: child.stdin, left: once(child, 'close').catch(() => {}) }
}
