import { expect } from 'vitest'
import { type RigFacts, type RigHost, startRig } from '../../rig/host.ts'
import { type Ran, row, run } from '../e2e/cli.ts'
import { stands } from './change-watch.ts'
import { type DockerState, dockerState } from './docker-state.ts'
import { trailOf } from './rig-state.ts'

/** A change to a host that is to be cut off, how the host stands before it, and what holds once it is done. */
export interface Cut {
  readonly command: string
  readonly args: readonly string[]
  readonly before: DockerState
  readonly after: Partial<DockerState>
}

let count = 0

const other = (version: string): string => (version === '0.5.34' ? '0.5.35' : '0.5.34')

/** The commands that change a host in several steps; each can be given again and again. */
export const cutCommands: Readonly<Record<string, (now: DockerState) => Omit<Cut, 'command' | 'before'>>> = {
  'update apply': ({ version }) => ({
    args: ['update', 'apply', '--to', other(version), '--settle', '1s'],
    after: { version: other(version) },
  }),
  'env set': () => {
    const name = `name-${++count}`
    return { args: ['env', 'set', `PDS_SERVICE_NAME=${name}`, '--settle', '1s'], after: { name } }
  },
  'update rollback': ({ version }) => ({
    args: ['update', 'rollback', '--settle', '1s'],
    after: { version: other(version) },
  }),
}

/** Puts up a rig on which there is an image to go back to. */
export async function updatedRig(): Promise<RigHost> {
  const rig = await startRig({ docker: {}, rateLimits: false, env: { PDS_SERVICE_NAME: 'first' } })
  const ran = await yes(rig, 'update', 'apply', '--to', '0.5.35', '--settle', '1s')
  if (ran.code !== 0) {
    await rig.stop()
    throw new Error(`the first update failed: ${ran.stderr}`)
  }
  return rig
}

/** Runs the built program as a script does that has agreed to everything. */
export const yes = (rig: RigFacts, ...args: string[]): Promise<Ran> => run(rig, [...args, '--yes', '--json'])

/** How many steps the host carries out of a command. */
export async function stepsOf(rig: RigFacts, args: readonly string[]): Promise<number> {
  return row<{ steps: unknown[] }>(await yes(rig, ...args, '--dry-run')).steps.length
}

/** Does something for every step of a command, or for some; hands it the state that the one before has left. */
export async function atEachStep(
  rig: RigFacts,
  command: string,
  each: (cut: Cut, index: number) => Promise<DockerState>,
  only?: readonly number[],
): Promise<void> {
  const changeFrom = cutCommands[command]
  if (!changeFrom) throw new TypeError(`no such command: ${command}`)
  let before = await dockerState(rig)
  const steps = [...Array(await stepsOf(rig, changeFrom(before).args)).keys()]
  expect(steps.length).toBeGreaterThan(3)
  for (const index of only ?? steps) before = await each({ ...changeFrom(before), command, before }, index)
}

/** What the trail says became of the last change by a command that was not refused; undefined while it says nothing. */
export function lastOutcome(rig: RigFacts, command: string): string | undefined {
  const lines = trailOf(rig)
  const outcomes = new Map(
    lines.flatMap(({ id, event, outcome }) => (event === 'outcome' ? [[id, outcome]] : [])),
  )
  const intents = lines.filter((line) => line.event === 'intent' && line.command === command)
  const last = intents.findLast(({ id }) => outcomes.get(id) !== 'busy')
  return last && outcomes.get(last.id)
}

/** Has the tool recover, and looks at what is left then: no lock, no change. */
export async function recovered(rig: RigFacts, at: string, ...more: string[]): Promise<DockerState> {
  const ran = await yes(rig, 'recover', ...more)
  expect(ran.code, `${at}: ${ran.stderr}`).toBe(0)
  expect(stands(rig), at).toBe(false)
  return await dockerState(rig)
}
