import { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { startChild } from '../connect/child.ts'
import { nothingListens } from '../session/create-session.ts'
import type { RemoteProcess } from '../session/remote-process.ts'
import type { Master } from './master.ts'

/** What ssh says (with -v) once the host has opened the channel. */
const opened = /master session id/

/** A stream to a port of the host's loopback, by `ssh -W`. */
export async function openTunnel(master: Master, port: number, where: string): Promise<Duplex> {
  const words = master.over('-v', '-W', `127.0.0.1:${port}`)
  const running = await startChild(words, `a connection to port ${port} (on ${where})`)
  const ready = Promise.withResolvers<void>()
  let said = ''
  running.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said = `${said}${chunk}`.slice(-4096)
    if (opened.test(said)) ready.resolve()
  })
  void running.ended.then(async () => ready.reject((await master.lost()) ?? nothingListens(port, where)))
  await ready.promise
  return streamOf(running, master)
}

/** The streams of a process as one; that its connection is lost is an error of it, for whoever listens. */
function streamOf({ stdin, stdout, ended, stop }: RemoteProcess, master: Master): Duplex {
  const stream = new Duplex({
    read: () => stdout.resume(),
    write: (chunk, _encoding, done) => void stdin.write(chunk, done),
    final: (done) => void stdin.end(done),
    destroy(error, done) {
      stop()
      done(error)
    },
  })
  stdin.on('error', () => {})
  stdout.on('data', (chunk) => {
    if (!stream.push(chunk)) stdout.pause()
  })
  stdout.once('end', async () => {
    // A connection that is lost ends the stream as well, and the process right behind it.
    await Promise.race([ended, sleep(100, undefined, { ref: false })])
    if (!stream.destroyed) stream.push(null)
  })
  void ended.then(async () => {
    const why = stream.destroyed ? undefined : await master.lost()
    if (why) stream.destroy(stream.listenerCount('error') > 0 ? why : undefined)
    else stream.end()
  })
  return stream
}
