/** Edits between two words: insert, delete, replace, or swap two neighbours (optimal string alignment). */
export function distance(from: string, to: string): number {
  let before: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const replace = (last[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      const swap = swapped ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY
      row[j] = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, replace, swap)
    }
    before = last
    last = row
  }
  return last[to.length] ?? 0
}

const longest = 60
const plain = (word: string): string => word.slice(0, longest).toLowerCase().replaceAll(/[-_]/g, '')

/**
 * The word that was probably meant: the one that begins like it, or the fewest edits away; undefined when none is close,
 * or none of those that are accepted.
 */
export function nearest(
  word: string,
  words: Iterable<string>,
  accepts: (word: string, edits: number) => boolean = () => true,
): string | undefined {
  const typed = plain(word)
  let best: { readonly word: string; readonly edits: number } | undefined
  for (const candidate of words) {
    const wanted = plain(candidate)
    const begun = typed.length > 2 && wanted.startsWith(typed)
    const edits = begun && typed !== wanted ? 0.5 : distance(typed, wanted)
    const allowed = Math.max(1, Math.floor(Math.max(typed.length, wanted.length) / 3))
    const better = edits < Math.min(typed.length, best?.edits ?? Number.POSITIVE_INFINITY)
    if (edits <= allowed && better && accepts(candidate, edits)) best = { word: candidate, edits }
  }
  return best?.word
}
