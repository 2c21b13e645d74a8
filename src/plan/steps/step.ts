import type { HostStep } from '../../host/change/step.ts'
import type { CheckStep } from './check.ts'
import type { RunStep } from './local-program.ts'
import type { NoteStep } from './note.ts'
import type { ResumeStep } from './resume.ts'
import type { SaveStep } from './save.ts'
import type { StoreStep } from './store.ts'
import type { RawStep, XrpcStep } from './xrpc.ts'

/** A step that this machine carries out; the host carries out the others by itself. */
export type LocalStep = XrpcStep | RawStep | SaveStep | CheckStep | StoreStep | NoteStep | RunStep

/** A step that needs nothing but this machine. */
export type MachineStep = SaveStep | RunStep

export type Step = LocalStep | ResumeStep | HostStep
