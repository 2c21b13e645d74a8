import { fitTo, widthOf } from '../terminal/text-width.ts'

/** One field of a line: harmless text, and how it is coloured once it is cut and padded. */
export interface Cell {
  readonly text: string
  /** Numbers stand at the right. */
  readonly right: boolean
  readonly paint: (text: string) => string
}

/** How wide each column of a table is, and how wide a line may be. */
export interface Layout {
  readonly widths: readonly number[]
  readonly columns: number
}

const gap = 2

/** No column is cut to less than this. */
const narrowest = 8

const lineWidth = (widths: readonly number[]): number =>
  widths.reduce((sum, width) => sum + width, 0) + gap * (widths.length - 1)

/** Chooses widths by the rows given; where they do not fit, the widest columns give way. */
export function layOut(rows: readonly (readonly Cell[])[], columns: number): Layout {
  const widths = (rows[0] ?? []).map((_, index) =>
    rows.reduce((most, row) => Math.max(most, widthOf(row[index]?.text ?? '')), 0),
  )
  while (lineWidth(widths) > columns) {
    const widest = Math.max(...widths)
    if (widest <= narrowest) break
    const next = Math.max(narrowest, ...widths.filter((width) => width < widest))
    const alike = widths.filter((width) => width === widest).length
    const step = Math.min(widest - next, Math.ceil((lineWidth(widths) - columns) / alike))
    for (const [index, width] of widths.entries()) {
      if (width === widest) widths[index] = widest - Math.max(1, step)
    }
  }
  return { widths, columns }
}

/** One line of a table. A longer cell than was foreseen stands in full where the line still fits, else it is cut. */
export function lineOf(cells: readonly Cell[], { widths, columns }: Layout): string {
  const natural = cells.map(({ text }, index) => Math.max(widthOf(text), widths[index] ?? 0))
  const chosen = lineWidth(natural) <= columns ? natural : widths
  return cells
    .map(({ text, right, paint }, index) => {
      const width = chosen[index] ?? 0
      const cut = fitTo(text, width)
      const space = ' '.repeat(Math.max(0, width - widthOf(cut)))
      const last = index === cells.length - 1
      return right ? `${space}${paint(cut)}` : `${paint(cut)}${last ? '' : space}`
    })
    .join(' '.repeat(gap))
    .trimEnd()
}
