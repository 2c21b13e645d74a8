const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/** An age such as `90m`, `24h`, `7d`, in milliseconds; undefined when it is not one. */
export function parseAge(word: string): number | undefined {
  const [, amount, unit] = /^(\d{1,9})(s|m|h|d|w)$/.exec(word) ?? []
  return amount && unit ? Number(amount) * units[unit as keyof typeof units] : undefined
}

/** An age as it is written, in the largest unit that says it exactly. */
export function showAge(ms: number): string {
  const unit = (['w', 'd', 'h', 'm', 's'] as const).find((name) => ms % units[name] === 0) ?? 's'
  return `${ms / units[unit]}${unit}`
}
