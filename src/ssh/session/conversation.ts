import { withDeadline } from '../../base/deadline.ts'
import { type Failure, failed, unreachable } from '../../base/failure.ts'
import type { Answer, Conversation } from '../session.ts'
import { type Exit, quoted, type RemoteProcess, toAnswer } from './remote-process.ts'

/** Within what time a command that is talked to must answer, and what a Failure calls it. */
export interface ConversationLimits {
  /** Milliseconds. */
  readonly deadline: number
  readonly what: string
}

/** Talks line by line with a running command: what is said first is answered first. */
export function conversationWith(running: RemoteProcess, limits: ConversationLimits): Conversation {
  const { what } = limits
  const waiting: PromiseWithResolvers<string>[] = []
  const unasked: string[] = []
  const errors: Buffer[] = []
  let over: Failure | undefined
  const said = () => Buffer.concat(errors).toString('utf8')

  readLines(running, (line) => {
    const first = waiting.shift()
    if (first) first.resolve(line)
    else unasked.push(line)
  })
  running.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
  running.stdin.on('error', () => {})
  const finish = (why: Failure) => {
    over ??= why
    for (const one of waiting.splice(0)) one.reject(over)
  }
  const ended = running.ended.then((ending) => {
    finish(whyOver(ending, said(), what))
    return ending
  })
  const inTime = <T>(work: () => Promise<T>): Promise<T> =>
    withDeadline(limits, (onStop) => {
      onStop((why) => {
        finish(why)
        running.stop()
      })
      return work()
    })

  return {
    say(line) {
      if (line.includes('\n')) throw new TypeError('a line of a conversation cannot hold a line break')
      if (over) return Promise.reject(over)
      return inTime(() => {
        const answer = Promise.withResolvers<string>()
        waiting.push(answer)
        running.stdin.write(`${line}\n`)
        return answer.promise
      })
    },
    async end(): Promise<Answer> {
      running.stdin.end()
      const ending = await inTime(() => ended)
      // One that was given up ended for the reason for which it was.
      if (ending.kind === 'lost') throw over ?? ending.failure
      return toAnswer(ending, unasked.map((line) => `${line}\n`).join(''), said(), what)
    },
  }
}

/** Lines are cut as bytes, since a character may be split between two chunks. */
function readLines(running: RemoteProcess, onLine: (line: string) => void): void {
  let rest: Buffer[] = []
  running.stdout.on('data', (chunk: Buffer) => {
    let from = 0
    for (let to = chunk.indexOf(10); to !== -1; to = chunk.indexOf(10, from)) {
      onLine(Buffer.concat([...rest, chunk.subarray(from, to)]).toString('utf8'))
      rest = []
      from = to + 1
    }
    if (from < chunk.length) rest.push(chunk.subarray(from))
  })
}

function whyOver(ending: Exit, stderr: string, what: string): Failure {
  switch (ending.kind) {
    case 'code':
      return failed('conversation-ended', `it ended with code ${ending.code}: ${what}${quoted(stderr)}`)
    case 'signal':
      return unreachable('killed', `ended by ${ending.signal}: ${what}${quoted(stderr)}`)
    case 'lost':
      return ending.failure
  }
}
