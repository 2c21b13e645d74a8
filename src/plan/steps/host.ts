import type { Gate, ShellStep, WaitStep, WriteStep } from '../../host/change/step.ts'
import type { Shell } from '../../ssh/shell.ts'

/** A step that is a line for the shell of the host's root. */
export const shell = (
  why: string,
  run: Shell<'act'>,
  extras: Omit<ShellStep, 'kind' | 'why' | 'run'> = {},
): ShellStep => ({ kind: 'shell', why, run, ...extras })

/** A step that replaces a file of the host. */
export const write = (why: string, parts: Omit<WriteStep, 'kind' | 'why'>): WriteStep => ({
  kind: 'write',
  why,
  ...parts,
})

/** A step that waits until the PDS is as the gate wants it. */
export const wait = (why: string, gate: Gate): WaitStep => ({ kind: 'wait', why, gate })
