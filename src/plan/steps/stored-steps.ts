import { failed } from '../../base/failure.ts'
import type { ChangePlan } from '../../host/change/change.ts'
import type { CheckStep } from './check.ts'
import type { StoreStep } from './store.ts'
import type { UndoStep } from './undo.ts'
import type { XrpcStep } from './xrpc.ts'

type Fields = Readonly<Record<string, unknown>>
type Is = (value: unknown) => boolean

const isText: Is = (value) => typeof value === 'string'
const isFields: Is = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const isAnything: Is = () => true
const isList: Is = (value) => Array.isArray(value)
const isPlace: Is = (value) => isFields(value) && isText((value as Fields).later)
const isTextOrPlace: Is = (value) => isText(value) || isPlace(value)
const isNsid: Is = (value) => typeof value === 'string' && /^[a-z0-9-]+(\.[a-zA-Z0-9-]+){2,}$/.test(value)
const isOne =
  (...words: readonly string[]): Is =>
  (value) =>
    words.includes(value as string)
const orNone =
  (is: Is): Is =>
  (value) =>
    value === undefined || is(value)

/** Whether a value has these fields and no others. */
const fits = (value: unknown, shape: Readonly<Record<string, Is>>): boolean =>
  isFields(value) &&
  Object.keys(value as Fields).every((key) => Object.hasOwn(shape, key)) &&
  Object.entries(shape).every(([key, is]) => is((value as Fields)[key]))

const proofs: Readonly<Record<string, Readonly<Record<string, Is>>>> = {
  status: { kind: isText, did: isTextOrPlace, status: isText, or: orNone(isList) },
  query: { kind: isText, nsid: isNsid, params: isFields, expect: isAnything, keep: orNone(isText) },
  'invites disabled': { kind: isText, codes: isList },
  'admin password': {
    kind: isText,
    accepted: isOne('of pds.env'),
    refused: orNone(isOne('of the former pds.env')),
  },
}

const isProof: Is = (value) => {
  const kind = isFields(value) ? (value as Fields).kind : undefined
  const shape = typeof kind === 'string' && Object.hasOwn(proofs, kind) ? proofs[kind] : undefined
  return shape !== undefined && fits(value, shape)
}

const isCheck = (value: unknown): value is CheckStep =>
  fits(value, { kind: isOne('check'), why: isText, proof: isProof })

const isXrpc = (value: unknown): value is XrpcStep =>
  fits(value, {
    kind: isOne('xrpc'),
    why: isText,
    nsid: isNsid,
    input: isAnything,
    as: isOne('admin', 'nobody'),
    repeatable: isOne('yes', 'no'),
    keep: orNone(isText),
    proof: orNone(isProof),
    undo: orNone(isXrpc),
    ifLost: orNone(isText),
  })

const isStore = (value: unknown): value is StoreStep =>
  fits(value, {
    kind: isOne('store'),
    why: isText,
    action: isOne('write pending', 'mark current', 'discard'),
    store: isText,
    secret: isOne('of pds.env'),
    proof: orNone(isProof),
    undo: orNone(isStore),
  })

/** A step of this machine that may follow those of the host. */
export type StoredStep = XrpcStep | CheckStep | StoreStep

/** The steps of this machine that follow those of the host, as they are written down there. */
export const afterOf = (plan: ChangePlan): readonly StoredStep[] =>
  plan.after.map((step) => {
    if (isXrpc(step) || isCheck(step) || isStore(step)) return step
    throw unknownStep(plan)
  })

/** What undoes each step of this machine before those of the host, undefined where nothing does. */
export const beforeOf = (plan: ChangePlan): readonly (UndoStep | undefined)[] =>
  plan.before.map((step) => {
    if (step === null) return undefined
    if (isXrpc(step) || isStore(step)) return step
    throw unknownStep(plan)
  })

const unknownStep = ({ version }: ChangePlan) =>
  failed(
    'step-unknown',
    `the change that stands on the host was written by kimbia-ops ${version}, and has a step that this one does not know`,
    `take it up again with kimbia-ops ${version}`,
  )
