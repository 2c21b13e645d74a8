/**
 * The results of `work` in the order of `source`, with up to `width` under way at once and no more than that in
 * memory. Leaving the loop early leaves nobody to be told of the failures of what is still under way.
 */
export async function* mapOrdered<T, R>(
  source: AsyncIterable<T>,
  width: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const items = source[Symbol.asyncIterator]()
  const ask = () => {
    const next = items.next()
    next.catch(() => {})
    return next
  }
  const line: Promise<R>[] = []
  let next: Promise<IteratorResult<T>> | undefined = ask()
  try {
    while (next || line.length > 0) {
      const [head] = line
      const came: readonly (Promise<IteratorResult<T> | 'a result'> | undefined)[] = [
        line.length < width ? next : undefined,
        head?.then(
          () => 'a result',
          () => 'a result',
        ),
      ]
      const first = await Promise.race(came.filter((one) => one !== undefined))
      if (first === 'a result') yield await (line.shift() as Promise<R>)
      else if (first.done) next = undefined
      else {
        const result = work(first.value)
        result.catch(() => {})
        line.push(result)
        next = ask()
      }
    }
  } finally {
    // It may be waiting for its next item, which nobody waits for any more.
    items.return?.()?.catch(() => {})
  }
}

/** The same items, the next one already asked for while one is looked at. */
export async function* prefetch<T>(source: AsyncIterator<T>): AsyncGenerator<T> {
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
  for await (const result of mapOrdered(each(items), width, work)) results.push(result)
  return results
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}
