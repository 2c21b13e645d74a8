import { loadExeca } from '../../base/local-program.ts'
import type { Output, RunPager, TerminalParts } from './terminal.ts'
import { widthOf } from './text-width.ts'

/** What shows a text that is longer than the screen, where PAGER does not say: colours kept, and gone if it fits. */
const usual = 'less -FRX'

/** The command line of the pager; undefined where none is wanted. */
export function pagerOf({ env, pager = true }: TerminalParts): string | undefined {
  if (!pager || env.TERM === 'dumb') return undefined
  const wanted = env.PAGER?.trim() ?? usual
  return wanted === '' || wanted === 'cat' ? undefined : wanted
}

/** Writes a text to a terminal, through a pager where it does not fit on the screen. */
export async function showPaged(
  text: string,
  to: 'stdout' | 'stderr',
  output: Output,
  parts: TerminalParts,
): Promise<'written' | 'paged'> {
  const line = pagerOf(parts)
  const rows = parts[to].rows ?? 0
  if (output.tty && line !== undefined && rows > 0 && linesOf(text, output.columns) >= rows) {
    const { runPager = runProgram, signal } = parts
    if ((await runPager(line, text, to === 'stdout' ? 1 : 2, signal)) !== notFound) return 'paged'
  }
  await output.write(text)
  return 'written'
}

/** What a shell ends with that has no such program. */
const notFound = 127

/** How many lines of the screen a text takes. */
export const linesOf = (text: string, columns: number): number =>
  text
    .trimEnd()
    .split('\n')
    .reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line.replace(colours, '')) / columns)), 0)

const colours = /\u001b\[[0-9;]*m/g

const runProgram: RunPager = async (line, text, to, signal) => {
  const execa = await loadExeca()
  const { exitCode } = await execa('sh', ['-c', line], {
    input: text,
    stdout: to,
    stderr: 2,
    reject: false,
    ...(signal && { cancelSignal: signal }),
  })
  return exitCode ?? 0
}
