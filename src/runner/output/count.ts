/** A count with its noun: “1 account”, “1,234 accounts”. */
export function showCount(count: number, noun: string): string {
  const number = count.toLocaleString('en-US')
  if (count === 1) return `${number} ${noun}`
  if (/[^aeiou]y$/.test(noun)) return `${number} ${noun.slice(0, -1)}ies`
  return `${number} ${noun}${/(s|x|z|ch|sh)$/.test(noun) ? 'es' : 's'}`
}
