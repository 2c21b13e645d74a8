import { setTimeout as sleep } from 'node:timers/promises'

/**
 * How long sshd may take to count a session as closed after it has said so, in milliseconds: on a busy host it takes its
 * time, and beside sessions that last there is no use in waiting long.
 */
const [settling, settlingAlone] = [500, 5_000]
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

  get #patience(): number {
    return this.#lasting === 0 ? settlingAlone : settling
  }

  /**
   * Counts a command from before it starts until its session has ended, without a gap in which it would count for
   * nothing; one that is talked to or read from may last.
   */
  async run<T extends { readonly closed: Promise<unknown> }>(start: Promise<T>, lasts: boolean): Promise<T> {
    this.#opening.add(start)
    try {
      const started = await start
      this.#add(started.closed, lasts)
      return started
    } finally {
      this.#opening.delete(start)
    }
  }

  #add(ended: Promise<unknown>, lasts: boolean): void {
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
    else if (this.#opening.size === 0 && performance.now() - this.#lastEnd > this.#patience) return 'no'
    else await sleep(pause)
    return 'yes'
  }
}
