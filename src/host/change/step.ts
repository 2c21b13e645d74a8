import type { Secret } from '../../base/secret.ts'
import type { Shell } from '../../ssh/shell.ts'

/** What a `wait` step waits for: a PDS that answers, stays up and is the one that was asked for. */
export interface Gate {
  /** The port of the PDS on the host's loopback. */
  readonly port: number
  /** Healthy answers of `/xrpc/_health` in a row. */
  readonly healthy: number
  /** Seconds during which the container must neither restart nor be replaced, and health must hold. */
  readonly settle: number
  /** Seconds until the first healthy answer, at most. */
  readonly deadline: number
  /** The version that it must answer, where one was asked for. */
  readonly version?: string | undefined
  /** What the container and its PDS must be; absent where nothing is known of them. */
  readonly same?: Identity | undefined
  /** The words that reach docker, and the container to look at by name; absent where there is none to look at. */
  readonly container?: { readonly docker: readonly string[]; readonly name: string } | undefined
}

/** Which container, with which data, and which server: none of it may be another one after a recreate. */
export interface Identity {
  /** The compose project and service, where compose has made the container. */
  readonly project?: string | undefined
  readonly service?: string | undefined
  /** The mounts in which data of the PDS lie. */
  readonly mounts: readonly { readonly source: string; readonly target: string }[]
  /** The settings that say where data lie, and their values; the container has these and no other ones of them. */
  readonly settings: readonly (readonly [key: string, value: string])[]
  /** DIDs of the server, of which it must answer one; none where it is not known. */
  readonly dids: readonly string[]
}

/** A line that a shell of the host's root runs there by itself. */
export interface ShellStep {
  readonly kind: 'shell'
  /** A sentence for the plan: “Recreate the container of pds”. */
  readonly why: string
  readonly run: Shell<'act'>
  /** A line of a few milliseconds: where it succeeds, nothing needs to be run. */
  readonly unless?: Shell<'ask'> | undefined
  /** Seconds until it is ended and counts as failed; default 300. */
  readonly deadline?: number | undefined
  /** Ctrl-C may end it in the middle, such as a download; any other step is finished first. */
  readonly stoppable?: 'yes' | undefined
  /** It takes the PDS at this port down: from its beginning on the host measures for how long. */
  readonly interrupts?: { readonly port: number } | undefined
  /** Done when this step or a later one fails, in the order of the list; each is safe to repeat. */
  readonly undo?: readonly HostUndo[] | undefined
}

/** A file, replaced atomically with mode and owner kept; its undo puts the copy back that was taken before. */
export interface WriteStep {
  readonly kind: 'write'
  readonly why: string
  /** Absolute; a symbolic link is followed and stays. */
  readonly path: string
  /** The whole new text. */
  readonly content: Secret
  /** The text that the plan was made from: when the file holds another by now, nothing is done. */
  readonly was: Secret
  /** What changes, a line each, with secrets masked: shown in the plan and kept in the trail. */
  readonly changes: readonly string[]
  /** How to tell what another has changed in it meanwhile: by setting, with secrets masked, or by line. */
  readonly holds: 'settings' | 'text'
}

/** Polls the health of the PDS until the gate is passed, or fails. */
export interface WaitStep {
  readonly kind: 'wait'
  readonly why: string
  readonly gate: Gate
}

/** What a step of the host is undone by. */
export type HostUndo = Omit<ShellStep, 'undo' | 'stoppable' | 'interrupts'> | WaitStep

/**
 * A step that the host carries out by itself, one after the other, whether anybody is connected or not.
 * When one fails, the undo of each that was begun follows, last first. Each may be begun again after a cut.
 */
export type HostStep = ShellStep | WriteStep | WaitStep

/** Whether the host carries a step out by itself. */
export const isHostStep = (step: { readonly kind: string }): step is HostStep =>
  step.kind === 'shell' || step.kind === 'write' || step.kind === 'wait'
