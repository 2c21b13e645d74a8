import { Failure } from '../../src/base/failure.ts'
import type { Output, Terminal } from '../../src/runner/terminal/terminal.ts'

/** What a person at the terminal does; without `interactive` nobody is there. */
export interface TerminalScript {
  readonly interactive?: boolean
  /** One for each question, in order: `y` or `n` to a y/N question, the text typed, or a Failure such as Ctrl-C. */
  readonly answers?: readonly (string | Failure)[]
  /** Whether standard output is a terminal too. */
  readonly tty?: boolean
  /** How many milliseconds each answer takes. */
  readonly takes?: number
  /** What is piped in; without it, reading standard input is a bug of the test. */
  readonly stdin?: string
  /** Whoever reads standard output is gone after so many writes, as `head` is. */
  readonly reads?: number
}

/** A terminal that keeps what was said and asked. */
export interface ScriptedTerminal {
  open(wishes: { readonly noInput: boolean; readonly quiet: boolean }): Terminal
  readonly stdout: () => string
  readonly stderr: () => string
  /** The questions, each behind its kind: `y/N Take down …?`, `text To delete …`. */
  readonly asked: string[]
  /** How many milliseconds the answers took. */
  readonly spent: () => number
  /** The status lines, in order. */
  readonly progress: string[]
  /** Answers that no question was asked for. */
  readonly left: () => readonly unknown[]
}

/** Makes a scripted terminal; `problem` is told of a question or a reading of standard input that nobody scripted. */
export function scriptedTerminal(
  script: TerminalScript,
  problem: (text: string) => Error,
  wrote: (text: string) => void,
): ScriptedTerminal {
  const { interactive = false, tty = false, reads = Number.POSITIVE_INFINITY } = script
  const answers = [...(script.answers ?? [])]
  const texts = { stdout: '', stderr: '' }
  const asked: string[] = []
  const progress: string[] = []
  let writes = 0
  let spent = 0

  const output = (name: 'stdout' | 'stderr', isTty: boolean): Output => ({
    tty: isTty,
    color: false,
    columns: isTty ? 120 : Number.POSITIVE_INFINITY,
    async write(text) {
      if (name === 'stdout' && text !== '' && ++writes > reads) return false
      texts[name] += text
      if (name === 'stdout' && text !== '') wrote(text)
      return true
    },
  })
  const answer = (question: string): string => {
    asked.push(question)
    spent += script.takes ?? 0
    const given = answers.shift()
    if (given === undefined) throw problem(`an unexpected question: ${question}`)
    if (given instanceof Failure) throw given
    return given
  }
  const input = (): string => {
    if (script.stdin === undefined) throw problem('standard input is read, and nothing is scripted for it')
    return script.stdin
  }
  return {
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
    asked,
    progress,
    left: () => answers,
    spent: () => spent,
    open: ({ noInput, quiet }) => ({
      interactive: interactive && !noInput,
      stdout: output('stdout', tty),
      stderr: output('stderr', interactive),
      ask: async (question) => answer(`text ${question}`),
      askSecret: async (question) => answer(`secret ${question}`),
      async confirm(question) {
        const word = answer(`y/N ${question}`)
        if (word !== 'y' && word !== 'n') throw problem(`“${word}” is no answer to: ${question}`)
        return word === 'y'
      },
      answering: () => spent,
      async page(text, to) {
        await (to === 'stdout' ? output(to, tty) : output(to, interactive)).write(text)
        return 'written'
      },
      openPaged: async () => ({ ...output('stdout', tty), end: async () => {} }),
      progress: (text) => void (quiet || progress.push(text)),
      readAll: async () => input(),
      readLine: async () => input().split('\n')[0] ?? '',
    }),
  }
}
