/** A rig that outlives the command that put it up, until it is asked to end. There is at most one for each user. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { homedir } from 'node:os'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { forgetChanges } from './changes.ts'
import type { RigFacts } from './host.ts'
import { rigNode } from './process/child-lines.ts'

const run = promisify(execFile)

interface State {
  rig: RigFacts
  socket: string
  /** The outermost directory that was made for the state file. */
  made: string | undefined
}

/** Puts up a rig in a process of its own. */
export async function keepRig(): Promise<RigFacts> {
  if (await keptRig()) throw new Error('rig: one is kept already; stop it first')
  const keeper = spawn(rigNode(), [fileURLToPath(new URL('./keeper.ts', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
    cwd: '/',
  })
  const lines = createInterface({ input: keeper.stdout })
  const [line] = await Promise.race([once(lines, 'line'), once(keeper, 'close').then(() => [undefined])])
  lines.close()
  keeper.stdout.destroy()
  keeper.unref()
  const rig = line === 'up' ? readState()?.rig : undefined
  if (!rig) throw new Error(line ?? 'rig: the keeper ended at once')
  return rig
}

/** The rig that is kept, if one is. */
export async function keptRig(): Promise<RigFacts | undefined> {
  const state = readState()
  if (!state) return undefined
  if (await tell(state.socket, 'still there?')) return state.rig
  await sweep(state.rig)
  forget()
  return undefined
}

/** Ends the kept rig and returns when nothing of it is left; false when there was none. */
export async function stopKept(): Promise<boolean> {
  const state = readState()
  if (!state) return false
  if (!(await tell(state.socket, 'stop'))) await sweep(state.rig)
  forget()
  return true
}

/** What a rig leaves behind when the machine goes down under it: its folder, its operator, and the right of that to sudo. */
async function sweep({ dir, ssh: { user } }: RigFacts): Promise<void> {
  const ours = /^kimbia-rig-[0-9a-f]+$/
  if (ours.test(basename(dir))) {
    forgetChanges(dir)
    rmSync(dir, { recursive: true, force: true })
  }
  if (process.getuid?.() !== 0 || !ours.test(user)) return
  rmSync(`/etc/sudoers.d/${user}`, { force: true })
  const known = await run('getent', ['passwd', user]).catch(() => undefined)
  if (known) await run('userdel', [user])
}

/** Notes where the kept rig is. */
export function remember(rig: RigFacts, socket: string): void {
  const file = stateFile()
  const made = mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  writeFileSync(file, JSON.stringify({ rig, socket, made } satisfies State), { mode: 0o600 })
}

/** Removes the note, and the directories that were made for it as far as they are empty. */
export function forget(): void {
  const made = readState()?.made
  const file = stateFile()
  rmSync(file, { force: true })
  if (!made) return
  try {
    for (let directory = dirname(file); directory.startsWith(made); directory = dirname(directory))
      rmdirSync(directory)
  } catch {
    // Something else lies there by now.
  }
}

function readState(): State | undefined {
  try {
    return JSON.parse(readFileSync(stateFile(), 'utf8')) as State
  } catch {
    return undefined
  }
}

function stateFile(): string {
  const set = process.env.XDG_STATE_HOME
  const base = set && isAbsolute(set) ? set : join(homedir(), '.local', 'state')
  return join(base, 'kimbia-ops', 'rig.json')
}

/** Says a word to the keeper and waits for it to hang up; false when nobody is there. */
function tell(socket: string, word: string): Promise<boolean> {
  return new Promise((resolve) => {
    const line = connect(socket, () => line.end(word))
    line.once('error', () => resolve(false))
    line.once('close', () => resolve(true))
    line.resume()
  })
}
