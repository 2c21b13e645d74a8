import { type Failure, failed } from '../base/failure.ts'
import type { Secret } from '../base/secret.ts'
import { checkLine, type Line, readFrom, type Slot, writeTo } from './shell-command.ts'
import type { Kept, Store, StoreOptions } from './store.ts'
import { same, unverified } from './verify.ts'

/**
 * A store behind a program of the operator's: it gets the password on standard input, and KIMBIA_OPS_SLOT, which is
 * `pending` or `current`. One that does not look at it has one place, which the pending password takes at once.
 */
export function commandStore(name: string, line: string, { hostName, readCommand }: StoreOptions): Store {
  const writing = (slot: Slot): Line => ({ line, what: 'the command of the store', slot, hostName })
  const reading = (slot: Slot): Line | undefined =>
    readCommand === undefined ? undefined : readingLine(readCommand, slot, hostName)
  const write = async (slot: Slot, secret: Secret) => {
    await writeTo(writing(slot), secret)
    const back = reading(slot)
    if (back && !same(await readFrom(back), secret))
      throw unverified(
        'the command of the store',
        `do both lines use the same place for KIMBIA_OPS_SLOT=${slot}? see “store” and “read” in the config`,
      )
  }
  return {
    name,
    readable: readCommand === undefined ? 'no' : 'yes',
    async check() {
      await checkLine(writing('current'))
      const back = reading('current')
      if (back) await checkLine(back)
    },
    async read() {
      const [current, pending] = [reading('current'), reading('pending')]
      if (!current || !pending) throw notReadable(name)
      return readBoth(current, pending)
    },
    writePending: (next) => write('pending', next),
    markCurrent: (now) => write('current', now),
    discard: (current) => write('current', current),
  }
}

/** The line that reads one of the two passwords. */
export const readingLine = (line: string, slot: Slot, hostName: string): Line => ({
  line,
  what: 'the command that reads the store',
  slot,
  hostName,
})

/** The passwords that two lines print; a pending one is another than the current one. */
export async function readBoth(currentLine: Line, pendingLine: Line): Promise<Kept> {
  const current = await readFrom(currentLine)
  // That there is none may be told by an exit code.
  const pending = await readFrom(pendingLine).catch(() => undefined)
  return { current, pending: same(current, pending) ? undefined : pending }
}

/** A store that is only written to. */
export const notReadable = (name: string): Failure =>
  failed(
    'store-not-readable',
    `what ${name.slice(0, name.indexOf(':'))}: keeps cannot be read back`,
    'add “read: LINE” under “admin_password” in the config, a line that prints the password',
  )
