import { Secret } from '../../base/secret.ts'
import type { Answer, Attached, Conversation, LinesOptions, RunOptions, Session } from '../../ssh/session.ts'
import { act, ask, type Effect, type Shell } from '../../ssh/shell.ts'

/** How root of the host is reached; a password is handed to sudo as the first line of standard input. */
export type Elevation =
  | { readonly kind: 'direct' }
  | { readonly kind: 'sudo' }
  | { readonly kind: 'sudo with a password'; readonly password: Secret }

/** The changing half of a session with root's rights; every line goes to `sh -c` as one word. */
export interface Elevated {
  ask(shell: Shell<'ask'>, options?: RunOptions): Promise<Answer>
  act(shell: Shell<'act'>, options?: RunOptions): Promise<Answer>
  lines(shell: Shell<'ask'>, options?: Pick<LinesOptions, 'signal'>): AsyncIterable<string>
  converse(shell: Shell): Promise<Conversation>
  attach(shell: Shell, attached: Attached): Promise<number>
}

/** A session whose lines run with the rights that `elevation` gives. */
export function elevate(session: Session, elevation: Elevation): Elevated {
  const password = elevation.kind === 'sudo with a password' ? elevation.password : undefined
  const led = (options: RunOptions = {}): RunOptions =>
    password ? { ...options, stdin: withFirstLine(password, options.stdin) } : options
  const end = async (name: string): Promise<void> => {
    if (elevation.kind === 'direct') return
    // Where the line is gone nothing more can be done from here.
    await session.act(wrap(stopAll(name), elevation), led({ deadline: 10_000 })).catch(() => undefined)
  }
  return {
    ask: (shell, options) => session.ask(wrap(withCLocale(shell), elevation), led(options)),
    act: (shell, options) => session.act(wrap(withCLocale(shell), elevation), led(options)),
    lines: (shell, options) =>
      session.lines(wrap(withCLocale(shell), elevation), { ...options, first: password }),
    async converse(shell) {
      if (!password) return session.converse(wrap(withCLocale(shell), elevation))
      const conversation = await session.converse(wrap(ready(withCLocale(shell)), elevation))
      await conversation.say(password.reveal())
      return conversation
    },
    async attach(shell, { first, tty, ...streams }) {
      const name = newName()
      const lead =
        password && first ? new Secret(`${password.reveal()}\n${first.reveal()}`) : (password ?? first)
      // A pseudo-terminal would echo the secret, so there is none where one leads.
      const attached = lead ? { ...streams, first: lead } : { ...streams, tty }
      let code: number | undefined
      try {
        code = await session.attach(wrap(called(shell, name), elevation), attached)
        return code
      } finally {
        if (code === undefined || code === nobodyReads) await end(name)
      }
    },
  }
}

/** 128 and SIGPIPE. */
const nobodyReads = 141

/** By which the processes of one line are found. */
const newName = (): string => crypto.randomUUID()

/** The same line, in whose environment this name stands. */
const called = <E extends Effect>({ effect, line }: Shell<E>, name: string): Shell<E> => ({
  effect,
  line: `KIMBIA_OPS_LINE=${name}; export KIMBIA_OPS_LINE\n${line}`,
})

/**
 * Ends every process of a line of this name. The signal that ends a command of the login user does not reach what sudo
 * has started: sshd sends it with that user's rights.
 */
const stopAll = (name: string): Shell<'act'> => act`# end what is left of a line that was given up
for process in /proc/[0-9]*; do
  if grep -qs ${`KIMBIA_OPS_LINE=${name}`} "$process/environ"; then kill -TERM "\${process#/proc/}"; fi
done`

/** `sudo -k` makes it read the password even where it remembers one, so that the line is always consumed. */
function wrap<E extends Effect>({ effect, line }: Shell<E>, { kind }: Elevation): Shell<E> {
  switch (kind) {
    case 'direct':
      return { effect, line: ask`sh -c ${line}`.line }
    case 'sudo':
      return { effect, line: ask`sudo -n sh -c ${line}`.line }
    case 'sudo with a password':
      return { effect, line: ask`sudo -S -k -p '' sh -c ${line}`.line }
  }
}

/** The same line, with the messages of every program as its documentation has them. */
export const withCLocale = <E extends Effect>({ effect, line }: Shell<E>): Shell<E> => ({
  effect,
  line: `LC_ALL=C; export LC_ALL\n${line}`,
})

/** The same line, which first answers the password that was said to it. */
const ready = <E extends Effect>({ effect, line }: Shell<E>): Shell<E> => ({
  effect,
  line: `echo ready\n${line}`,
})

function withFirstLine(first: Secret, stdin: RunOptions['stdin']): Secret | Uint8Array {
  if (stdin instanceof Uint8Array) return Buffer.concat([Buffer.from(`${first.reveal()}\n`), stdin])
  return new Secret(`${first.reveal()}\n${stdin instanceof Secret ? stdin.reveal() : (stdin ?? '')}`)
}
