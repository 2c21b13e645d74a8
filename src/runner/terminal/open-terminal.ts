import { fstatSync } from 'node:fs'
import { openOutput } from './output.ts'
import { prompts } from './prompt.ts'
import { progressLine } from './status-line.ts'
import { standardInput } from './stdin.ts'
import type { InputStream, Output, OutputStream, Terminal, TerminalParts } from './terminal.ts'

/** Opens the terminal of a process, or of a test. */
export function openTerminal(parts: TerminalParts): Terminal {
  const { env, noInput, color, quiet = false } = parts
  const dumb = env.TERM === 'dumb'
  const rules = { env, color }
  const apart = isFile(parts.stdout)
  // A result ends on the same screen, behind a pipe too, and nobody knows when: the line leaves it to that for good.
  const stdout = openOutput(parts.stdout, rules, 'result', () => apart || line.end())
  const notes = openOutput(parts.stderr, rules, 'notes', () => line.clear())
  let paging: Promise<unknown> | undefined
  const stderr: Output = {
    ...notes,
    get columns() {
      return notes.columns
    },
    write: (text) => (paging ? paging.then(() => notes.write(text)) : notes.write(text)),
  }
  const line = progressLine(parts.stderr, stderr.tty && !dumb && !quiet ? stderr : undefined)
  const input = standardInput(() => parts.stdin, parts.signal)
  let tty: InputStream | undefined
  const person = (): InputStream | undefined => {
    if (parts.stdin.isTTY === true) return parts.stdin
    if (!input.wasRead()) return undefined
    if (!tty || tty.destroyed) tty = parts.openTty?.()
    return tty
  }
  const asking = prompts(parts, () => person() ?? parts.stdin, line.clear)
  let spent = 0
  const timed = async <T>(work: Promise<T>): Promise<T> => {
    const began = performance.now()
    try {
      return await work
    } finally {
      spent += performance.now() - began
    }
  }
  return {
    get interactive() {
      return !noInput && !dumb && stderr.tty && person() !== undefined
    },
    stdout,
    stderr,
    ask: (question) => timed(asking.ask(question)),
    askSecret: (question) => timed(asking.askSecret(question)),
    confirm: (question) => timed(asking.confirm(question)),
    answering: () => spent,
    progress: line.show,
    async page(text, to) {
      line.clear()
      const { showPaged } = await import('./pager.ts')
      return await timed(showPaged(text, to, to === 'stdout' ? stdout : stderr, parts))
    },
    async openPaged(wish) {
      const { rows = 0 } = parts.stdout
      const plain = { ...stdout, columns: stdout.columns, end: async () => {} }
      if (wish === 'no pager' || !stdout.tty || rows === 0 || noInput || parts.stdin.isTTY !== true)
        return plain
      const [{ pagerOf }, { pagedOutput, startPager }] = await Promise.all([
        import('./pager.ts'),
        import('./paged-output.ts'),
      ])
      const program = pagerOf(parts)
      if (program === undefined) return plain
      const start = () => {
        line.end()
        const pager = startPager(program)
        paging = pager.left
        return pager
      }
      return pagedOutput(stdout, { rows, start })
    },
    readAll: input.readAll,
    readLine: input.readLine,
  }
}

function isFile({ fd }: OutputStream): boolean {
  try {
    return fd !== undefined && fstatSync(fd).isFile()
  } catch {
    return false
  }
}
