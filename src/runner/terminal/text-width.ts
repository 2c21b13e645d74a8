// Made on first need: it takes 10 ms, and most text is ASCII.
let segmenter: Intl.Segmenter | undefined
const graphemes = (text: string): Intl.Segments => {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return segmenter.segment(text)
}

/** Blocks of characters that take two columns: East Asian wide and fullwidth, from Unicode's EastAsianWidth.txt. */
const wide =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]/u

const plain = /^[\x20-\x7e]*$/

function widthOfGrapheme(grapheme: string): number {
  if (/^[\p{Mn}\p{Me}]+$/u.test(grapheme)) return 0
  if (wide.test(grapheme) || /\p{Emoji_Presentation}|\ufe0f/u.test(grapheme)) return 2
  return 1
}

/** How many columns of a terminal a text takes. */
export function widthOf(text: string): number {
  if (plain.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemes(text)) width += widthOfGrapheme(segment)
  return width
}

/** The text in at most `columns` columns, its end replaced by `…` where it is longer. */
export function fitTo(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  let width = 0
  let kept = ''
  for (const { segment } of graphemes(text)) {
    width += widthOfGrapheme(segment)
    if (width > columns - 1) break
    kept += segment
  }
  return columns < 1 ? '' : `${kept}…`
}

/** Lines of at most `columns` columns, broken at spaces; a longer word stands alone. */
export function wrap(text: string, columns: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && widthOf(longer) > columns) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return line === '' ? lines : [...lines, line]
}
