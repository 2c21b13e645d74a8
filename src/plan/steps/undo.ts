import type { RunStep } from './local-program.ts'
import type { LocalStep } from './step.ts'
import type { StoreStep } from './store.ts'
import type { XrpcStep } from './xrpc.ts'

/** What a step of this machine is undone by. */
export type UndoStep = XrpcStep | StoreStep | RunStep

/** What undoes a step of this machine; undefined where nothing does. */
export const undoOf = (step: LocalStep): UndoStep | undefined => ('undo' in step ? step.undo : undefined)
