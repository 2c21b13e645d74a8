import type { ChildProcess } from 'node:child_process'
import { Duplex } from 'node:stream'
import type { Failure } from '../../base/failure.ts'

/** The bytes that an `ssh -W` carries, for as long as it runs. */
export class TunnelStream extends Duplex {
  readonly #child: ChildProcess

  /** An end is only one if the connection still stands: `lost` tells. */
  constructor(child: ChildProcess, lost: () => Promise<Failure | undefined>) {
    super()
    this.#child = child
    child.stdin?.on('error', () => {})
    child.stdout?.on('error', () => {})
    child.stderr?.resume()
    child.stdout?.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) child.stdout?.pause()
    })
    child.stdout?.once('end', async () => {
      const failure = await lost()
      if (failure === undefined) this.push(null)
      // Without a listener an error would end the process.
      else this.destroy(this.listenerCount('error') > 0 ? failure : undefined)
    })
  }

  override _read(): void {
    this.#child.stdout?.resume()
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    // What cannot be written any more, the end of the other direction tells of.
    this.#child.stdin?.write(chunk, () => done())
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#child.stdin?.end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    for (const stream of this.#child.stdio) stream?.destroy()
    this.#child.kill()
    done(error)
  }
}
