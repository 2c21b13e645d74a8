import { during, Failure } from '../../base/failure.ts'
import { visible } from '../../base/sanitize.ts'
import type { InputStream, Terminal, TerminalParts } from './terminal.ts'

type Prompts = Pick<Terminal, 'ask' | 'askSecret' | 'confirm'>

/** Questions to the person at the terminal, on standard error, answered by `person`; `before` runs ahead of each. */
export function prompts(parts: TerminalParts, person: () => InputStream, before: () => void): Prompts {
  const put = async <T>(pose: (library: Library, place: Place) => Promise<T>): Promise<T> => {
    const library = await import('@inquirer/prompts')
    before()
    const input = person()
    const left = whenLeft(input, parts.signal)
    try {
      return await pose(library, { input, output: parts.stderr, signal: left.signal })
    } catch (cause) {
      throw asInterrupted(cause, parts.signal)
    } finally {
      left.dispose()
      // A terminal that was opened for the question would keep the process from its end.
      if (input !== parts.stdin) input.destroy()
    }
  }
  return {
    ask: (question) => put(({ input }, place) => input({ message: visible(question) }, place)),
    askSecret: (question) =>
      put(({ password }, place) => password({ message: visible(question), mask: '*' }, place)),
    confirm: (question) =>
      put(({ confirm }, place) => confirm({ message: visible(question), default: false }, place)),
  }
}

type Library = typeof import('@inquirer/prompts')

interface Place {
  readonly input: NodeJS.ReadableStream
  readonly output: NodeJS.WritableStream
  readonly signal: AbortSignal
}

/** Ends a question whose person has left: Ctrl-D and a closed input pause the stream without an answer. */
function whenLeft(
  stdin: InputStream,
  signal: AbortSignal | undefined,
): { readonly signal: AbortSignal; dispose(): void } {
  const left = new AbortController()
  const leave = (): void => void setImmediate(() => left.abort())
  stdin.on('end', leave).on('pause', leave)
  return {
    signal: signal === undefined ? left.signal : AbortSignal.any([left.signal, signal]),
    dispose: () => void stdin.off('end', leave).off('pause', leave),
  }
}

/** A question that was given up: for the reason of the signal, if it has one, such as `--timeout`. */
function asInterrupted(cause: unknown, signal: AbortSignal | undefined): unknown {
  if (!(cause instanceof Error && (cause.name === 'ExitPromptError' || cause.name === 'AbortPromptError')))
    return cause
  const { reason } = signal ?? {}
  if (reason instanceof Failure) return during(reason, 'a question was not answered, and nothing was done')
  return new Failure({
    outcome: 'interrupted',
    code: 'interrupted',
    message: 'interrupted at a question: nothing was done',
    cause,
  })
}
