import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** Streams that are opened before anybody needs them, since opening one takes a round trip. Nothing is sent over one until it is taken. */
export interface SpareStreams {
  /** Opens more, up to so many. One that cannot be opened is not missed: whoever needs a stream then opens it, and hears why. */
  prepare(count: number): void
  /** One that stands; undefined where there is none, or only such as the far end has hung up on. */
  take(): Promise<Duplex | undefined>
  /** Ends those that nobody took: they lead elsewhere. */
  drop(): void
}

/** In milliseconds: a PDS hangs up on who says nothing for a minute. */
const freshFor = 10_000

interface Spare {
  readonly stream: Duplex
  /** For whoever reads it from its beginning; undefined where its far end has said something, has gone, or soon goes. */
  take(): Duplex | undefined
}

/** Opens streams by `open`, ahead. */
export function spareStreams(open: () => Promise<Duplex>): SpareStreams {
  let spares: Promise<Spare | undefined>[] = []
  return {
    prepare(count) {
      while (spares.length < count) spares.push(open().then(watch, () => undefined))
    },
    async take() {
      for (let next = spares.shift(); next; next = spares.shift()) {
        const spare = await next
        const stream = spare?.take()
        if (stream) return stream
        spare?.stream.destroy()
      }
      return undefined
    },
    drop() {
      for (const spare of spares) void spare.then((it) => it?.stream.destroy())
      spares = []
    },
  }
}

const signs = ['data', 'end', 'close'] as const

/** A stream that nobody reads does not tell that its far end has gone; a socket of this machine is not read ahead. */
function watch(stream: Duplex): Spare {
  const until = performance.now() + freshFor
  let used = false
  const use = () => {
    used = true
  }
  stream.on('error', use)
  if (!(stream instanceof Socket)) for (const sign of signs) stream.on(sign, use)
  return {
    stream,
    take() {
      for (const sign of signs) stream.removeListener(sign, use)
      if (!(stream instanceof Socket)) stream.pause()
      return used || stream.destroyed || performance.now() > until ? undefined : stream
    },
  }
}
