import type { ChildProcess } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RigFacts } from '../../rig/host.ts'

type Rig = Pick<RigFacts, 'pdsDir'>

/** A file of what the tool keeps on a host. */
export const keptOn = ({ pdsDir }: Rig, name: string): string => join(pdsDir, 'kimbia-ops', name)

/** The lines of the journal of the change that stands on a host; none where no change stands there. */
export const journalOf = (rig: Rig): string[] =>
  textOf(keptOn(rig, 'change/journal')).split('\n').filter(Boolean)

/** Waits, looking again each millisecond, until something holds; a TypeError of the test when it does not within a minute. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  for (const deadline = Date.now() + 60_000; !holds(); await sleep(1))
    if (Date.now() > deadline) throw new TypeError(`waited in vain: ${what}`)
}

/** Waits until the journal has a line; throws at once when the program that is to bring it about has ended without. */
export async function reached(rig: Rig, line: string, by?: ChildProcess): Promise<void> {
  const has = () => journalOf(rig).includes(line)
  await until(() => has() || by?.exitCode != null, line)
  if (!has()) throw new TypeError(`the program ended with ${by?.exitCode} before “${line}”`)
}

/** Waits until nothing on the host works on the change or holds its lock any more. */
export const quiet = (rig: Rig): Promise<void> =>
  until(() => !headsOf(rig).some(isAlive), 'the host has ended its work')

const headsOf = (rig: Rig): number[] =>
  ['change/runner', 'lock'].map((name) => holderIn(keptOn(rig, name))).filter((pid) => pid > 0)

/** Whether a change or its lock stands on the host. */
export const stands = (rig: Rig): boolean =>
  existsSync(keptOn(rig, 'change')) || existsSync(keptOn(rig, 'lock'))

/** Ends a program at once, as a crash does, and waits until it is gone. */
export async function crash(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await until(() => child.exitCode !== null || child.signalCode !== null, 'the program is gone')
}

/** Ends at once what carries out a change on the host and what holds its lock, with all that they have started. */
export async function powerCut(rig: Rig): Promise<void> {
  const heads = headsOf(rig)
  for (const pid of heads) signal(pid, 'SIGSTOP')
  const all = heads.flatMap((pid) => [pid, ...childrenOf(pid)])
  for (const pid of all) signal(pid, 'SIGKILL')
  await until(() => !all.some(isAlive), 'the processes of the host are gone')
}

/** The process whose token is in a file; 0 where there is none. */
export const holderIn = (path: string): number => Number(/"token":"(\d+)\./.exec(textOf(path))?.[1] ?? 0)

function childrenOf(parent: number): number[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const own = all.map(Number).filter((pid) => Number(statOf(pid)[1]) === parent)
  for (const pid of own) signal(pid, 'SIGSTOP')
  return own.flatMap((pid) => [pid, ...childrenOf(pid)])
}

const isAlive = (pid: number): boolean => pid > 0 && !['', 'Z', 'X'].includes(statOf(pid)[0] ?? '')

/** The fields of a process behind its name: its state, its parent. */
const statOf = (pid: number): string[] => textOf(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? []

function signal(pid: number, name: 'SIGSTOP' | 'SIGKILL'): void {
  try {
    process.kill(pid, name)
  } catch {
    // It is gone by itself.
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
