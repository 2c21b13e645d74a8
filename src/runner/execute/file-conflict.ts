import { maskText } from '../../base/mask-secrets.ts'
import type { HostView } from '../../host/access/host.ts'
import type { WriteStep } from '../../host/change/step.ts'
import { diffSettings } from '../../host/env/diff.ts'
import { ask } from '../../ssh/shell.ts'
import { asFailure } from './local-step.ts'

/** What another has changed in a file since a plan was made from it, a line each, with secrets masked. */
export async function changedMeanwhile(
  { path, was, holds }: WriteStep,
  host: Pick<HostView, 'ask'>,
): Promise<readonly string[]> {
  try {
    const { code, stdout, stderr } = await host.ask(ask`cat -- ${path}`)
    if (code !== 0) return [`what it holds now cannot be read: ${stderr.trim()}`]
    const lines = holds === 'settings' ? diffSettings(was.reveal(), stdout) : diffLines(was.reveal(), stdout)
    return ['what has changed in it meanwhile:', ...lines.map((line) => `  ${line}`)]
  } catch (cause) {
    return [`what it holds now cannot be read: ${asFailure(cause).message}`]
  }
}

/** The lines that differ between two texts, in order, with secrets masked: those that are gone behind `- `, new ones behind `+ `. */
export function diffLines(was: string, now: string): string[] {
  const [old, young] = [was.split('\n'), now.split('\n')]
  let [start, end] = [0, 0]
  while (start < Math.min(old.length, young.length) && old[start] === young[start]) start++
  const least = Math.min(old.length, young.length) - start
  while (end < least && old.at(-1 - end) === young.at(-1 - end)) end++
  return between(old.slice(start, old.length - end), young.slice(start, young.length - end))
}

/** The shortest way from one list of lines to another, by their longest common subsequence. */
function between(old: readonly string[], young: readonly string[]): string[] {
  const common = old.map(() => new Uint32Array(young.length + 1))
  common.push(new Uint32Array(young.length + 1))
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0
  for (let i = old.length - 1; i >= 0; i--)
    for (let j = young.length - 1; j >= 0; j--)
      (common[i] as Uint32Array)[j] =
        old[i] === young[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  const lines: string[] = []
  let [i, j] = [0, 0]
  while (i < old.length || j < young.length) {
    if (i < old.length && j < young.length && old[i] === young[j]) [i, j] = [i + 1, j + 1]
    else if (i < old.length && (j === young.length || at(i + 1, j) >= at(i, j + 1)))
      lines.push(`- ${maskText(old[i++] ?? '')}`)
    else lines.push(`+ ${maskText(young[j++] ?? '')}`)
  }
  return lines
}
