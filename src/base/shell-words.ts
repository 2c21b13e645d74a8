const safe = /^(?!=)[A-Za-z0-9_./:=@%+,-]+$/

/** One word for a POSIX shell (IEEE 1003.1, 2.2.2: single quotes keep every character but themselves). */
export function quote(word: string | number): string {
  const text = String(word)
  if (text.includes('\0')) throw new TypeError('a shell word cannot hold a NUL byte')
  return safe.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
