import { safeJson, visible } from '../../base/sanitize.ts'
import { isLater } from '../../plan/steps/placeholders.ts'
import { type Column, type Columns, labelOf } from '../command/columns.ts'
import { type Paint, paintState } from '../terminal/color.ts'
import type { Cell } from './table.ts'

/** One row of a result, its values as the types of the columns take them; an undefined field is left out. */
export type Row = Readonly<Record<string, unknown>>

/** A column whose values are known to be of its type. */
export type Field = Column<unknown>

/** The columns of a result with their names, in declared order. */
export const fieldsOf = (columns: Columns): readonly (readonly [key: string, field: Field])[] =>
  Object.entries(columns as Readonly<Record<string, Field>>)

/** The columns that a table of many rows has. */
export const tableFieldsOf = (columns: Columns): readonly (readonly [key: string, field: Field])[] =>
  fieldsOf(columns).filter(([, { place }]) => place === 'table')

/** Whether there is nothing to show: a field left out, or a value that never came. */
export const absent = (value: unknown): boolean => value === undefined || isLater(value)

/** Whether a person need not be told of a value: there is none, or nothing in it. */
export const isEmpty = (value: unknown): boolean =>
  absent(value) || value === null || value === '' || (Array.isArray(value) && value.length === 0)

/** A value as JSON. */
export const jsonValue = ({ type }: Field, value: unknown): unknown =>
  absent(value) ? null : type.json(value)

/** One object in one line, its fields in declared order. */
export function jsonRow(columns: Columns, row: Row): string {
  const object: Record<string, unknown> = {}
  for (const key in columns) {
    if (row[key] !== undefined) object[key] = jsonValue(columns[key] as Field, row[key])
  }
  return safeJson(object)
}

/** A value for a person, harmless and in one line. */
export const shownValue = ({ type }: Field, value: unknown): string =>
  absent(value) ? '-' : visible(type.show(value))

/** A value for a pipe: text in full, such as the seconds of a time; the rest as a person sees it. */
export function pipedValue({ type }: Field, value: unknown): string {
  if (absent(value)) return '-'
  const json = type.json(value)
  if (typeof json === 'string') return visible(json)
  return visible(type.piped === 'json' && json !== null ? JSON.stringify(json) : type.show(value))
}

/** Whether a column holds numbers, which stand at the right. */
const numeric = ({ type }: Field): boolean => type.schema.type === 'integer' || type.schema.type === 'number'

/** Columns whose words stand for a state and are coloured. */
const stateful = new Set(['status', 'outcome'])

/** A value as a cell of a table. */
export function cellOf(paint: Paint, key: string, field: Field, value: unknown): Cell {
  const text = shownValue(field, value)
  const state = (part: string): string => (stateful.has(key) ? paintState(paint, text, part) : part)
  return { text, right: numeric(field), whole: !field.type.mayBeCut, paint: state }
}

/** A value that stands alone, with its unit. */
export function singleCellOf(paint: Paint, key: string, field: Field, value: unknown): Cell {
  const { unit } = field.type
  const cell = cellOf(paint, key, field, value)
  return { ...cell, right: false, text: unit === undefined ? cell.text : `${cell.text} ${unit}` }
}

/** The heading of a column, with the unit of its values. */
export function headOf(paint: (text: string) => string, key: string, field: Field): Cell {
  const { unit } = field.type
  const label = labelOf(key, field)
  const text = unit === undefined ? label : `${label} (${unit})`
  return { text, right: numeric(field), whole: true, paint }
}
