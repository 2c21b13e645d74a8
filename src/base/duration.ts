const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/** Longer ways to write a unit: `10min`, `2 hours`. */
const spellings = /(\d{1,9}) ?(s|m|h|d|w|secs?|seconds?|mins?|minutes?|hrs?|hours?|days?|weeks?)(?![a-z]) ?/g

/** A length of time such as `90m`, `10min`, `2h30m`, `7 days`, in milliseconds; undefined when it is none. */
export function parseAge(word: string): number | undefined {
  const parts = [...word.matchAll(spellings)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== word) return undefined
  return parts.reduce((sum, [, amount, unit = 's']) => sum + Number(amount) * units[unit[0] as 's'], 0)
}

/** An age as it is written, in the largest unit that says it exactly. */
export function showAge(ms: number): string {
  const unit = (['w', 'd', 'h', 'm', 's'] as const).find((name) => ms % units[name] === 0) ?? 's'
  return `${ms / units[unit]}${unit}`
}
