/** Response headers by lower-case name. */
export type Headers = Readonly<Record<string, string | undefined>>

/**
 * Milliseconds from now until a 429 may be tried again, or undefined where the answer does not say:
 * `RateLimit-Reset` (epoch seconds, as the PDS sends it, or seconds from now), else `Retry-After`
 * (RFC 9110, 10.2.3). Epochs are the server's, so they are measured against its own `Date`.
 */
export function untilReset(headers: Headers, now: number): number | undefined {
  const served = Date.parse(headers.date ?? '')
  const serverNow = Number.isNaN(served) ? now : served
  const reset = Number.parseFloat(headers['ratelimit-reset'] ?? '')
  if (reset > 1e9) return atLeast(reset * 1000 - serverNow)
  if (reset >= 0) return atLeast(reset * 1000)
  const retry = headers['retry-after']
  if (retry === undefined) return undefined
  if (/^\d+$/.test(retry)) return atLeast(Number(retry) * 1000)
  const date = Date.parse(retry)
  return Number.isNaN(date) ? undefined : atLeast(date - serverNow)
}

/** `Date` and the reset are whole seconds, so up to one more may have to pass. */
const atLeast = (ms: number): number => Math.max(0, ms) + 1000

/** Tells each second how many whole seconds are left of so many milliseconds; the answer ends it. */
export function countDown(ms: () => number, tell: (seconds: number) => void): () => void {
  const timer = setInterval(() => tell(Math.max(0, Math.ceil(ms() / 1000))), 1000)
  return () => clearInterval(timer)
}

/** Many requests may have to wait for the same instant: it is said once. */
export function once(say: (text: string, left?: number) => void): (text: string, left?: number) => void {
  let last = ''
  return (text, left) => {
    const whole = `${text} ${left ?? ''}`
    if (whole !== last) say(text, left)
    last = whole
  }
}
