import { interrupted } from '../../base/deadline.ts'
import { usage } from '../../base/failure.ts'
import type { InputStream, Terminal } from './terminal.ts'

const newline = 0x0a

/** No line is as long as this; what is longer is not the file that was meant. */
const longestLine = 1024 * 1024

/** Standard input as a text or its first line. A terminal is refused: nobody would know that it is waited for. */
export function standardInput(
  stdin: () => InputStream,
  signal?: AbortSignal,
): Pick<Terminal, 'readAll' | 'readLine'> & { wasRead(): boolean } {
  let whole: Promise<string> | undefined
  let used = false
  return {
    wasRead: () => used,
    readAll() {
      used = true
      whole ??= read(stdin(), () => false, signal).then(decode)
      return whole
    },
    async readLine() {
      used = true
      const enough: Enough = (chunk, length) => chunk.includes(newline) || length > longestLine
      const bytes = await read(stdin(), enough, signal)
      if (bytes.length === 0) throw usage('standard input is empty', 'pipe one line into this command')
      const end = bytes.indexOf(newline)
      if (end < 0 && bytes.length > longestLine) throw usage('the first line of standard input is too long')
      return decode(end < 0 ? bytes : bytes.subarray(0, end)).replace(/\r$/, '')
    },
  }
}

type Enough = (chunk: Buffer, length: number) => boolean

/** Reads until it is enough; what it waits for is given up with the signal, and the stream with it. */
async function read(stream: InputStream, enough: Enough, signal?: AbortSignal): Promise<Buffer> {
  if (stream.isTTY) {
    throw usage(
      'standard input is a terminal',
      'pipe a file into this command, or give the path of a file',
      'stdin-terminal',
    )
  }
  const notAtEnd = 'standard input has not come to its end'
  if (signal?.aborted) throw interrupted(signal, notAtEnd)
  const chunks: Buffer[] = []
  let length = 0
  const giveUp = (): void => void stream.destroy(new Error('given up'))
  signal?.addEventListener('abort', giveUp)
  try {
    for await (const chunk of stream) {
      const bytes = Buffer.from(chunk)
      chunks.push(bytes)
      length += bytes.length
      if (enough(bytes, length)) break
    }
  } catch (cause) {
    if (signal?.aborted) throw interrupted(signal, notAtEnd)
    throw usage(`cannot read standard input: ${(cause as Error).message}`)
  } finally {
    signal?.removeEventListener('abort', giveUp)
  }
  return Buffer.concat(chunks)
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw usage('standard input is not UTF-8 text')
  }
}
