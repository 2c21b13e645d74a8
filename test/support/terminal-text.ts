/** What a terminal shows at the end of what was written to it: progress that was overwritten is gone. */
export function finallyShown(written: string): string {
  const lines: string[][] = [[]]
  let [row, column] = [0, 0]
  for (const [token] of written.matchAll(/\u001b\[([0-9;?]*)([A-Za-z])|[\s\S]/gu)) {
    const [, count = '', end] = /^\u001b\[([0-9;?]*)([A-Za-z])$/.exec(token) ?? []
    const line = lines[row] as string[]
    if (end === 'A') row = Math.max(0, row - (Number(count) || 1))
    else if (end === 'G') column = (Number(count) || 1) - 1
    else if (end === 'K') line.length = count === '2' ? 0 : Math.min(line.length, column)
    else if (end === 'J') {
      line.length = Math.min(line.length, column)
      lines.length = row + 1
    } else if (end !== undefined) continue
    else if (token === '\r') column = 0
    else if (token === '\n') {
      row += 1
      lines[row] ??= []
      column = 0
    } else {
      while (line.length < column) line.push(' ')
      line[column] = token
      column += 1
    }
  }
  return lines.map((line) => line.join('').trimEnd()).join('\n')
}
