import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** One run of a program: wall-clock time, and the most memory it held where the system tells. */
export interface Run {
  readonly ms: number
  /** Until it first wrote to its standard output; `ms` where it wrote nothing. */
  readonly toldMs: number
  readonly peakMb: number
  readonly stdout: string
}

/** Runs a program to its end; anything but exit code 0 is an error. */
export async function time(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Run> {
  const began = performance.now()
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  let toldMs: number | undefined
  child.stdout.on('data', (chunk: Buffer) => {
    toldMs ??= performance.now() - began
    stdout.push(chunk)
  })
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  let peakMb = 0
  const look = setInterval(() => {
    peakMb = Math.max(peakMb, peakOf(child.pid ?? 0))
  }, 20)
  const [code] = (await once(child, 'close')) as [number | null]
  const ms = performance.now() - began
  clearInterval(look)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${Buffer.concat(stderr)}`)
  return { ms, toldMs: toldMs ?? ms, peakMb, stdout: Buffer.concat(stdout).toString() }
}

/** VmHWM of /proc: the peak resident set of a process, in MB; 0 where there is no /proc. */
function peakOf(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/** The median of the times of several things, taken in turn so that a slow minute hits all of them alike. */
export async function inTurn<K extends string>(
  times: number,
  things: Readonly<Record<K, () => Promise<{ ms: number }>>>,
): Promise<Record<K, number>> {
  const names = Object.keys(things) as K[]
  const taken = new Map<K, number[]>(names.map((name) => [name, []]))
  for (const name of names) await things[name]()
  for (let i = 0; i < times; i++) for (const name of names) taken.get(name)?.push((await things[name]()).ms)
  return Object.fromEntries(names.map((name) => [name, median(taken.get(name) ?? [])])) as Record<K, number>
}

/**
 * The mean of the times of things that stop a PDS, taken in turn. A PDS that stops waits until its sequencer looks for
 * news, which it does once a second: so each thing is begun at every part of that second, after two seconds of rest.
 */
export async function acrossPhases<K extends string>(
  times: number,
  things: Readonly<Record<K, () => Promise<{ ms: number }>>>,
): Promise<Record<K, number>> {
  const names = Object.keys(things) as K[]
  const sums = new Map<K, number>()
  for (let i = 0; i < times; i++)
    for (const name of names) {
      await sleep(2000 + (1000 * i) / times)
      sums.set(name, (sums.get(name) ?? 0) + (await things[name]()).ms)
    }
  return Object.fromEntries(names.map((name) => [name, (sums.get(name) ?? 0) / times])) as Record<K, number>
}

/** The middle one of several values. */
export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

/** Times a function of this process. */
export async function timed(work: () => Promise<unknown>): Promise<{ ms: number }> {
  const began = performance.now()
  await work()
  return { ms: performance.now() - began }
}

/** Reports ratios against their goals. */
export interface Goals {
  atMost(what: string, ratio: number, goal: number): void
  atLeast(what: string, ratio: number, goal: number): void
}
