import type { Proof } from './proof.ts'

/** Only reads back, by the operator's machine: it fails when the proof does not hold. */
export interface CheckStep {
  readonly kind: 'check'
  readonly why: string
  readonly proof: Proof
}

/** A step that only reads back. */
export const check = (why: string, proof: Proof): CheckStep => ({ kind: 'check', why, proof })
