import type { Shown } from './types.ts'

/** One field of a result: its type and what it means. Nested rows are a `table`. */
export interface Column<T> {
  readonly type: Shown<T>
  readonly about: string
  /** The fields of each element, when the value is a list of rows. */
  readonly rows?: Columns
  /** `detail`: only in JSON and in the view of one row, to keep tables narrow. */
  readonly place: 'table' | 'detail'
  /** What a person reads in place of the name, where words made of that are no good. */
  readonly label?: string
  /** What a person reads where a list has no rows; without it the list is left out. */
  readonly none?: string
  /** The first to go where a table is too wide. */
  readonly spare?: true
}

export type Columns = Readonly<Record<string, Column<never>>>

export type RowOf<C extends Columns> = { readonly [K in keyof C]: C[K] extends Column<infer T> ? T : never }

type Look = Pick<Column<unknown>, 'label' | 'none' | 'spare'>

/** A field of the result. */
export const column = <T>(type: Shown<T>, about: string, look: Look = {}): Column<T> => ({
  type,
  about,
  place: 'table',
  ...look,
})

/** A field of the result that a table of many rows leaves out; JSON and the view of one row have it. */
export const detail = <T>(type: Shown<T>, about: string, look: Look = {}): Column<T> => ({
  type,
  about,
  place: 'detail',
  ...look,
})

/** A list of rows inside a result, such as the checks of `health`. */
export function table<C extends Columns>(
  rows: C,
  about: string,
  look: Look = {},
): Column<readonly RowOf<C>[]> {
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
  return { type, about, rows, place: 'table', ...look }
}

const spelled: Readonly<Record<string, string>> = { did: 'DID', id: 'ID', uri: 'URI', ssh: 'SSH' }

/** What a person reads in place of the name of a field: `createdAt` is “created”, `outageMs` “outage”. */
export const labelOf = (key: string, { label }: Pick<Column<unknown>, 'label'>): string =>
  label ??
  key
    .replace(/(?<=[a-z])(At|Ms)$/, '')
    .split(/(?=[A-Z])/)
    .map((word) => spelled[word.toLowerCase()] ?? word.toLowerCase())
    .join(' ')
