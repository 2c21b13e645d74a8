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

/** It does nothing until it is told what. `read` takes nothing of what is said after that line. */
export const waiting = act`# wait for what is to be run
IFS= read -r line && [ -n "$line" ] || exit 0
line=$(printf '%s\n' "$line" | sed ${fromOneLine})
echo ready
eval "$line"`

/**
 * Talks with a line in a shell that waits; what is said is not held back until the shell has taken it. A shell that
 * ended before it had taken anything has run nothing, and `open` starts another one, which is told all of it anew.
 */
function tell(spare: Conversation, shell: Shell, open: () => Promise<Conversation>): Conversation {
  const told = spare.say(toOneLine(shell.line)).then(
    () => spare,
    (error) => {
      if (error instanceof Failure && error.code === 'conversation-ended') return open()
      throw error
    },
  )
  told.catch(() => {})
  return {
    async say(line) {
      const early = spare.say(line)
      early.catch(() => {})
      const conversation = await told
      return conversation === spare ? await early : await conversation.say(line)
    },
    end: async () => (await told).end(),
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
      return spare ? tell(spare, shell, () => open(shell)) : open(shell)
    },
    giveBack() {
      // Who asks while they end waits for the same.
      if (spares.length > 0) given = end(spares.splice(0))
      return given
    },
  }
}
