import { during, Failure, unreachable } from './failure.ts'

/** What may end a piece of work before its time. */
export interface Limits {
  /** Milliseconds. */
  readonly deadline?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** The work, as a Failure will name it. */
  readonly what: string
}

/** Registers what gives the work up when a limit is reached; called at once when it already was, and told which. */
export type OnCancel = (stop: (why: Failure) => void) => void

/** Does work until it is done, its deadline has passed, or its signal is aborted. */
export function withDeadline<T>(
  { deadline, signal, what }: Limits,
  work: (onStop: OnCancel) => Promise<T>,
): Promise<T> {
  if (signal?.aborted) return Promise.reject(interrupted(signal, what))
  return new Promise((resolve, reject) => {
    const stops: ((why: Failure) => void)[] = []
    let over: Failure | undefined
    const stop = (failure: Failure) => {
      over = failure
      for (const one of stops.splice(0)) one(failure)
      settle(() => reject(failure))
    }
    const abort = () => signal && stop(interrupted(signal, what))
    const timer =
      deadline === undefined ? undefined : setTimeout(() => stop(missed(deadline, what)), deadline)
    const settle = (end: () => void) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      end()
    }
    signal?.addEventListener('abort', abort)
    const onStop: OnCancel = (one) => (over ? one(over) : stops.push(one))
    work(onStop).then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    )
  })
}

/** What an aborted signal means for the work it ended. */
export const interrupted = (signal: AbortSignal, what: string): Failure =>
  signal.reason instanceof Failure
    ? during(signal.reason, what)
    : new Failure({ outcome: 'interrupted', code: 'interrupted', message: `interrupted: ${what}` })

const missed = (deadline: number, what: string) =>
  unreachable(
    'deadline',
    `not done within ${deadline / 1000} s, and given up: ${what}`,
    'is the host well? see its load and its disks: uptime; df -h',
  )
