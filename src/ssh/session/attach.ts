import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import type { Attached } from '../session.ts'
import type { Exit, RemoteProcess } from './remote-process.ts'

/** Joins a running command to the operator's streams until it ends; resolves to its exit code, as a shell counts it. */
export async function attachTo(running: RemoteProcess, attached: Attached): Promise<number> {
  const { stdin, stdout, stderr, tty, first } = attached
  const readers = watchReaders(running, [stdout, stderr])
  const undo = [followSize(running, attached), ...(tty ? [rawMode(stdin)] : []), readers.undo]
  running.stdin.on('error', () => {})
  running.stdout.pipe(stdout, { end: false })
  running.stderr.pipe(stderr, { end: false })
  if (first) running.stdin.write(`${first.reveal()}\n`)
  stdin.pipe(running.stdin)
  try {
    const ending = await running.ended
    return ending.kind === 'lost' && readers.gone() ? brokenPipe : toExitCode(ending)
  } finally {
    stdin.unpipe(running.stdin)
    running.stdout.unpipe(stdout)
    running.stderr.unpipe(stderr)
    // A paused stdin no longer keeps this process alive.
    stdin.pause()
    for (const step of undo) step()
  }
}

/** What a shell shows of a program whose reader has gone: 128 and the number of SIGPIPE. */
const brokenPipe = 128 + constants.signals.SIGPIPE

/** Stops the command once nobody reads what it says: a pipe that lost its end would hold it back for ever. */
function watchReaders(running: RemoteProcess, outputs: readonly NodeJS.WritableStream[]) {
  let gone = false
  const leave = () => {
    if (gone) return
    gone = true
    running.stop()
    for (const stream of [running.stdout, running.stderr]) stream.unpipe().resume()
  }
  for (const output of outputs) output.on('error', leave).on('close', leave)
  return {
    gone: () => gone,
    undo() {
      for (const output of outputs) output.removeListener('error', leave).removeListener('close', leave)
    },
  }
}

/** The exit code as a shell counts it: an end by a signal is 128 and its number. */
export function toExitCode(ending: Exit): number {
  switch (ending.kind) {
    case 'code':
      return ending.code
    case 'signal':
      return 128 + (constants.signals[ending.signal as NodeJS.Signals] ?? 0)
    case 'lost':
      throw ending.failure
  }
}

/** Every key goes to the other side as it is typed, Ctrl-C as well. */
function rawMode(stdin: NodeJS.ReadableStream): () => void {
  const terminal = stdin as Readable & {
    isTTY?: boolean
    isRaw?: boolean
    setRawMode?: (on: boolean) => unknown
  }
  if (!terminal.isTTY || !terminal.setRawMode) return () => {}
  const before = terminal.isRaw ?? false
  terminal.setRawMode(true)
  return () => void terminal.setRawMode?.(before)
}

function followSize(running: RemoteProcess, { stdout, tty }: Attached): () => void {
  if (!tty) return () => {}
  const screen = stdout as NodeJS.WritableStream & { rows?: number; columns?: number }
  const follow = () => running.resize(screen.rows ?? tty.rows, screen.columns ?? tty.columns)
  screen.on('resize', follow)
  return () => void screen.removeListener('resize', follow)
}
