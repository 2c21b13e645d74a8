import { Failure } from '../../base/failure.ts'
import { readStatuses } from '../../pds/accounts/statuses.ts'
import { listInvites } from '../../pds/invites.ts'
import type { AccountStatus, PdsView } from '../../pds/xrpc/client.ts'
import { resolve } from '../../plan/steps/placeholders.ts'
import type { Proof } from '../../plan/steps/proof.ts'

/** A proof that is read together with those of other items. */
export interface StatusProof {
  readonly did: string
  readonly status: AccountStatus
  readonly or?: readonly AccountStatus[] | undefined
}

/** Whether `actual` holds all that `expected` says: objects by their named fields, arrays by some element for each. */
export function contains(actual: unknown, expected: unknown): boolean {
  if (Array.isArray(expected)) {
    return (
      Array.isArray(actual) && expected.every((wanted) => actual.some((found) => contains(found, wanted)))
    )
  }
  if (typeof expected === 'object' && expected !== null) {
    if (typeof actual !== 'object' || actual === null) return false
    return Object.entries(expected).every(([key, wanted]) =>
      contains((actual as Record<string, unknown>)[key], wanted),
    )
  }
  return Object.is(actual, expected)
}

/** What of `actual` holds `expected`: whole objects, and the elements of arrays in the order of the expected ones. */
export function picked(actual: unknown, expected: unknown): unknown {
  if (Array.isArray(expected))
    return expected.map((wanted) => (actual as unknown[]).find((found) => contains(found, wanted)))
  if (typeof expected !== 'object' || expected === null) return actual
  const fields = actual as Record<string, unknown>
  const parts = Object.entries(expected).map(([key, wanted]) => [key, picked(fields[key], wanted)])
  return { ...fields, ...Object.fromEntries(parts) }
}

/** The PDS was read, and it is not as it should be; `found` says what it is, without a word on how it came about. */
export class VerificationFailed extends Failure {
  readonly found: string

  constructor(found: string, outcome: 'failed' | 'partial') {
    super({
      outcome,
      code: 'not-proven',
      message: `the PDS answered success, but ${found}`,
      hint: 'look at it before trying again: it may be half done',
    })
    this.found = found
  }
}

/** `partial` where something of the change stands for all that is known, such as an account that nobody can enter. */
const disproved = (what: string, outcome: 'failed' | 'partial' = 'failed'): Failure =>
  new VerificationFailed(what, outcome)

/** Reads one proof back, except those of kind `status`; throws a Failure when it does not hold. */
export async function verify(
  pds: PdsView,
  proof: Proof,
  of: (place: string) => unknown,
  keep: (name: string, value: unknown) => void = () => {},
): Promise<StatusProof | undefined> {
  switch (proof.kind) {
    case 'status':
      return { did: String(resolve(proof.did, of)), status: proof.status, or: proof.or }
    case 'query': {
      const answer = await pds.query(proof.nsid, resolve(proof.params, of) as never)
      const expected = resolve(proof.expect, of)
      if (!contains(answer, expected)) throw disproved(`${proof.nsid} does not show the change`)
      if (proof.keep !== undefined) keep(proof.keep, picked(answer, expected))
      return undefined
    }
    case 'invites disabled': {
      const left = new Set(proof.codes.map((code) => String(resolve(code, of))))
      for await (const invite of listInvites(pds)) {
        if (invite.disabled) left.delete(invite.code)
        if (left.size === 0) return undefined
      }
      const some = left.size < proof.codes.length
      throw disproved(`${[...left].slice(0, 3).join(', ')} can still be used`, some ? 'partial' : 'failed')
    }
    case 'login': {
      const login = await pds.accepts(String(resolve(proof.identifier, of)), proof.password)
      if (login.ok || login.error === 'AccountTakedown' || login.error === 'AccountDeactivated')
        return undefined
      throw disproved(
        `a login with the new password is refused (${login.error}: ${login.message})`,
        'partial',
      )
    }
    case 'admin password':
      return await proveAdminPassword(pds, proof)
  }
}

async function proveAdminPassword(
  pds: PdsView,
  { accepted, refused }: Extract<Proof, { kind: 'admin password' }>,
): Promise<undefined> {
  if (typeof accepted === 'string' || typeof refused === 'string')
    throw new TypeError('the passwords of a proof are not read yet')
  if (!(await pds.acceptsAdmin(accepted))) throw disproved('it refuses the admin password of pds.env')
  if (refused && (await pds.acceptsAdmin(refused))) {
    throw disproved('it still takes the former admin password')
  }
}

/** What each account is now: its status, or the Failure to report where that is not what it should be. */
export async function verifyStatuses(
  pds: PdsView,
  proofs: readonly StatusProof[],
): Promise<Map<string, AccountStatus | Failure>> {
  const statuses = await readStatuses(
    pds,
    proofs.map(({ did }) => did),
  )
  return new Map(
    proofs.map(({ did, status, or = [] }) => {
      const now = statuses.get(did) ?? 'deleted'
      const holds = now === status || or.includes(now)
      return [did, holds ? now : disproved(`${did} is ${now === 'deleted' ? 'gone' : now}, not ${status}`)]
    }),
  )
}
