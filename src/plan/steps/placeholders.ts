import { Secret } from '../../base/secret.ts'

/** Whether a value is put off. */
export const isLater = (value: unknown): value is Later =>
  typeof value === 'object' && value !== null && typeof (value as Later).later === 'string'

/** A copy with every Later replaced by `of(place)`, every other leaf by `leaf(value)`. */
export function resolve(
  value: unknown,
  of: (place: string) => unknown,
  leaf: (value: unknown) => unknown = (v) => v,
): unknown {
  if (isLater(value)) return of(value.later)
  if (Array.isArray(value)) return value.map((element) => resolve(element, of, leaf))
  if (typeof value !== 'object' || value === null || value instanceof Secret || value instanceof Uint8Array)
    return leaf(value)
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, resolve(field, of, leaf)]))
}

/** A value with Later as ‹place› and Secret as ‹secret›: what a dry run and the trail show. */
export const redact = (value: unknown): unknown =>
  resolve(
    value,
    (place) => `‹${place}›`,
    (leaf) => (leaf instanceof Secret ? String(leaf) : leaf),
  )

/** Whether a leaf such as this stands anywhere in a value. */
export function contains(value: unknown, is: (leaf: unknown) => boolean): boolean {
  let found = false
  resolve(
    value,
    () => undefined,
    (leaf) => (found ||= is(leaf)),
  )
  return found
}

/** The places that a value refers to, such as `host.version`. */
export function references(value: unknown): readonly string[] {
  const places: string[] = []
  resolve(value, (place) => places.push(place))
  return places
}

/** A value that an earlier step will have given: `invite.code` is field `code` of the answer kept as `invite`. */
export interface Later {
  readonly later: string
}

/** Stands for a value not known yet; shown as ‹invite.code› in a dry run. */
export const later = (place: string): Later => ({ later: place })

/** The same shape with any value put off, and any text as a Secret. */
export type Deferred<T> =
  | Later
  | (T extends string
      ? T | Secret
      : T extends readonly (infer E)[]
        ? readonly Deferred<E>[]
        : T extends object
          ? { readonly [K in keyof T]: Deferred<T[K]> }
          : T)
