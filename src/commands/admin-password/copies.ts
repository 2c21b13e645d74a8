import { expectedFailure } from '../../base/attempt.ts'
import type { Secret } from '../../base/secret.ts'
import type { Views } from '../../runner/command/views.ts'
import { storeLabel } from '../../store/label.ts'

/** A copy of the password that was compared with the one of pds.env. */
export interface Compared {
  readonly agrees: 'yes' | 'no' | 'unknown'
  /** Whether a password waits beside it that never came to count. */
  readonly pending: boolean | null
  /** What is wrong with it, or why nobody knows. */
  readonly problem: string | undefined
}

const unseen = (cause: unknown, what: string): Compared => {
  const { message, hint } = expectedFailure(cause)
  return { agrees: 'unknown', pending: null, problem: `${what}: ${message}${hint ? ` (${hint})` : ''}` }
}

/** Whether the running PDS takes the password that pds.env has. */
export async function compareRunning({ pds }: Pick<Views, 'pds'>, password: Secret): Promise<Compared> {
  try {
    const takes = await pds.acceptsAdmin(password)
    const problem = 'the running PDS does not take the admin password of pds.env'
    return { agrees: takes ? 'yes' : 'no', pending: null, problem: takes ? undefined : problem }
  } catch (cause) {
    return unseen(cause, 'the PDS cannot be asked')
  }
}

/** Whether the store has the password that pds.env has; one that cannot be read back by its nature is no problem. */
export async function compareStore(
  { store: open }: Pick<Views, 'store'>,
  name: string,
  password: Secret,
): Promise<Compared> {
  const label = storeLabel(name)
  try {
    const store = await open(label)
    if (store.readable === 'no') return { agrees: 'unknown', pending: null, problem: undefined }
    const { current, pending } = await store.read()
    const agrees = current?.reveal() === password.reveal()
    const problems = [
      ...(agrees ? [] : [`${label} does not hold the admin password of pds.env`]),
      ...(pending ? [`${label} holds a pending password, of a rotation that did not end`] : []),
    ]
    return {
      agrees: agrees ? 'yes' : 'no',
      pending: pending !== undefined,
      problem: problems.length > 0 ? problems.join('; ') : undefined,
    }
  } catch (cause) {
    return unseen(cause, `${label} cannot be read`)
  }
}
