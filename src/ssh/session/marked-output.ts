import { constants } from 'node:os'
import { type Readable, Transform, type TransformCallback } from 'node:stream'
import { type Failure, unreachable } from '../../base/failure.ts'
import { beginMark, endMark } from './command-line.ts'
import { brief, type Exit, quoted, type RemoteProcess } from './remote-process.ts'

/** What is kept of what came, in bytes, for the message of a failure. */
const kept = 400

type Place = 'before' | 'inside' | 'at the end' | 'after'

/** Lets through what stands between the two marks of a command, and drops what a login shell prints around it. */
class BetweenMarks extends Transform {
  readonly #begin: Buffer
  readonly #end: Buffer
  #at: Place = 'before'
  /** What may be a part of a mark. */
  #rest: Buffer = Buffer.alloc(0)
  #before = Buffer.alloc(0)
  #last = Buffer.alloc(0)
  #code: number | undefined

  constructor(mark: string) {
    super()
    this.#begin = Buffer.from(beginMark(mark))
    this.#end = Buffer.from(endMark(mark))
  }

  get begun(): boolean {
    return this.#at !== 'before'
  }

  /** The exit code behind the second mark, once that is there. */
  get code(): number | undefined {
    return this.#code
  }

  /** The beginning of what came before the first mark. */
  get before(): string {
    return this.#before.toString('utf8')
  }

  /** The end of what came between them. */
  get last(): string {
    return this.#last.toString('utf8')
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    this.#rest = Buffer.alloc(0)
    this.#take(data)
    done()
  }

  override _flush(done: TransformCallback): void {
    if (this.#at === 'before') this.#keepBefore(this.#rest)
    if (this.#at === 'inside') this.#give(this.#rest)
    done()
  }

  #take(data: Buffer): void {
    let left: Buffer | undefined = data
    while (left !== undefined) left = this.#takePart(left)
  }

  /** Takes what belongs to the part that is at hand, and hands back what follows it. */
  #takePart(data: Buffer): Buffer | undefined {
    switch (this.#at) {
      case 'before':
        return this.#cut(data, this.#begin, (text) => this.#keepBefore(text), 'inside')
      case 'inside':
        return this.#cut(data, this.#end, (text) => this.#give(text), 'at the end')
      case 'at the end':
        return this.#readCode(data)
      case 'after':
        return undefined
    }
  }

  /** Passes on what stands before a mark; what may be the beginning of one is held until more comes. */
  #cut(data: Buffer, mark: Buffer, pass: (text: Buffer) => void, next: Place): Buffer | undefined {
    const at = data.indexOf(mark)
    if (at === -1) {
      let length = Math.min(mark.length - 1, data.length)
      while (length > 0 && !data.subarray(data.length - length).equals(mark.subarray(0, length))) length--
      pass(data.subarray(0, data.length - length))
      this.#rest = data.subarray(data.length - length)
      return undefined
    }
    pass(data.subarray(0, at))
    this.#at = next
    if (next === 'inside') this.emit('begun')
    return data.subarray(at + mark.length)
  }

  #readCode(data: Buffer): undefined {
    const at = data.indexOf(10)
    if (at === -1) {
      this.#rest = data
      return
    }
    const code = data.subarray(0, at).toString()
    if (/^\d{1,3}$/.test(code)) this.#code = Number(code)
    this.#at = 'after'
    this.push(null)
  }

  #keepBefore(text: Buffer): void {
    if (this.#before.length < kept)
      this.#before = Buffer.concat([this.#before, text.subarray(0, kept - this.#before.length)])
  }

  #give(text: Buffer): void {
    if (text.length === 0) return
    this.#last = Buffer.concat([this.#last, text.subarray(-kept)]).subarray(-kept)
    this.push(text)
  }
}

/** A command whose output begins and ends at marks, and what it needs to be told of in a Failure. */
export interface Marking {
  readonly mark: string
  readonly where: string
  readonly what: string
}

/** A command of which only what stands between its marks is heard. */
export interface MarkedRunning extends RemoteProcess {
  /** Resolves once its output has begun, or it has ended. */
  readonly begun: Promise<void>
}

/** Hears of a command what stands between its marks; its exit code is the one behind them, and without them there is no answer. */
export function betweenMarks(running: RemoteProcess, { mark, where, what }: Marking): MarkedRunning {
  const stdout = running.stdout.pipe(new BetweenMarks(mark))
  const stderr = running.stderr.pipe(new BetweenMarks(mark))
  const read = Promise.all([stdout, stderr].map(whenRead))
  // A login shell may go on after the command, or leave something behind that keeps the line open.
  const ended = Promise.race([running.ended, read]).then(async (first): Promise<Exit> => {
    if ('kind' in first && first.kind === 'lost') return first
    await read
    if (stdout.code !== undefined) return toEnding(stdout.code)
    const ending = await running.ended
    if (ending.kind !== 'code') return ending
    const failure = stdout.begun
      ? cutOff(where, what, ending.code, stderr.last)
      : noShell(where, ending.code, [stdout.before, stderr.before])
    return { kind: 'lost', failure }
  })
  return {
    stdin: running.stdin,
    stdout,
    stderr,
    ended,
    begun: new Promise((resolve) => {
      for (const event of ['begun', 'finish', 'close']) stdout.once(event, () => resolve())
    }),
    stop() {
      running.stdout.unpipe(stdout)
      running.stderr.unpipe(stderr)
      running.stop()
    },
    resize: (rows, columns) => running.resize(rows, columns),
  }
}

const whenRead = (stream: Readable): Promise<void> =>
  new Promise((resolve) => {
    if (stream.readableEnded || stream.destroyed) resolve()
    else stream.once('end', () => resolve()).once('close', () => resolve())
  })

const signals = new Map(Object.entries(constants.signals).map(([name, number]) => [128 + number, name]))

/** A shell tells the end of a command by a signal as 128 and its number. */
function toEnding(code: number): Exit {
  const signal = signals.get(code)
  return signal === undefined ? { kind: 'code', code } : { kind: 'signal', signal }
}

function noShell(where: string, code: number, came: readonly string[]): Failure {
  const text = brief(came.filter((it) => it.trim() !== '').join('\n'), 300)
  return unreachable(
    'no-shell',
    `${where} ran no shell command (exit code ${code}): ${text === '' ? 'nothing came back' : `in place of an answer came “${text}”`}`,
    'the login shell of that user must be able to run sh, and neither a ForceCommand of sshd_config nor a command= of authorized_keys may stand in its place; on the host: getent passwd USER, and to change it: chsh --shell /bin/sh USER',
  )
}

/** The answer itself is not shown: it may hold a secret. */
const cutOff = (where: string, what: string, code: number, stderr: string): Failure =>
  unreachable(
    'answer-incomplete',
    `the answer of ${where} was cut off before its end (exit code ${code})${quoted(stderr)}: ${what}`,
    'what was running there may have gone on; look before you repeat it',
  )
