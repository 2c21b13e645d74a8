const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/** Bytes for a person, in units of a thousand: `8.2 GB`. */
export function showBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1)
  const value = bytes / 1000 ** power
  return `${power === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[power]}`
}
