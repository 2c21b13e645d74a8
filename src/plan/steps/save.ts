import type { RunStep } from './local-program.ts'

/** A file of this machine, written beside and renamed: the config. */
export interface SaveStep {
  readonly kind: 'save'
  readonly why: string
  readonly path: string
  readonly content: string
  /** Octal permission bits of the file. */
  readonly mode: number
  readonly undo?: RunStep | undefined
}

/** Saves a file of the operator's that others need not read. */
export const saveStep = (why: string, path: string, content: string): SaveStep => ({
  kind: 'save',
  why,
  path,
  content,
  mode: 0o600,
})
