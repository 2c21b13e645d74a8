/** A time limit that starts anew at each step and stands still while a person is asked. */
export class PausableTimeout {
  readonly #ms: number
  #timer: NodeJS.Timeout | undefined
  #late: (() => void) | undefined
  #asking = 0

  constructor(ms: number) {
    this.#ms = ms
  }

  start(late: () => void): void {
    this.#late = late
    this.restart()
  }

  restart(): void {
    clearTimeout(this.#timer)
    if (this.#late && this.#asking === 0) this.#timer = setTimeout(this.#late, this.#ms)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#late = undefined
  }

  /** The same question, during which no time passes. */
  pausedDuring<A extends unknown[], R>(question: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
    return async (...args) => {
      this.#asking++
      clearTimeout(this.#timer)
      try {
        return await question(...args)
      } finally {
        this.#asking--
        this.restart()
      }
    }
  }
}
