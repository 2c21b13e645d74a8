import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { changesPlace } from '../../../rig/changes.ts'
import { Secret } from '../../../src/base/secret.ts'
import type { Host } from '../../../src/host/access/host.ts'
import type { ChangeEvent, ChangePlan } from '../../../src/host/change/change.ts'
import { openChanges } from '../../../src/host/change/changes.ts'
import type { HostStep, HostUndo, ShellStep, WriteStep } from '../../../src/host/change/step.ts'
import { openHost } from '../../../src/host/open-host.ts'
import { openLocal } from '../../../src/ssh/connect/local.ts'
import type { Session } from '../../../src/ssh/session.ts'
import { act } from '../../../src/ssh/shell.ts'
import type { LocalPds } from '../../support/local-host.ts'

/** The programs of a host on which a change is carried out: coreutils and a shell. */
export const coreutils = [
  ...['id', 'cat', 'mkdir', 'rm', 'mv', 'cp', 'ln', 'chmod', 'head', 'tail', 'sed', 'wc', 'tr', 'grep'],
  ...['sync', 'sleep', 'date', 'sha256sum', 'tee', 'readlink', 'timeout', 'touch'],
]

export const operator = { user: 'ana', machine: 'laptop', ssh: 'ops' }

export const holder = (more: object = {}) => ({
  operator,
  command: 'env set',
  time: new Date().toISOString(),
  ...more,
})

/** A plan whose steps are all of the host, unless some of the operator's machine follow or come before. */
export const planOf = (steps: readonly HostStep[], more: Partial<ChangePlan> = {}): ChangePlan => ({
  ...holder(),
  id: crypto.randomUUID(),
  title: 'Change settings',
  subject: 'pds.test',
  version: '0.1.0',
  steps: steps.map(({ kind, why }) => ({ kind, why, does: why, by: 'host' })),
  after: [],
  before: [],
  ...more,
})

export const written = { kind: 'xrpc', why: 'say it', does: 'say it', by: 'operator' } as const

/** A step that runs a line, with the lines that undo it. */
export const line = (
  run: string,
  undo: readonly string[] = [],
  more: Partial<ShellStep> = {},
): ShellStep => ({
  kind: 'shell',
  why: run,
  run: act`eval ${run}`,
  undo: undo.map((one): HostUndo => ({ kind: 'shell', why: one, run: act`eval ${one}` })),
  ...more,
})

/** A step that replaces a file which holds `was`. */
export const write = (path: string, was: string, content: string): WriteStep => ({
  kind: 'write',
  why: 'write',
  path,
  was: new Secret(was),
  content: new Secret(content),
  changes: [],
  holds: 'text',
})

export const hostOf = (pds: LocalPds, session: Session = openLocal()): Host =>
  openHost(async () => session, pds.config)

export const changesOf = (pds: LocalPds, session?: Session) => openChanges(hostOf(pds, session))

export const never = new AbortController().signal

/** Keeps what it is told, a short word each. */
export function hearing() {
  const events: string[] = []
  const on = (event: ChangeEvent): void => {
    events.push(
      'text' in event
        ? `said ${event.index} ${event.text}`
        : 'why' in event
          ? `${event.kind} ${event.index} ${event.why.code}`
          : `${event.kind} ${event.index}`,
    )
  }
  return { events, on }
}

/** Waits until something is so, for 10 s at most. */
export async function until(is: () => Promise<unknown> | unknown, what = 'it'): Promise<void> {
  const end = Date.now() + 10_000
  while (!(await is())) {
    if (Date.now() > end) throw new Error(`${what} did not come about within 10 s`)
    await sleep(10)
  }
}

export const textOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')

export const journalOf = async (pds: LocalPds): Promise<string[]> =>
  (await textOf(pds.path('kimbia-ops/change/journal'))).split('\n').slice(0, -1)

/** The names of all that is kept beside the trail and elsewhere. */
export async function litter(pds: LocalPds): Promise<string[]> {
  const all = [pds.path('kimbia-ops'), kept(pds, '')].map((dir) => readdir(dir).catch(() => []))
  return [...new Set((await Promise.all(all)).flat())].sort()
}

/** A file of what is kept of the changes of a host. */
export const kept = (pds: LocalPds, name: string): string => join(changesPlace(pds.dir), name)

/** The process whose token a file of the host holds. */
export async function pidIn(pds: LocalPds, name: 'lock' | 'change/runner' | 'change/step'): Promise<number> {
  const [, pid = '0'] = /"token":"(\d+)\./.exec(await textOf(pds.path(`kimbia-ops/${name}`))) ?? []
  return Number(pid)
}

/** A process that is gone, or only waits to be buried. */
export async function isGone(pid: number): Promise<boolean> {
  const stat = await textOf(`/proc/${pid}/stat`)
  return stat === '' || /\) [ZX] /.test(stat)
}

export async function kill9(pid: number): Promise<void> {
  try {
    if (pid > 1) process.kill(pid, 'SIGKILL')
  } catch {
    // It was quicker.
  }
  await until(() => isGone(pid), 'its end')
}

export const put = (pds: LocalPds, name: string, text: string): Promise<void> =>
  writeFile(pds.path(name), text, { mode: 0o600 })
