import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Readable } from 'node:stream'
import type { Exit } from '../session/remote-process.ts'

/** How a child ended, once all of its output is here. */
export const ending = (child: ChildProcess): Promise<[number | null, string | null]> =>
  new Promise((resolve) => {
    child.once('error', () => resolve([127, null]))
    child.once('close', (code, signal) => resolve([code, signal]))
  })

/** Whether a command has said something or ended, or nobody waits for it any more. */
export function hasBegun(
  streams: readonly Readable[],
  ended: Promise<Exit>,
  isGivenUp: (() => boolean) | undefined,
): Promise<'begun' | 'ended' | 'given up'> {
  return new Promise((resolve) => {
    const settle = (how: 'begun' | 'ended' | 'given up') => {
      clearInterval(timer)
      for (const stream of streams) stream.removeListener('readable', read)
      resolve(how)
    }
    const read = () => {
      if (streams.some((stream) => stream.readableLength > 0)) settle('begun')
    }
    const timer = setInterval(() => isGivenUp?.() && settle('given up'), 50)
    for (const stream of streams) stream.on('readable', read)
    void ended.then(() => settle('ended'))
  })
}

/** Whether a tunnel stands, as its ssh tells it. */
export async function isOpened(child: ChildProcess): Promise<'yes' | 'no'> {
  const over = new AbortController()
  const exit = once(child, 'close', { signal: over.signal }).then(() => 'no' as const)
  const opened = new Promise<'yes'>((resolve) => {
    let said = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('latin1')).slice(-4000)
      if (/master session id/.test(said)) resolve('yes')
    })
  })
  const first = await Promise.race([exit, opened])
  over.abort()
  await exit.catch(() => {})
  return first
}

/** Whether somebody still listens at a socket. */
export const answers = (socket: string): Promise<'yes' | 'no'> =>
  new Promise((resolve) => {
    const probe = connect(socket)
    probe.once('error', () => resolve('no'))
    probe.once('connect', () => {
      probe.destroy()
      resolve('yes')
    })
  })
