import { Duplex, type Readable, type Writable } from 'node:stream'
import { startChild } from '../connect/child.ts'
import { loginShellLine } from '../session/command-line.ts'
import { createSession, nothingListens } from '../session/create-session.ts'
import type { Exit, ProcessSpec, RemoteProcess } from '../session/remote-process.ts'
import type { Note, Session } from '../session.ts'
import { type Master, openMaster, type Wanted } from './master.ts'

/**
 * Opens a session by the system's own ssh, for what only that can do: FIDO keys, certificates, GSSAPI, KnownHostsCommand
 * and all else that ssh_config(5) knows. Every command and every tunnel is an ssh that goes over one connection.
 */
export async function openWithSsh(
  wanted: Wanted,
  { note }: { readonly note?: Note | undefined } = {},
): Promise<Session> {
  const { destination, signal } = wanted
  const from = performance.now()
  const master = await openMaster(wanted)
  note?.(`connected to ${destination} by ssh`, performance.now() - from)
  const alive = new Set<RemoteProcess>()
  let over = false
  const start = async (command: ProcessSpec): Promise<RemoteProcess> => {
    const running = await startOver(master, command)
    alive.add(running)
    void running.ended.finally(() => alive.delete(running))
    if (over) running.stop()
    return running
  }
  return createSession(
    {
      where: destination,
      start,
      tunnel: (port) => openTunnel(master, port, destination),
      async dispose() {
        over = true
        for (const running of alive) running.stop()
        await master.close()
      },
    },
    { note, signal },
  )
}

async function startOver(master: Master, { line, mark, what, tty }: ProcessSpec): Promise<RemoteProcess> {
  const terminal = tty ? ['-tt'] : ['-T']
  // ssh sees pipes where the operator has a terminal, so it sends neither the size nor what Enter means.
  const sized = tty ? `stty sane rows ${tty.rows} cols ${tty.columns}; ${line}` : line
  const words = [...master.over(...terminal, '-o', 'LogLevel=ERROR'), loginShellLine({ line: sized, mark })]
  const running = await startChild(words, what)
  return { ...running, ended: running.ended.then((exit) => whyEnded(exit, master)) }
}

/** ssh ends with 255 where its connection is gone, as a command may too. */
async function whyEnded(exit: Exit, master: Master): Promise<Exit> {
  if (exit.kind !== 'code' || exit.code !== 255) return exit
  const failure = await master.lost()
  return failure ? { kind: 'lost', failure } : exit
}

/** What ssh says (with -v) once the host has opened the channel. */
const opened = /master session id/

/** A stream to a port of the host, by `ssh -W`. */
async function openTunnel(master: Master, port: number, where: string): Promise<Duplex> {
  const running = await startChild(
    master.over('-v', '-W', `127.0.0.1:${port}`),
    `a connection to port ${port}`,
  )
  const said = running.stderr as Readable
  const ready = Promise.withResolvers<void>()
  let text = ''
  said.setEncoding('utf8').on('data', (chunk: string) => {
    text = `${text}${chunk}`.slice(-4096)
    if (opened.test(text)) ready.resolve()
  })
  void running.ended.then(async () => ready.reject((await master.lost()) ?? nothingListens(port, where)))
  await ready.promise
  const stream = Duplex.from({ readable: running.stdout as Readable, writable: running.stdin as Writable })
  stream.once('close', () => running.stop())
  return stream
}
