import { fstatSync } from 'node:fs'
import { openOutput } from './output.ts'
import { prompts } from './prompt.ts'
import { progressLine } from './status-line.ts'
import { standardInput } from './stdin.ts'
import type { OutputStream, Terminal, TerminalParts } from './terminal.ts'

/** Opens the terminal of a process, or of a test. */
export function openTerminal(parts: TerminalParts): Terminal {
  const { env, noInput, color, quiet = false } = parts
  const dumb = env.TERM === 'dumb'
  const rules = { env, color }
  const apart = isFile(parts.stdout)
  // A result ends on the same screen, behind a pipe too, and nobody knows when: the line leaves it to that for good.
  const stdout = openOutput(parts.stdout, rules, 'result', () => apart || line.end())
  const stderr = openOutput(parts.stderr, rules, 'notes', () => line.clear())
  const line = progressLine(parts.stderr, stderr.tty && !dumb && !quiet ? stderr : undefined)
  return {
    get interactive() {
      return !noInput && !dumb && parts.stdin.isTTY === true && stderr.tty
    },
    stdout,
    stderr,
    ...prompts(parts, line.clear),
    progress: line.show,
    ...standardInput(() => parts.stdin, parts.signal),
  }
}

function isFile({ fd }: OutputStream): boolean {
  try {
    return fd !== undefined && fstatSync(fd).isFile()
  } catch {
    return false
  }
}
