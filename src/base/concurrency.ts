/**
 * The results of `work` in the order of `source`, with up to `width` under way at once and no more than that in
 * memory. Leaving the loop early leaves nobody to be told of the failures of what is still under way.
 */
export async function* ahead<T, R>(
  source: AsyncIterable<T>,
  width: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const line: Promise<R>[] = []
  for await (const item of source) {
    const result = work(item)
    result.catch(() => {})
    line.push(result)
    if (line.length >= width) yield await (line.shift() as Promise<R>)
  }
  for (const result of line) yield await result
}

/** The same items, the next one already asked for while one is looked at. */
export async function* eagerly<T>(source: AsyncIterator<T>): AsyncGenerator<T> {
  const ask = () => {
    const next = source.next()
    next.catch(() => {})
    return next
  }
  for (let next = ask(); ; ) {
    const { done, value } = await next
    if (done) return
    next = ask()
    yield value
  }
}

/** Slices of at most `size`. */
export const chunked = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))

/** The results of `work` on each item, in order, with up to `width` under way at once. */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  for await (const result of ahead(each(items), width, work)) results.push(result)
  return results
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}
