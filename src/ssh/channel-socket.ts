import { Duplex } from 'node:stream'

/**
 * A byte stream as node:http wants its sockets. A channel of ssh2 that is destroyed says that it is closed only once
 * its far end has agreed and all it had to say is read, which nobody does any more: an Agent would wait for its place
 * for ever. This one is closed as soon as it is destroyed, and lets the channel end behind it.
 */
export class ChannelSocket extends Duplex {
  readonly #channel: Duplex

  constructor(channel: Duplex) {
    super({ allowHalfOpen: false })
    this.#channel = channel
    channel.on('data', (chunk: Uint8Array) => {
      if (!this.push(chunk)) channel.pause()
    })
    channel.once('end', () => this.push(null))
    channel.once('close', () => this.push(null))
    // Half-open it must not be used again: its far end hangs up on what is idle.
    this.once('end', () => this.destroy())
    // For good: the loss of the link may be told of more than once.
    channel.on('error', (error) => this.destroy(error))
  }

  override _read(): void {
    this.#channel.resume()
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.#channel.write(chunk, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#channel.end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#channel.removeAllListeners('data').resume()
    this.#channel.destroy()
    done(error)
  }

  // What else is called on a net.Socket means nothing to a channel.
  setTimeout = (): this => this
  setNoDelay = (): this => this
  setKeepAlive = (): this => this
  ref = (): this => this
  unref = (): this => this
}
