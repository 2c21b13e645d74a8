import { interrupted, withDeadline } from '../../base/deadline.ts'
import { createSession } from '../session/create-session.ts'
import type { Note, Session } from '../session.ts'
import type { TargetOptions } from '../target/resolve-target.ts'
import type { Target } from '../target/target.ts'
import { Clients } from './clients.ts'
import { tooLate, whyNoMaster } from './failures.ts'
import { isUp, startMaster } from './master.ts'

/** How to connect with the system's ssh, beside where to. */
export interface OpenSshOptions {
  /** What the config says of the connection; all else is for ssh itself to know. */
  readonly asked: TargetOptions
  /** Whether a person can be asked by ssh, on the terminal of this process. */
  readonly person: 'yes' | 'no'
  readonly note?: Note | undefined
  readonly signal?: AbortSignal | undefined
  /** Milliseconds for the connection and for the login, each; a person has all the time that sshd gives. */
  readonly timeout?: number | undefined
  /** Milliseconds between two signs of life, in whole seconds; without an answer to three of them the link is lost. */
  readonly keepalive?: number | undefined
  /** The `ssh` program. */
  readonly ssh?: string | undefined
}

/** Opens a connection by the system's own `ssh`: all that its configuration says holds, and all keys that it can use. */
export async function openBySsh(target: Target, options: OpenSshOptions): Promise<Session> {
  const { asked, person, note, signal, keepalive = 15_000, ssh = 'ssh' } = options
  const host = target.host.includes(':') ? `[${target.host}]` : target.host
  const where = `${target.user}@${host}:${target.port}`
  const timeout = options.timeout ?? (target.connectTimeout > 0 ? target.connectTimeout * 1000 : 15_000)
  const from = performance.now()
  const what = `connecting to ${where}`
  if (signal?.aborted) throw interrupted(signal, what)
  const master = await startMaster(target, asked, where, { ssh, person, timeout, keepalive })
  const late = () => person === 'no' && performance.now() - from > 2 * timeout
  let over = false
  try {
    const up = await withDeadline({ signal, what }, (onStop) => {
      onStop(() => {
        over = true
      })
      return isUp(master, () => over || late())
    })
    if (up === 'no') {
      const failure = master.lost()
      const log = await master.log()
      if (failure === undefined) throw tooLate(log, where, 2 * timeout)
      throw failure.code === 'no-ssh-client' ? failure : whyNoMaster(log, target, where)
    }
  } catch (error) {
    master.close()
    throw error
  }
  note?.(`connected to ${where}`, performance.now() - from)
  const clients = new Clients(master, ssh)
  return createSession(
    {
      where,
      start: (command) => clients.start(command),
      tunnel: (port) => clients.tunnel(port),
      inherit: (line, attached) => clients.inherit(line, attached),
      async dispose() {
        await clients.dispose()
        master.close()
      },
    },
    { note, signal },
  )
}
