import { usage } from '../failure.ts'
import type { InputStream, Terminal } from './terminal.ts'

const newline = 0x0a

/** No line is as long as this; what is longer is not the file that was meant. */
const longestLine = 1024 * 1024

/** Standard input as a text or its first line. A terminal is refused: nobody would know that it is waited for. */
export function standardInput(stdin: () => InputStream): Pick<Terminal, 'readAll' | 'readLine'> {
  let whole: Promise<string> | undefined
  return {
    readAll() {
      whole ??= read(stdin(), () => false).then(decode)
      return whole
    },
    async readLine() {
      const bytes = await read(stdin(), (chunk, length) => chunk.includes(newline) || length > longestLine)
      if (bytes.length === 0) throw usage('standard input is empty', 'pipe one line into this command')
      const end = bytes.indexOf(newline)
      if (end < 0 && bytes.length > longestLine) throw usage('the first line of standard input is too long')
      return decode(end < 0 ? bytes : bytes.subarray(0, end)).replace(/\r$/, '')
    },
  }
}

type Enough = (chunk: Buffer, length: number) => boolean

async function read(stream: InputStream, enough: Enough): Promise<Buffer> {
  if (stream.isTTY) {
    throw usage(
      'standard input is a terminal',
      'pipe a file into this command, or give the path of a file',
      'stdin-terminal',
    )
  }
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of stream) {
      const bytes = Buffer.from(chunk)
      chunks.push(bytes)
      length += bytes.length
      if (enough(bytes, length)) break
    }
  } catch (cause) {
    throw usage(`cannot read standard input: ${(cause as Error).message}`)
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
