import type { Shown } from './types.ts'

/** One field of a result: its type and what it means. Nested rows are a `table`. */
export interface Column<T> {
  readonly type: Shown<T>
  readonly about: string
  /** The fields of each element, when the value is a list of rows. */
  readonly rows?: Columns
  /** `detail`: only in JSON and in the view of one row, to keep tables narrow. */
  readonly place: 'table' | 'detail'
}

export type Columns = Readonly<Record<string, Column<never>>>

export type RowOf<C extends Columns> = { readonly [K in keyof C]: C[K] extends Column<infer T> ? T : never }

/** A field of the result. */
export const column = <T>(type: Shown<T>, about: string): Column<T> => ({ type, about, place: 'table' })

/** A field of the result that a table of many rows leaves out; JSON and the view of one row have it. */
export const detail = <T>(type: Shown<T>, about: string): Column<T> => ({ type, about, place: 'detail' })

/** A list of rows inside a result, such as the checks of `health`. */
export function table<C extends Columns>(rows: C, about: string): Column<readonly RowOf<C>[]> {
  const fields = Object.entries(rows as Readonly<Record<string, Column<unknown>>>)
  const type: Shown<readonly RowOf<C>[]> = {
    name: 'rows',
    schema: {
      type: 'array',
      items: {
        type: 'object',
        properties: Object.fromEntries(fields.map(([key, field]) => [key, field.type.schema])),
        required: fields.map(([key]) => key),
      },
    },
    show: (value) => String(value.length),
    json: (value) =>
      value.map((row) =>
        Object.fromEntries(
          fields.map(([key, field]) => [key, field.type.json((row as Record<string, unknown>)[key])]),
        ),
      ),
  }
  return { type, about, rows, place: 'table' }
}
