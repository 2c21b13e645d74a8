import { interrupted } from '../../base/deadline.ts'
import { failed } from '../../base/failure.ts'
import type { LinesOptions } from '../session.ts'
import { ask, type Shell, type Word } from '../shell.ts'
import { type Exit, quoted, type RemoteProcess, toAnswer } from './remote-process.ts'

/** What is kept of standard error, in characters, for the message of a failure. */
const kept = 4000

/**
 * The lines of a running command as they come, read only as fast as they are taken; it is given up when nobody takes
 * them any more. An end with another exit code than 0 is a Failure with the end of its standard error.
 */
export async function* linesOf(
  running: RemoteProcess,
  { first, signal }: LinesOptions,
  what: string,
): AsyncGenerator<string> {
  const { chunks, said, end } = watch(running, signal)
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  running.stdin.on('error', () => {})
  if (first) running.stdin.write(`${first.reveal()}\n`)
  let rest = ''
  try {
    for await (const chunk of chunks) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    }
    if (rest !== '') yield rest
    const ending = end()
    if (signal?.aborted || !ending)
      throw signal ? interrupted(signal, what) : new TypeError('it has not ended')
    const { code } = toAnswer(ending, '', said(), what)
    if (code !== 0) throw failed('command-failed', `it ended with code ${code}: ${what}${quoted(said())}`)
  } finally {
    if (!end()) running.stop()
  }
}

/** What a running command puts out, until it has ended or the signal is aborted; and how it ended, once it has. */
function watch(running: RemoteProcess, signal: AbortSignal | undefined) {
  let [ending, stderr]: [Exit | undefined, string] = [undefined, '']
  let waiting: PromiseWithResolvers<void> | undefined
  const wake = () => waiting?.resolve()
  const decoder = new TextDecoder()
  running.stdout.on('readable', wake).on('error', () => {})
  running.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + decoder.decode(chunk, { stream: true })).slice(-kept)
  })
  running.ended.then((it) => {
    ending = it
    wake()
  })
  async function* chunks(): AsyncGenerator<Buffer> {
    signal?.addEventListener('abort', wake)
    try {
      while (!signal?.aborted) {
        // Asked before what is left is read: at its end there is no more to come.
        const over = ending !== undefined
        const chunk = running.stdout.read() as Buffer | null
        if (chunk !== null) yield chunk
        else if (over) return
        else {
          waiting = Promise.withResolvers()
          await waiting.promise
        }
      }
    } finally {
      signal?.removeEventListener('abort', wake)
    }
  }
  return { chunks: chunks(), said: () => stderr, end: () => ending }
}

/**
 * Runs a program until it ends or nobody reads any more: the end of standard input, which a lost line is too, reaches
 * even one that belongs to root. `as` are the words before its shell, such as those of sudo.
 */
export const whileRead = (program: Word, as: readonly string[] = []): Shell<'ask'> =>
  ask`exec ${as} sh -c ${guard} sh ${program}`

/** What is started in the background reads nothing by itself; a shell of its own waits for the end of standard input. */
const guard = `exec 3<&0 </dev/null
"$@" 2>&1 3<&- &
program=$!
{ while read -r _; do :; done <&3; kill "$program"; } >/dev/null 2>&1 &
guard=$!
exec 3<&-
wait "$program"
code=$?
kill "$guard" 2>/dev/null
exit "$code"`
