import { safeJson } from '../../base/sanitize.ts'
import { type Columns, labelOf } from '../command/columns.ts'
import { added } from '../command/result.ts'
import { type Paint, paintOf } from '../terminal/color.ts'
import type { Output } from '../terminal/terminal.ts'
import {
  absent,
  cellOf,
  fieldsOf,
  headOf,
  isEmpty,
  jsonRow,
  jsonValue,
  pipedValue,
  type Row,
  singleCellOf,
  tableFieldsOf,
} from './cell.ts'
import { type Cell, type Layout, layOut, lineOf, lineWidth } from './table.ts'

/** Shows the rows of a result as they come. Both answer false once nobody reads any more. */
export interface Renderer {
  /** `extra` are fields that the runner adds. */
  row(row: Row, extra?: Row): Promise<boolean>
  /** Shows what was held back; nothing may follow. */
  end(): Promise<boolean>
}

/** How a result is to be shown. */
export interface Rendering {
  readonly json: boolean
  readonly result: 'one' | 'many'
  /** The one field whose JSON is the whole result. */
  readonly bare?: string | undefined
  /** Whether all of it was changed, which a person is not told row by row. */
  readonly changed?: 'all'
}

/**
 * Shows a result: JSON on request, tables and cards to a person, tab-separated lines in a pipe. A table of many
 * rows and its lines in a pipe leave out the `detail` columns; a card, its `key<TAB>value` lines and JSON have all.
 */
export function openRenderer(output: Output, columns: Columns, rendering: Rendering): Renderer {
  const { json, result, bare } = rendering
  if (bare !== undefined) return lines(output, columns, (all, row) => [bareJson(output, all, bare, row)])
  if (json) return lines(output, columns, (all, row) => [jsonRow(all, row)])
  const { tty } = output
  if (result === 'one') return lines(output, columns, tty ? cards(rendering, output) : pairs)
  return tty ? table(output, columns, rendering) : lines(output, columns, (all, row) => [piped(all, row)])
}

/** What the runner adds, as far as a person is to see it. */
const toSee = (columns: Columns, { changed }: Rendering): Columns => {
  if (changed !== 'all') return columns
  const { changed: _, ...others } = columns
  return others
}

/** The columns with those that the runner adds, where it does. */
const withAdded = (columns: Columns, extra: Row | undefined): Columns =>
  extra === undefined ? columns : { ...columns, ...added }

/** Characters gathered before they are written while more rows are at hand: a write per row costs more than the row. */
const gathered = 16_384

/** Rows as lines; what has come is on its way at the latest when there is nothing else to do. */
function lines(
  output: Output,
  columns: Columns,
  show: (columns: Columns, row: Row) => readonly string[],
): Renderer {
  let held = ''
  let idle: NodeJS.Immediate | undefined
  let open = true
  let written = Promise.resolve(true)
  const flush = (): Promise<boolean> => {
    clearImmediate(idle)
    idle = undefined
    const text = held
    held = ''
    written = written.then(async () => {
      open = open && (await output.write(text))
      return open
    })
    // Nobody waits for what is written when idle: if it fails, whoever asks next is told.
    written.catch(() => {})
    return written
  }
  return {
    row(row, extra) {
      held += ended(
        extra === undefined ? show(columns, row) : show(withAdded(columns, extra), { ...row, ...extra }),
      )
      if (held.length >= gathered) return flush()
      idle ??= setImmediate(flush)
      return Promise.resolve(open)
    },
    end: flush,
  }
}

const ended = (text: readonly string[]): string => text.map((line) => `${line}\n`).join('')

function bareJson({ tty }: Output, columns: Columns, key: string, row: Row): string {
  const field = fieldsOf(columns).find(([name]) => name === key)?.[1]
  if (!field) throw new TypeError(`no column ${key}`)
  return safeJson(jsonValue(field, row[key]), tty ? 2 : 0)
}

const piped = (columns: Columns, row: Row): string =>
  tableFieldsOf(columns)
    .map(([key, field]) => pipedValue(field, row[key]))
    .join('\t')

type Fields = ReturnType<typeof tableFieldsOf>

/** The rows that decide how wide the columns are, and for how many milliseconds more of them are waited for. */
const measured = 200
const patience = 500

function table(output: Output, columns: Columns, rendering: Rendering): Renderer {
  const paint = paintOf(output)
  let all = columns
  let held: Row[] = []
  let chosen: { readonly layout: Layout; readonly fields: Fields } | undefined
  let due: NodeJS.Timeout | undefined
  const cells = (fields: Fields, row: Row): readonly Cell[] =>
    fields.map(([key, field]) => cellOf(paint, key, field, row[key]))
  const release = (rows: 'all' | 'first'): Promise<boolean> => {
    clearTimeout(due)
    const given = tableFieldsOf(toSee(all, rendering))
    const full = given.filter(([key]) => held.some((row) => !isEmpty(row[key])))
    const fields = rows === 'all' ? full : given
    const heads = fields.map(([key, field]) => headOf(paint.bold, key, field))
    const lines = [heads, ...held.map((row) => cells(fields, row))]
    const layout = layOut(lines, output.columns, spareOf(fields))
    const text = held.length === 0 ? '' : ended(lines.map((line) => lineOf(line, layout)))
    chosen = { layout, fields }
    held = []
    return output.write(text)
  }
  return {
    async row(given, extra) {
      const row = { ...given, ...extra }
      if (chosen) return await output.write(ended([lineOf(cells(chosen.fields, row), chosen.layout)]))
      if (extra) all = withAdded(columns, extra)
      held.push(row)
      if (held.length >= measured) return await release('first')
      // Rows that come one by one, such as a log that is followed, are not held back. A failed write is told to the next.
      due ??= setTimeout(() => void release('first').catch(() => {}), patience).unref()
      return await output.write('')
    },
    async end() {
      const open = await (chosen ? output.write('') : release('all'))
      return open && chosen ? await output.write(ended(leftOut(chosen.fields, chosen.layout, paint))) : open
    },
  }
}

/** Cards below each other, with an empty line between. */
function cards(rendering: Rendering, output: Output) {
  let first = true
  return (columns: Columns, row: Row): readonly string[] => {
    const lines = card(columns, row, rendering, output)
    const apart = first ? lines : ['', ...lines]
    first = false
    return apart
  }
}

const spareOf = (fields: Fields): ReadonlySet<number> =>
  new Set(fields.flatMap(([, { spare }], index) => (spare ? [index] : [])))

/** Says which columns had no room. */
function leftOut(fields: Fields, { kept }: Layout, paint: Paint): readonly string[] {
  const missing = fields
    .filter((_, index) => !kept.includes(index))
    .map(([key, field]) => labelOf(key, field))
  return missing.length === 0 ? [] : [paint.dim(`no room for: ${missing.join(', ')}`)]
}

/** The fields of one row that have something in them, a line each; nested rows as a small table below their heading. */
function card(columns: Columns, row: Row, rendering: Rendering, output: Output): readonly string[] {
  const paint = paintOf(output)
  const given = fieldsOf(toSee(columns, rendering))
  const full = given.filter(([key]) => !isEmpty(row[key]))
  const single = given.flatMap(([key, field]): readonly (readonly Cell[])[] => {
    const name: Cell = { text: labelOf(key, field), right: false, whole: true, paint: paint.dim }
    if (isEmpty(row[key]))
      return field.none === undefined || row[key] === null
        ? []
        : [[name, { ...name, text: field.none, paint: String }]]
    return field.rows === undefined ? [[name, singleCellOf(paint, key, field, row[key])]] : []
  })
  // A value stands in full, whatever the width: a person may copy it.
  const layout = layOut(single, Number.POSITIVE_INFINITY)
  const nested = full.flatMap(([key, field]) =>
    field.rows === undefined
      ? []
      : ['', paint.bold(labelOf(key, field)), ...smallTable(field.rows, row[key], output)],
  )
  return [...single.map((cells) => lineOf(cells, layout)), ...nested]
}

function smallTable(columns: Columns, value: unknown, output: Output): readonly string[] {
  const elements = elementsOf(value)
  const paint = paintOf(output)
  const fields = fieldsOf(columns).filter(([key]) => elements.some((row) => !isEmpty(row[key])))
  const rows = [
    fields.map(([key, field]) => headOf(paint.dim, key, field)),
    ...elements.map((row) => fields.map(([key, field]) => cellOf(paint, key, field, row[key]))),
  ]
  // A sentence and what to type next stand in full: below each other, where they have no room side by side.
  if (fields.length <= 2) {
    const { widths } = layOut(rows, Number.POSITIVE_INFINITY)
    if (lineWidth(widths) > output.columns - 2) return rows.slice(1).flatMap((cells) => belowEachOther(cells))
  }
  const layout = layOut(rows, output.columns - 2, spareOf(fields))
  return [...rows.map((cells) => lineOf(cells, layout)), ...leftOut(fields, layout, paint)].map(
    (line) => `  ${line}`,
  )
}

const belowEachOther = (cells: readonly Cell[]): readonly string[] =>
  cells.flatMap(({ text }, index) => (text === '-' ? [] : [`${' '.repeat(index === 0 ? 2 : 6)}${text}`]))

const elementsOf = (value: unknown): readonly Row[] =>
  absent(value) || value === null ? [] : (value as readonly Row[])

/** All fields of one row as `key<TAB>value`, an element of nested rows as `key<TAB>field<TAB>field`. */
const pairs = (columns: Columns, row: Row): readonly string[] =>
  fieldsOf(columns)
    .filter(([key]) => row[key] !== undefined)
    .flatMap(([key, field]) => {
      if (field.rows === undefined) return [`${key}\t${pipedValue(field, row[key])}`]
      const inner = fieldsOf(field.rows)
      return elementsOf(row[key]).map((element) =>
        [key, ...inner.map(([name, part]) => pipedValue(part, element[name]))].join('\t'),
      )
    })
