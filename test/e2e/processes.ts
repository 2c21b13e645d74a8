import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** What was seen of the processes of this machine. */
export interface Seen {
  readonly samples: number
  /** Every command line, and every environment of a process that is in no container, once. */
  readonly text: string
}

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

const linkOf = (path: string): string => {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

/** Samples the command lines and environments of all processes until it is ended; containers keep theirs to themselves. */
export function watchProcesses(): { end(): Promise<Seen> } {
  const seen = new Set<string>()
  const own = linkOf('/proc/self/ns/pid')
  let samples = 0
  let going = true
  const look = (): void => {
    samples++
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid)) continue
      seen.add(textOf(`/proc/${pid}/cmdline`))
      if (linkOf(`/proc/${pid}/ns/pid`) === own) seen.add(textOf(`/proc/${pid}/environ`))
    }
  }
  const watching = (async () => {
    while (going) {
      look()
      await sleep(5)
    }
  })()
  return {
    async end() {
      going = false
      await watching
      return { samples, text: [...seen].join('\n') }
    },
  }
}
