/** The operator: two output streams, and a person to ask if one is there. The sole place that touches process streams. */
export interface Terminal {
  /**
   * Whether a question can be asked: stdin and stderr are TTYs and `--no-input` was not given. Where standard input was
   * read for its data, the terminal of the process is asked instead.
   */
  readonly interactive: boolean
  readonly stdout: Output
  readonly stderr: Output
  /** Asks on stderr; Ctrl-C is a Failure `interrupted`. Only when `interactive`. */
  ask(question: string): Promise<string>
  askSecret(question: string): Promise<string>
  /** y/N, default N. */
  confirm(question: string): Promise<boolean>
  /** How many milliseconds a person has taken so far, to read and to answer. */
  answering(): number
  /** A status line on a TTY's stderr, replaced by the next one and cleared by any other output; none once the result has begun, but where that goes to a file. */
  progress(text: string): void
  /** Writes a text, through a pager where it does not fit on the screen. */
  page(text: string, to: 'stdout' | 'stderr'): Promise<'written' | 'paged'>
  /** Standard output, through a pager from the line on that does not fit on the screen; notes wait until it was left. */
  openPaged(wish: 'pager' | 'no pager'): Promise<PagedOutput>
  /** The whole of standard input as UTF-8. */
  readAll(): Promise<string>
  /** The first line of standard input, without its line end. */
  readLine(): Promise<string>
}

/** One output stream. */
export interface Output {
  readonly tty: boolean
  readonly color: boolean
  /** Columns of the terminal; Infinity when it is none. */
  readonly columns: number
  /**
   * Resolves when more can be taken. False once nobody reads any more (`| head`). A result that cannot be written
   * is a Failure; what cannot be said on standard error is lost, and nothing fails for it.
   */
  write(text: string): Promise<boolean>
}

/** An output of which the end is told. */
export interface PagedOutput extends Output {
  /** Resolves when all was written, and the pager was left. */
  end(): Promise<void>
}

/** Standard input, a terminal or not. */
export type InputStream = NodeJS.ReadableStream & {
  readonly isTTY?: boolean
  readonly destroyed?: boolean
  destroy(error?: Error): unknown
}

/** Standard output or error, a terminal or not. */
export type OutputStream = NodeJS.WritableStream & {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  readonly fd?: number
}

/** Runs a pager and resolves to its exit code: the text is its standard input, and it writes to this very descriptor. */
export type RunPager = (line: string, text: string, to: 1 | 2, signal?: AbortSignal) => Promise<number>

/** What a terminal is made of: the streams of the process, its environment, and the wishes of the command line. */
export interface TerminalParts {
  readonly stdin: InputStream
  /** Opens the terminal of the process for reading, whatever standard input is; undefined where it has none. */
  readonly openTty?: () => InputStream | undefined
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly env: Readonly<Record<string, string | undefined>>
  readonly noInput: boolean
  /** False where `--no-color` forbids it; otherwise each stream decides. */
  readonly color: boolean
  readonly quiet?: boolean
  /** False where `--no-pager` forbids it. */
  readonly pager?: boolean
  readonly runPager?: RunPager
  /** Ends a question that is being asked, and the reading of standard input. */
  readonly signal?: AbortSignal
}
