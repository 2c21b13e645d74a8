import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

interface Running {
  pid: number
  parent: number
  uid: number
}

/**
 * Ends the processes below `root` and those of the user `uid`, by pid, until none is left; `root` itself last.
 * Children go before their parents, who then take note of it and leave no zombies to a lazy init.
 */
export async function endProcesses(of: {
  root?: number | undefined
  uid?: number | undefined
}): Promise<void> {
  for (let round = 0; round < 200; round++) {
    const all = running()
    const doomed = new Set(all.filter((one) => one.uid === of.uid).map((one) => one.pid))
    if (of.root !== undefined) for (const pid of descendants(all, of.root)) doomed.add(pid)
    if (doomed.size === 0) break
    for (const pid of leaves(all, doomed)) end(pid)
    await sleep(5)
  }
  if (of.root !== undefined) end(of.root)
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}

function leaves(all: Running[], doomed: Set<number>): number[] {
  const parents = new Set(all.filter((one) => doomed.has(one.pid)).map((one) => one.parent))
  return [...doomed].filter((pid) => !parents.has(pid))
}

function descendants(all: Running[], root: number): number[] {
  const below = all.filter((one) => one.parent === root).map((one) => one.pid)
  return below.flatMap((pid) => [pid, ...descendants(all, pid)])
}

function running(): Running[] {
  return process.platform === 'linux' ? fromProc() : fromPs()
}

function fromProc(): Running[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const status = readFileSync(`/proc/${name}/status`, 'utf8')
        const field = (key: string) => status.match(new RegExp(`^${key}:\\s+(\\S+)`, 'm'))?.[1]
        if (field('State') === 'Z') return []
        return [{ pid: Number(name), parent: Number(field('PPid')), uid: Number(field('Uid')) }]
      } catch {
        return []
      }
    })
}

function fromPs(): Running[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid=,uid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([pid = 0, parent = 0, uid = -1]) => ({ pid, parent, uid }))
}
