import type { Pending } from '../../host/change/change.ts'
import { describePending, stepStates } from '../../host/change/describe.ts'
import type { Views } from '../command/views.ts'

/** How often a change that is under way is looked at, in milliseconds. */
const pause = 1000

/**
 * Waits until nobody works any more on a change that stands on the host, telling each step as it ends. Resolves to what
 * stands there then; undefined where the one who began it has closed it. `--timeout` and Ctrl-C end the wait alone.
 */
export async function awaitChange(
  pending: Pending,
  { pendingNow, sleep, say, progress }: Pick<Views, 'pendingNow' | 'sleep' | 'say' | 'progress'>,
): Promise<Pending | undefined> {
  const [first = ''] = describePending(pending)
  say(
    pending.state === 'working'
      ? `the host carries out ${first}; waiting for it`
      : `${first}: its operator is connected; waiting for the end`,
  )
  let [now, told]: [Pending | undefined, readonly string[]] = [pending, []]
  while (now && isUnderWay(now)) {
    const states = stepStates(now)
    told = tellNew(states, told, say)
    const current = states.find(({ state }) => state === 'under way' || state === 'undoing')
    progress(current ? `${current.step} …` : 'waiting for the change')
    await sleep(pause)
    const next = await pendingNow()
    if (next?.plan?.id !== pending.plan?.id) {
      now = undefined
      break
    }
    now = next
  }
  if (now) tellNew(stepStates(now), told, say)
  progress('')
  return now
}

/** Whether somebody, or the host itself, is at work. */
export const isUnderWay = ({ state }: Pending): boolean => state === 'working' || state === 'held'

/** Says which steps have come to an end since; gives all that are at one. */
function tellNew(
  states: ReturnType<typeof stepStates>,
  told: readonly string[],
  say: (text: string) => void,
): readonly string[] {
  const ended = states.flatMap(({ step, state }, index) =>
    ['not begun', 'under way', 'undoing'].includes(state) ? [] : [`${index + 1}. ${step}: ${state}`],
  )
  for (const line of ended) if (!told.includes(line)) say(line)
  return ended
}
