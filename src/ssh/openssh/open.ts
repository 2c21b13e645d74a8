import { once } from 'node:events'
import { startChild } from '../connect/child.ts'
import { loginShellLine } from '../session/command-line.ts'
import { createSession } from '../session/create-session.ts'
import type { Exit, ProcessSpec, RemoteProcess } from '../session/remote-process.ts'
import type { Note, Session } from '../session.ts'
import { type Master, openMaster, type Wanted } from './master.ts'
import { openTunnel } from './tunnel.ts'

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
  const ended = running.ended.then((exit) => whyEnded(exit, master))
  if (mark !== undefined) {
    // What is marked says at once that it has begun; a stream that ends becomes readable too.
    await once(running.stdout, 'readable')
    const exit = running.stdout.readableLength > 0 ? undefined : await ended
    if (exit?.kind === 'lost') throw exit.failure
  }
  return { ...running, ended }
}

/** ssh ends with 255 where its connection is gone, as a command may too. */
async function whyEnded(exit: Exit, master: Master): Promise<Exit> {
  if (exit.kind !== 'code' || exit.code !== 255) return exit
  const failure = await master.lost()
  return failure ? { kind: 'lost', failure } : exit
}
