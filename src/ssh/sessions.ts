import { setTimeout as sleep } from 'node:timers/promises'

/** How long sshd may take to count a session as closed after it has said so, in milliseconds. */
const settling = 500
const pause = 25

/** The commands that run on one connection; those that end by themselves soon make room for others. */
export class OpenSessions {
  readonly #passing = new Set<Promise<unknown>>()
  #lasting = 0
  #lastEnd = Number.NEGATIVE_INFINITY

  get count(): number {
    return this.#passing.size + this.#lasting
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
    else if (performance.now() - this.#lastEnd > settling) return 'no'
    else await sleep(pause)
    return 'yes'
  }
}
