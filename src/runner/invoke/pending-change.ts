import { visibleLines } from '../../base/sanitize.ts'
import type { Pending } from '../../host/change/change.ts'
import { holderName, lockFailure } from '../../host/change/describe.ts'
import type { Plan } from '../../plan/plan.ts'
import type { Invocation } from './invocation.ts'

/** Before a person is asked: looks whether the lock could be taken, and throws the Failure `busy` where not. */
export async function assertNoPendingChange(invocation: Invocation, plan: Plan<unknown>): Promise<void> {
  if (plan.on !== 'host' || plan.steps.length === 0) return
  const pending = await invocation.opened.views.pending()
  const failure = pending && lockFailure(pending)
  if (failure) throw failure
  if (pending) noteStaleLock(invocation, pending)
}

/** In a dry run: says what stands in the way, which keeps nobody from looking. */
export async function warnPendingChange(invocation: Invocation, plan: Plan<unknown>): Promise<void> {
  if (plan.on !== 'host' || plan.steps.length === 0) return
  const pending = await invocation.opened.views.pending()
  if (!pending) return
  const failure = lockFailure(pending)
  if (!failure) return noteStaleLock(invocation, pending)
  const [head, ...more] = failure.message.split('\n')
  const lines = [`note: ${head}`, ...more.map((line) => `  ${line}`)]
  invocation.opened.views.say(visibleLines(lines.join('\n')))
}

const noteStaleLock = ({ opened }: Invocation, { holder }: Pending): void =>
  opened.views.say(
    visibleLines(
      `note: “${holder.command}” of ${holderName(holder)} is over, and only its lock still stands`,
    ),
  )
