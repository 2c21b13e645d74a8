import type { Conversation } from '../../ssh/session.ts'
import { act } from '../../ssh/shell.ts'
import type { Host } from '../access/host.ts'
import type { Change, ChangeEnd, ChangeEvent, ChangePlan, Pending } from './change.ts'
import { JournalReader } from './journal.ts'
import { changesDir, readStanding } from './pending.ts'
import { locked, lostOnTheWay, notBegun, runnerDied } from './refusals.ts'
import { remoteScript } from './remote/load.ts'

/** What a change is held by: the conversation with its agent, and what of its journal is known already. */
export interface ChangeConnection {
  readonly host: Host
  readonly conversation: Conversation
  readonly plan: ChangePlan
  readonly before: Pending | undefined
  readonly written: readonly string[]
}

/** A change whose lock is held by an agent on the host. */
export function openChange(held: ChangeConnection): Change {
  const { host, conversation, plan, before } = held
  const talk = talkOf(host, conversation)
  const journal = new Follower(held)
  return {
    plan,
    before,
    async run(on, stop) {
      const { end } = journal.reader.now
      if (end && end.kind !== 'stuck') return end
      await talk.expect('run')
      return whileStoppable(host, plan.id, stop, () => journal.follow(talk, on))
    },
    async undo(on) {
      const { end } = journal.reader.now
      if (end?.kind === 'undone') return end
      await talk.expect('undo')
      return journal.follow(talk, on)
    },
    mark: (event, index) => talk.expect(`mark ${event} ${index}`),
    async close() {
      await talk.expect('close')
      // Nothing is left to be done there, so that nobody need wait for its end.
      void conversation.end().catch(() => undefined)
    },
    async leave() {
      // Whatever is left of the line, the host goes on without it.
      await conversation.end().catch(() => undefined)
    },
  }
}

interface Talk {
  say(line: string): Promise<string>
  /** Says what is to be answered by `ok`. */
  expect(line: string): Promise<void>
  died(): Promise<Error>
}

function talkOf(host: Host, conversation: Conversation): Talk {
  const say = (line: string): Promise<string> =>
    conversation.say(line).catch(async (error: unknown) => {
      throw lostOnTheWay(error, await host.where())
    })
  return {
    say,
    async expect(line) {
      const answer = await say(line)
      if (answer === 'ok') return
      if (answer === 'busy') throw locked(await readStanding(host), await host.where())
      throw notBegun(await host.where(), changesDir(await host.config()), answer.replace(/^failed /, ''))
    },
    died: async () => runnerDied(await host.where()),
  }
}

/** Follows the journal of a change; the agent tells it from its beginning. */
class Follower {
  readonly reader: JournalReader
  readonly #plan: ChangePlan
  #known: number
  #at = 0
  #said = ''
  /** The end that was read since following began: an earlier one may be known already. */
  #fresh: string | undefined

  constructor({ plan, written }: ChangeConnection) {
    this.reader = new JournalReader(plan)
    this.#plan = plan
    this.#known = written.length
    for (const line of written) this.reader.read(line)
  }

  async follow(talk: Talk, on: (event: ChangeEvent) => void): Promise<ChangeEnd> {
    this.#fresh = undefined
    while (true) {
      const answer = await talk.say('next')
      const [kind, rest = ''] = cut(answer)
      if (kind === 'dead') throw await talk.died()
      if (kind === 'said') this.#hear(rest, on)
      else this.#take(rest.split('\x02'), on)
      const { end } = this.reader.now
      if (this.#fresh && end) return end
    }
  }

  #take(lines: readonly string[], on: (event: ChangeEvent) => void): void {
    for (const line of lines) {
      if (line === '') continue
      if (this.#known > 0) {
        this.#known--
        continue
      }
      if (line.startsWith('end ')) this.#fresh = line
      const event = this.reader.read(line)
      if (event && this.#plan.steps[event.index]?.by === 'host') {
        this.#at = event.index
        on(event)
      }
    }
  }

  #hear(text: string, on: (event: ChangeEvent) => void): void {
    const plain = text.replaceAll(/\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x1f\x7f]/g, '').trim()
    if (plain === '' || plain === this.#said) return
    this.#said = plain
    on({ kind: 'said', index: this.#at, text: plain })
  }
}

const cut = (answer: string): [kind: string, rest: string] => {
  const space = answer.indexOf(' ')
  return space === -1 ? [answer, ''] : [answer.slice(0, space), answer.slice(space + 1)]
}

/** The wish to stop goes by a line of its own: the agent answers one question after the other. */
async function whileStoppable<T>(
  host: Host,
  id: string,
  stop: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const ask = () => {
    // Where the line is gone, following the journal says so.
    void tellToStop(host, id).catch(() => undefined)
  }
  if (stop.aborted) ask()
  else stop.addEventListener('abort', ask, { once: true })
  try {
    return await work()
  } finally {
    stop.removeEventListener('abort', ask)
  }
}

async function tellToStop(host: Host, id: string): Promise<void> {
  await host.act(act`# stop the change
state_dir=${changesDir(await host.config())}
eval ${remoteScript('change-place.sh')}
read -r id <"$change_dir/id" && [ "$id" = ${id} ] && : >"$change_dir/stop"`)
}
