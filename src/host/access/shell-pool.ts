import { Failure } from '../../base/failure.ts'
import { fromOneLine, toOneLine } from '../../ssh/session/line-encoding.ts'
import type { Conversation } from '../../ssh/session.ts'
import { act, type Shell } from '../../ssh/shell.ts'

/** Shells of a host that were started ahead, and wait to be told what to run. */
export interface SpareShells {
  /** Starts so many. One that cannot be started is not missed: whoever talks next starts another. */
  start(count: number): void
  /** Talks with a line in one of them, or in a shell of its own. */
  converse(shell: Shell): Promise<Conversation>
  /** Ends those that wait still, where the host has no room beside them; how many there were. */
  giveBack(): Promise<number>
}

/** It does nothing until it is told what. */
const waiting = act`# wait for what is to be run
line=$(head -n 1 | sed ${fromOneLine}) && [ -n "$line" ] || exit 0
echo ready
eval "$line"`

/** Undefined where the shell had ended, before it was told anything. */
async function tell(spare: Conversation, { line }: Shell): Promise<Conversation | undefined> {
  try {
    await spare.say(toOneLine(line))
    return spare
  } catch (error) {
    if (error instanceof Failure && error.code === 'conversation-ended') return undefined
    throw error
  }
}

/** Opens shells by `open`, ahead and when they are needed. */
export function spareShells(open: (shell: Shell) => Promise<Conversation>): SpareShells {
  const spares: Promise<Conversation | undefined>[] = []
  let given: Promise<number> = Promise.resolve(0)
  const end = async (all: readonly Promise<Conversation | undefined>[]): Promise<number> => {
    const waiting = (await Promise.all(all)).filter((spare) => spare !== undefined)
    await Promise.all(waiting.map((spare) => spare.end().catch(() => undefined)))
    return waiting.length
  }
  return {
    start(count) {
      for (let i = 0; i < count; i++) spares.push(open(waiting).catch(() => undefined))
    },
    async converse(shell) {
      const spare = await spares.shift()
      return (spare && (await tell(spare, shell))) ?? open(shell)
    },
    giveBack() {
      // Who asks while they end waits for the same.
      if (spares.length > 0) given = end(spares.splice(0))
      return given
    },
  }
}
