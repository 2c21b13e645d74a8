import { Failure } from './failure.ts'

/** What a question comes to, or the Failure why it has no answer; Ctrl-C and bugs go on up. */
export async function attempt<T>(ask: () => Promise<T>): Promise<T | Failure> {
  try {
    return await ask()
  } catch (cause) {
    return expectedFailure(cause)
  }
}

/** The Failure that was thrown; Ctrl-C and bugs are thrown again. */
export function expectedFailure(cause: unknown): Failure {
  if (cause instanceof Failure && cause.outcome !== 'interrupted') return cause
  throw cause
}
