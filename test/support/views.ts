import { usage } from '../../src/base/failure.ts'
import type { Config } from '../../src/config/host-config.ts'
import type { HostView } from '../../src/host/access/host.ts'
import type { Pending } from '../../src/host/change/change.ts'
import type { PdsView } from '../../src/pds/xrpc/client.ts'
import type { Views } from '../../src/runner/command/views.ts'
import { scriptedHost } from './scripted-host.ts'
import { scriptedPds } from './scripted-pds.ts'

/** What `viewsOf` may be told; the rest is as nobody would notice. */
export interface ViewsScript {
  readonly host?: HostView
  readonly pds?: PdsView
  readonly config?: Config
  /** The files of this machine, by path. */
  readonly files?: Readonly<Record<string, string>>
  /** What the operator answers, by flag; without one, nobody is there to ask. */
  readonly answers?: Readonly<Record<string, string>>
  /** What stands unfinished on the host. */
  readonly pending?: Pending
  readonly now?: string
}

/** Views of a scripted world, and what was said to the person. */
export function viewsOf(
  script: ViewsScript = {},
): Views & { readonly said: string[]; readonly looked: string[] } {
  const { host = scriptedHost(), pds = scriptedPds(), files = {}, answers = {} } = script
  const [said, looked]: [string[], string[]] = [[], []]
  return {
    host,
    pds,
    said,
    looked,
    config: async () =>
      script.config ?? { file: '/config.yaml', exists: false, default: undefined, hosts: [] },
    look(other) {
      looked.push(other.ssh)
      return { pds, host }
    },
    reader: {
      async text(path) {
        const text = files[path]
        if (text === undefined) throw usage(`cannot read ${path}`)
        return text
      },
      modifiedAt: async () => undefined,
      line: () => Promise.reject(new Error('nothing is scripted for standard input')),
    },
    async askFor(_question, flag) {
      const answer = answers[flag]
      if (answer === undefined) throw usage(`${flag} is missing`)
      return answer
    },
    fetchPublic: () => Promise.reject(new Error('nothing is scripted for the public side')),
    pending: async () => script.pending,
    pendingNow: async () => script.pending,
    sleep: () => Promise.reject(new Error('nobody waits here')),
    dryRun: 'no',
    store: () => Promise.reject(new Error('nothing is scripted for stores')),
    author: () => ({ user: 'ana', machine: 'laptop', version: '1.2.3' }),
    self: () => ({
      words: ['/node', '/ops.js'],
      user: 'ana',
      home: '/home/ana',
      configHome: '/home/ana/.config',
      path: '/bin',
    }),
    lookUp: () => Promise.reject(new Error('nothing is scripted for programs of this machine')),
    result: 'elsewhere',
    answering: () => 0,
    clock: () => new Date(script.now ?? '2026-11-22T18:00:00Z'),
    signal: new AbortController().signal,
    say: (text) => void said.push(text),
    progress: () => {},
  }
}

/** All rows of a query that streams. */
export async function rowsOf<R>(rows: Promise<R> | AsyncIterable<R>): Promise<R[]> {
  if (rows instanceof Promise) return [await rows]
  const all: R[] = []
  for await (const row of rows) all.push(row)
  return all
}
