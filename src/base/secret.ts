// util.inspect.custom, without loading node:util at every start.
const inspect = Symbol.for('nodejs.util.inspect.custom')
const shown = '‹secret›'

/**
 * A value that hides itself: printing, joining, JSON and `util.inspect` show a placeholder.
 * It goes into stdin and request bodies only; a shell word made of one does not compile.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value itself. Every call of this is a place to review. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return shown
  }

  toJSON(): string {
    return shown
  }

  [inspect](): string {
    return shown
  }
}
