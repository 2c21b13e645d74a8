import { setTimeout as sleep } from 'node:timers/promises'

/** How long sshd may take to count a session as closed after it has said so, in milliseconds. */
const settling = 500
const pause = 25

/** The commands that run on one connection; those that end by themselves soon make room for others. */
export class OpenSessions {
  readonly #opening = new Set<Promise<unknown>>()
  readonly #passing = new Set<Promise<unknown>>()
  #lasting = 0
  #lastEnd = Number.NEGATIVE_INFINITY

  get count(): number {
    return this.#passing.size + this.#lasting
  }

  /** Counts a command that is about to start, until it is known whether it does. */
  async opening<T>(start: Promise<T>): Promise<T> {
    this.#opening.add(start)
    try {
      return await start
    } finally {
      this.#opening.delete(start)
    }
  }

  /** Counts a command until it has ended; one that is talked to or read from may last. */
  add(ended: Promise<unknown>, lasts: boolean): void {
    if (lasts) this.#lasting++
    else this.#passing.add(ended)
    void ended.then(() => {
      if (lasts) this.#lasting--
      else this.#passing.delete(ended)
      this.#lastEnd = performance.now()
    })
  }

  /** Resolves to yes once one more may be tried, and to no where none will end by itself. */
  async room(): Promise<'yes' | 'no'> {
    if (this.#passing.size > 0) await Promise.race(this.#passing)
    else if (this.#opening.size === 0 && performance.now() - this.#lastEnd > settling) return 'no'
    else await sleep(pause)
    return 'yes'
  }
}
