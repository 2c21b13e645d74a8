import { connect } from 'node:net'
import type { Duplex, Readable, Writable } from 'node:stream'
import { loadExeca } from '../../base/local-program.ts'
import { toExitCode } from '../session/attach.ts'
import { shellWords } from '../session/command-line.ts'
import { createSession, nothingListens } from '../session/create-session.ts'
import type { ProcessSpec, RemoteProcess } from '../session/remote-process.ts'
import type { Attached, Note, Session } from '../session.ts'
import { startChild, toExit } from './child.ts'

/** A session on this very machine: the same commands, run by sh. */
export function openLocal({ note }: { readonly note?: Note | undefined } = {}): Session {
  const alive = new Set<RemoteProcess>()
  let over = false
  const start = async (command: ProcessSpec): Promise<RemoteProcess> => {
    const running = await startChild(shellWords(command), command.what)
    alive.add(running)
    running.ended.then(() => alive.delete(running))
    // It would keep this process, and nobody is there to end it.
    if (over) running.stop()
    return running
  }
  return createSession(
    {
      where: 'local',
      start,
      inherit,
      tunnel: openPort,
      async dispose() {
        over = true
        for (const running of alive) running.stop()
      },
    },
    { note },
  )
}

/** The operator's own terminal is handed over as it is; other streams, or a first line, are piped. */
function inherit(line: string, { stdin, stdout, stderr, tty, first }: Attached): Promise<number> | undefined {
  const hasFd = [stdin, stdout, stderr].every((stream) => typeof (stream as { fd?: unknown }).fd === 'number')
  if (!tty || first || !hasFd) return undefined
  const streams = { stdin: stdin as Readable, stdout: stdout as Writable, stderr: stderr as Writable }
  return loadExeca()
    .then((execa) => execa('sh', ['-c', line], { reject: false, buffer: false, ...streams }))
    .then((outcome) => toExitCode(toExit(outcome)))
}

function openPort(port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    socket.once('error', (error) => reject(nothingListens(port, 'local', error)))
    socket.once('connect', () => {
      socket.removeAllListeners('error')
      resolve(socket)
    })
  })
}
