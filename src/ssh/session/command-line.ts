/** A POSIX sh command line to be run, and the mark between whose two halves its output is to stand. */
export interface MarkedLine {
  readonly line: string
  /** Letters and digits; absent where the output is to come as it is. */
  readonly mark?: string | undefined
}

/** What opens and closes the output of a marked line, on standard output and on standard error. */
export const beginMark = (mark: string): string => `kimbia-ops:${mark}:begin\n`
/** Followed by the exit code and a line break. */
export const endMark = (mark: string): string => `kimbia-ops:${mark}:end `

/** The marks are put together by echo, so that a shell that shows what it runs does not print them. */
const marked = [
  'echo kimbia-ops:$1:begin; echo kimbia-ops:$1:begin >&2',
  'sh -c "$(printf %b "$2")"',
  'code=$?; echo kimbia-ops:$1:end $code; echo kimbia-ops:$1:end $code >&2; exit $code',
].join('; ')

const plain = 'exec sh -c "$(printf %b "$1")"'

/** The program and its arguments that run a line in a sh of its own; none of them holds what a login shell may take otherwise. */
export const shellWords = ({ line, mark }: MarkedLine): readonly string[] =>
  mark === undefined
    ? ['sh', '-c', plain, 'sh', encode(line)]
    : ['sh', '-c', marked, 'sh', mark, encode(line)]

/**
 * The same as one line for a login shell, whichever it is: POSIX shells, zsh, fish, tcsh, nu and the restricted ones
 * agree on words in single quotes that hold no quote, no backslash before another one, no `!` and no line break.
 */
export const loginShellLine = (command: MarkedLine): string => {
  const [program, option, ...rest] = shellWords(command)
  return [program, option, ...rest.map((word) => `'${word}'`)].join(' ')
}

/** A text for the `%b` of printf: every byte that a login shell may take for something else as `\0` and three octal digits. */
function encode(text: string): string {
  if (text.includes('\0')) throw new TypeError('a command line cannot hold a NUL byte')
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .replaceAll(/[^ -~]|['!\\]/g, (byte) => `\\0${byte.charCodeAt(0).toString(8).padStart(3, '0')}`)
}
