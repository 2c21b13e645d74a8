import { failed } from '../../base/failure.ts'
import { type EnvEntry, type EnvFile, parseEnvFile } from './parse.ts'
import { type Quoting, spellValue } from './quote.ts'

/** What becomes of each setting: its new value, or undefined for one that is to be no more. */
export type EnvChanges = ReadonlyMap<string, string | undefined>

/** An env file with settings changed, and what else had to be done to it. */
export interface EnvEdit {
  readonly text: string
  /** Settings that stood more than once: where the one that is left stands, and where the others stood. */
  readonly collapsed: readonly {
    readonly key: string
    readonly line: number
    readonly gone: readonly number[]
  }[]
}

/**
 * Changes settings of an env file where they stand: comments, order, line ends and everything else stay as they are.
 * One that stood several times is left at its first place; a new one comes last. The result is read again with
 * compose's rules: a Failure is thrown unless exactly these settings have changed.
 */
export function editEnv(text: string, changes: EnvChanges, quoting: Quoting = 'none'): EnvEdit {
  const mark = text.startsWith('\uFEFF') ? '\uFEFF' : ''
  const source = text.slice(mark.length)
  const before = parseEnvFile(source)
  const starts = lineStarts(source)
  const cuts: Cut[] = []
  const collapsed: EnvEdit['collapsed'][number][] = []
  const added: string[] = []
  for (const [key, value] of changes) {
    const places = before.entries.filter((entry) => entry.key === key)
    refuseShared(places, before)
    const [first, ...others] = places
    for (const place of value === undefined ? places : others) cuts.push(wholeLines(place, starts, source))
    if (value === undefined) continue
    if (first === undefined) added.push(`${key}=${spellValue(key, value, quoting)}`)
    else if (first.value !== value || first.interpolated)
      cuts.push(inPlace(first, value, starts, source, quoting))
    if (first && others.length > 0)
      collapsed.push({ key, line: first.line, gone: others.map(({ line }) => line) })
  }
  const edited = mark + append(cutOut(source, cuts), added, source)
  verify(before, parseEnvFile(edited), changes)
  return { text: edited, collapsed }
}

/** A part of the text, and what comes in its place. */
interface Cut {
  readonly from: number
  readonly to: number
  readonly by: string
}

/** Offsets at which lines begin; the end of the text is the last one. */
function lineStarts(source: string): readonly number[] {
  const starts = [0]
  for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) starts.push(at + 1)
  return source.endsWith('\n') ? starts : [...starts, source.length]
}

const wholeLines = ({ line, lastLine }: EnvEntry, starts: readonly number[], source: string): Cut => ({
  from: starts[line - 1] ?? source.length,
  to: starts[lastLine] ?? source.length,
  by: '',
})

/** The value alone is replaced, with the blanks around the sign before it; what stands behind it stays. */
function inPlace(
  { key, line }: EnvEntry,
  value: string,
  starts: readonly number[],
  source: string,
  quoting: Quoting,
): Cut {
  const begin = starts[line - 1] ?? 0
  const head = /^[^=:\n]*[=:]/.exec(source.slice(begin))?.[0] ?? ''
  const sign = head.endsWith(':') ? ': ' : '='
  const least = begin + head.length
  const blanks = /^[\t\v\f\r \u0085\u00a0]*/.exec(source.slice(least))?.[0].length ?? 0
  return {
    from: begin + head.slice(0, -1).trimEnd().length,
    to: valueEnd(source, least + blanks, least),
    by: sign + spellValue(key, value, quoting),
  }
}

/** Where a value ends: behind its closing quote, or where only blanks, a comment or the line end follow. */
function valueEnd(source: string, start: number, least: number): number {
  const quote = source[start]
  if (quote === '"' || quote === "'") {
    for (let at = start + 1; at < source.length; at++) {
      if (source[at] === '\\') at++
      else if (source[at] === quote) return at + 1
    }
  }
  const newline = source.indexOf('\n', least)
  const line = source.slice(least, newline < 0 ? source.length : newline).replace(/\r$/, '')
  const value = (line.split(' #', 1)[0] ?? '').trimEnd()
  return least + (line.trimEnd() === value ? line.length : value.length)
}

function cutOut(source: string, cuts: readonly Cut[]): string {
  let [text, at] = ['', 0]
  for (const { from, to, by } of cuts.toSorted((a, b) => a.from - b.from)) {
    text += source.slice(at, from) + by
    at = to
  }
  return text + source.slice(at)
}

/** New lines come last, each ended as the last line before is. */
function append(text: string, lines: readonly string[], source: string): string {
  if (lines.length === 0) return text
  const end = /\r\n[^\n]*$/.test(source) ? '\r\n' : '\n'
  const gap = text === '' || text.endsWith('\n') ? '' : end
  return text + gap + lines.map((line) => line + end).join('')
}

/** A line with two settings cannot be changed in one without a guess at the other. */
function refuseShared(places: readonly EnvEntry[], { entries }: EnvFile): void {
  for (const place of places) {
    const other = entries.find((it) => it !== place && it.line <= place.lastLine && it.lastLine >= place.line)
    if (other)
      throw failed(
        'env-line-shared',
        `line ${place.line} of pds.env sets both ${place.key} and ${other.key || 'something without a name'}`,
        'give each a line of its own, by hand',
      )
  }
}

function verify(before: EnvFile, after: EnvFile, changes: EnvChanges): void {
  const keys = new Set([...before.entries, ...after.entries].map(({ key }) => key))
  for (const key of keys) {
    const wanted = changes.has(key) ? changes.get(key) : before.get(key)
    if (after.get(key) === wanted) continue
    const what = key === '' ? 'the last line, which is no setting,' : key
    throw failed(
      'env-edit-unsafe',
      changes.has(key)
        ? `${what} would not come to the value that was given; nothing is written`
        : `${what} would change as well: it is made from another setting; nothing is written`,
      'give it a value of its own in the same command, or mend the line by hand',
    )
  }
}
