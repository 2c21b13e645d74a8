import { Failure } from '../../base/failure.ts'
import { describePending, lockFailure } from '../../host/change/describe.ts'
import type { Views } from '../command/views.ts'
import { isUnderWay } from '../execute/await-change.ts'

/** Another one was quicker with the lock, or with a file that was to be written: nothing was changed. */
const overtaken = ['locked', 'changed-meanwhile']

/** How often a lock of somebody else is looked at, in milliseconds. */
const pause = 2000

/**
 * Does what takes the lock of the host, once nobody else holds it: whoever holds it is waited for until `deadline`, and
 * where another one was quicker the work begins anew. It must look at the host anew each time, since what it saw before
 * a wait is of before the other's change. The last Failure is `locked`.
 */
export async function withLockAwaited<T>(deadline: Date, views: Views, work: () => Promise<T>): Promise<T> {
  while (true) {
    await awaitLock(deadline, views)
    try {
      return await work()
    } catch (cause) {
      if (!(cause instanceof Failure) || !overtaken.includes(cause.code)) throw cause
      if (views.clock() >= deadline) throw cause
      const pending = await views.pendingNow()
      if (pending && !isUnderWay(pending)) throw cause
    }
  }
}

async function awaitLock(deadline: Date, { clock, pendingNow, say, sleep, progress }: Views): Promise<void> {
  for (let told = ''; ; await sleep(pause)) {
    const pending = await pendingNow()
    if (!pending || !isUnderWay(pending)) return progress('')
    const failure = lockFailure(pending)
    if (failure && clock() >= deadline) throw failure
    const [holder = ''] = describePending(pending)
    if (holder !== told) say(`waiting for ${holder}`)
    told = holder
    progress('waiting for the lock of the host')
  }
}
