import { time } from './failures.ts'
import { type Headers, untilReset } from './rate-limit.ts'

/** How many requests a PDS still takes, as its answers tell (`RateLimit-*`). */
export interface Budget {
  saw(headers: Headers): void
  /** A line on what is left; undefined where nothing is counted, as with the bypass key. */
  left(): string | undefined
}

/** A limit below this is that of one method, not of all requests together. */
const overall = 1000

/** Keeps count of the overall budget, and says once for each window that it is running out, before it has. */
export function openBudget(where: string, clock: () => number, warn: (text: string) => void): Budget {
  let least: { readonly limit: number; readonly remaining: number; readonly until: number } | undefined
  let warned = 0
  return {
    saw(headers) {
      const limit = Number(headers['ratelimit-limit'] ?? Number.NaN)
      const remaining = Number(headers['ratelimit-remaining'] ?? Number.NaN)
      const ms = untilReset(headers, clock())
      if (!(limit >= overall) || !(remaining >= 0) || ms === undefined) return
      const until = clock() + ms
      // Answers overtake each other: within a window it only becomes less.
      if (!least || remaining < least.remaining || until > least.until + slack)
        least = { limit, remaining, until }
      if (remaining === 0 || remaining >= limit / 10 || until <= warned + slack) return
      warned = until
      warn(
        `${where} takes ${remaining} more requests until ${time(new Date(until))}; what is more waits until then`,
      )
    },
    left() {
      if (!least) return undefined
      const [remaining, limit] = [least.remaining, least.limit].map((count) => count.toLocaleString('en-US'))
      return `${remaining} of ${limit} requests left until ${time(new Date(least.until))}`
    },
  }
}

/** By how much the end of the same window may seem to differ, in milliseconds. */
const slack = 10_000
