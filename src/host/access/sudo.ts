import { Secret } from '../../base/secret.ts'
import type { Answer, Attached, Conversation, LinesOptions, RunOptions, Session } from '../../ssh/session.ts'
import { ask, type Effect, type Shell } from '../../ssh/shell.ts'

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
    attach(shell, { first, tty, ...streams }) {
      const lead =
        password && first ? new Secret(`${password.reveal()}\n${first.reveal()}`) : (password ?? first)
      // A pseudo-terminal would echo the secret, so there is none where one leads.
      return session.attach(wrap(shell, elevation), lead ? { ...streams, first: lead } : { ...streams, tty })
    },
  }
}

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
