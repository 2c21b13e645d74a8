import type { Readable, Writable } from 'node:stream'
import type { Options } from 'execa'
import { unreachable } from '../../base/failure.ts'
import { loadExeca } from '../../base/local-program.ts'
import { givenUp } from '../session/create-session.ts'
import type { Exit, RemoteProcess } from '../session/remote-process.ts'

/** Kept out of the terminal's process group, as a remote command is: Ctrl-C is for this process to decide on. */
const plain = {
  reject: false,
  buffer: false,
  detached: true,
  stdin: 'pipe',
  stdout: 'pipe',
  stderr: 'pipe',
} as const satisfies Options

/** Starts a program of this machine that stands for a command, here or there. */
export async function startChild(words: readonly string[], what: string): Promise<RemoteProcess> {
  const execa = await loadExeca()
  const [program = '', ...args] = words
  const child = execa(program, args, plain)
  const stopped = Promise.withResolvers<Exit>()
  return {
    stdin: child.stdin as Writable,
    stdout: child.stdout as Readable,
    stderr: child.stderr as Readable,
    ended: Promise.race([child.then(toExit), stopped.promise]),
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
  readonly command?: string | undefined
}

/** How a program of this machine ended. */
export function toExit({ exitCode, signal, originalMessage, command }: Outcome): Exit {
  if (signal !== undefined) return { kind: 'signal', signal }
  if (exitCode !== undefined) return { kind: 'code', code: exitCode }
  const [program = 'sh'] = command?.split(' ', 1) ?? []
  return {
    kind: 'lost',
    failure: unreachable('no-shell', `cannot run ${program}: ${originalMessage ?? 'no reason given'}`),
  }
}
