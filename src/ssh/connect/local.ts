import { connect } from 'node:net'
import type { Duplex, Readable, Writable } from 'node:stream'
import type { Options } from 'execa'
import { unreachable } from '../../base/failure.ts'
import { loadExeca } from '../../base/local-program.ts'
import { toExitCode } from '../session/attach.ts'
import { shellWords } from '../session/command-line.ts'
import { createSession, givenUp, nothingListens } from '../session/create-session.ts'
import type { Exit, ProcessSpec, RemoteProcess } from '../session/remote-process.ts'
import type { Attached, Note, Session } from '../session.ts'

/** A session on this very machine: the same commands, run by sh. */
export function openLocal({ note }: { readonly note?: Note | undefined } = {}): Session {
  const alive = new Set<RemoteProcess>()
  let over = false
  const start = async (command: ProcessSpec): Promise<RemoteProcess> => {
    const running = await run(command)
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

/** Kept out of the terminal's process group, as a remote command is: Ctrl-C is for this process to decide on. */
const plain = {
  reject: false,
  buffer: false,
  detached: true,
  stdin: 'pipe',
  stdout: 'pipe',
  stderr: 'pipe',
} as const satisfies Options

async function run({ line, mark, what }: ProcessSpec): Promise<RemoteProcess> {
  const execa = await loadExeca()
  const [program = 'sh', ...args] = shellWords({ line, mark })
  const child = execa(program, args, plain)
  const stopped = Promise.withResolvers<Exit>()
  return {
    stdin: child.stdin as Writable,
    stdout: child.stdout as Readable,
    stderr: child.stderr as Readable,
    ended: Promise.race([child.then(toEnding), stopped.promise]),
    stop() {
      try {
        // The whole group, or what sh has started goes on without it.
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM')
      } catch {
        // It has ended already.
      }
      for (const stream of child.stdio) stream?.destroy()
      // One that does not end, as when it is stopped, must not keep this process.
      child.nodeChildProcess.unref()
      stopped.resolve({ kind: 'lost', failure: givenUp(what) })
    },
    resize() {},
  }
}

interface Outcome {
  readonly exitCode?: number | undefined
  readonly signal?: string | undefined
  readonly originalMessage?: string | undefined
}

function toEnding({ exitCode, signal, originalMessage }: Outcome): Exit {
  if (signal !== undefined) return { kind: 'signal', signal }
  if (exitCode !== undefined) return { kind: 'code', code: exitCode }
  return {
    kind: 'lost',
    failure: unreachable('no-shell', `cannot run sh: ${originalMessage ?? 'no reason given'}`),
  }
}

/** The operator's own terminal is handed over as it is; other streams, or a first line, are piped. */
function inherit(line: string, { stdin, stdout, stderr, tty, first }: Attached): Promise<number> | undefined {
  const hasFd = [stdin, stdout, stderr].every((stream) => typeof (stream as { fd?: unknown }).fd === 'number')
  if (!tty || first || !hasFd) return undefined
  const streams = { stdin: stdin as Readable, stdout: stdout as Writable, stderr: stderr as Writable }
  return loadExeca()
    .then((execa) => execa('sh', ['-c', line], { reject: false, buffer: false, ...streams }))
    .then((outcome) => toExitCode(toEnding(outcome)))
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
