import { fitTo, widthOf } from '../terminal/text-width.ts'

/** One field of a line: harmless text, and how it is coloured once it is cut and padded. */
export interface Cell {
  readonly text: string
  /** Numbers stand at the right. */
  readonly right: boolean
  /** It is never cut: a name, a number or a time of which a part is missing is another one. */
  readonly whole: boolean
  readonly paint: (text: string) => string
}

/** Which columns of a table are shown, how wide each of these is, and how wide a line may be. */
export interface Layout {
  readonly kept: readonly number[]
  readonly widths: readonly number[]
  readonly columns: number
}

const gap = 2

/** No text is cut to less than this. */
const narrowest = 12

/** How wide a line of such columns is. */
export const lineWidth = (widths: readonly number[]): number =>
  widths.reduce((sum, width) => sum + width, 0) + gap * (widths.length - 1)

const widest = (cells: readonly (Cell | undefined)[]): number =>
  cells.reduce((most, cell) => Math.max(most, widthOf(cell?.text ?? '')), 0)

/**
 * Chooses columns and widths by the rows given, the heading first. Where they do not fit, texts are cut as far as they
 * can still be read; then columns go, the spare ones first, from the right. The first column always stays.
 */
export function layOut(
  rows: readonly (readonly Cell[])[],
  columns: number,
  spare: ReadonlySet<number> = new Set(),
): Layout {
  const all = (rows[0] ?? []).map((_, index) => index)
  const natural = all.map((index) => widest(rows.map((row) => row[index])))
  const least = all.map((index) => {
    const whole = rows.map((row) => row[index]).filter((cell) => cell?.whole)
    return Math.max(widest(whole), Math.min(natural[index] ?? 0, narrowest))
  })
  const leaving = [...all.filter((index) => !spare.has(index)), ...all.filter((index) => spare.has(index))]
  const kept = new Set(all)
  const fits = () => lineWidth([...kept].map((index) => least[index] ?? 0)) <= columns
  while (kept.size > 1 && !fits()) kept.delete(leaving.pop() ?? 0)
  return { kept: [...kept], widths: narrowed([...kept], natural, least, columns), columns }
}

/** The widest texts give way. */
function narrowed(
  kept: readonly number[],
  natural: readonly number[],
  least: readonly number[],
  columns: number,
): readonly number[] {
  const widths = kept.map((index) => natural[index] ?? 0)
  const spaceOf = (at: number): number => (widths[at] ?? 0) - (least[kept[at] ?? 0] ?? 0)
  while (lineWidth(widths) > columns) {
    const giving = widths.flatMap((width, at) => (spaceOf(at) > 0 ? [{ width, at }] : []))
    const [first] = giving.toSorted((a, b) => b.width - a.width)
    if (!first) break
    widths[first.at] = first.width - 1
  }
  return widths
}

/** One line of a table. A longer text than was foreseen stands in full where the line still fits, else it is cut. */
export function lineOf(all: readonly Cell[], { kept, widths, columns }: Layout): string {
  const cells = kept.flatMap((index) => all[index] ?? [])
  const natural = cells.map(({ text }, index) => Math.max(widthOf(text), widths[index] ?? 0))
  const chosen = lineWidth(natural) <= columns ? natural : widths
  return cells
    .map(({ text, right, whole, paint }, index) => {
      const width = chosen[index] ?? 0
      const cut = whole ? text : fitTo(text, width)
      const space = ' '.repeat(Math.max(0, width - widthOf(cut)))
      const last = index === cells.length - 1
      return right ? `${space}${paint(cut)}` : `${paint(cut)}${last ? '' : space}`
    })
    .join(' '.repeat(gap))
    .trimEnd()
}
