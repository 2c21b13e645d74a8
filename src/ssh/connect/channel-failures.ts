import { type Failure, unreachable } from '../../base/failure.ts'
import { nothingListens } from '../session/create-session.ts'

/** What ssh2 says of a channel that was not opened, with the reason of the server (RFC 4254, section 5.1). */
export interface Refusal extends Error {
  readonly reason?: number
}

const prohibited = 1
const connectFailed = 2

/** How the settings of sshd that hold for a user are seen. */
const settings = (words: string): string =>
  `which one holds tells, on the host: sudo sshd -T | grep -iE '${words}'; then sudo systemctl reload ssh (or sshd)`

/** Whether the server has no room for one more session: sshd gives this reason for nothing else. */
export const isFull = (error: unknown): boolean => (error as Refusal).reason === connectFailed

/** Why a host runs no command. */
export function noChannel(where: string, error: unknown, open: number): Failure {
  const said = error instanceof Error ? error.message : String(error)
  if (isFull(error)) return tooManySessions(where, error, said, open)
  if (/pseudo-terminal/.test(said))
    return unreachable(
      'terminal-refused',
      `${where} gives us no terminal: ${said}`,
      'PermitTTY no in the sshd_config of the host, or no-pty before the key in authorized_keys, forbids it; without a terminal: put | cat behind the command',
      error,
    )
  return unreachable(
    'command-refused',
    `${where} does not run commands for us: ${said}`,
    'is this the sshd of the host, or something before it that only forwards? try: ssh HOST true',
    error,
  )
}

const tooManySessions = (where: string, error: unknown, said: string, open: number): Failure =>
  unreachable(
    'max-sessions',
    open === 0
      ? `${where} opens no session for commands: ${said}`
      : `${where} opens no further session on this connection, beside ${open} of ours: ${said}`,
    `MaxSessions in the sshd_config of the host is too low: up to 4 are needed at once (sshd’s own default is 10). ${settings('maxsessions')}`,
    error,
  )

/** Why a host opens no connection to a port of its own. */
export function noTunnel(error: Refusal, port: number, where: string): Failure {
  if (error.reason === connectFailed) return nothingListens(port, where, error)
  const [code, hint] =
    error.reason === prohibited
      ? [
          'tunnel-prohibited',
          `the PDS is asked through a forwarded port, and the sshd_config of the host forbids that: it needs DisableForwarding no, AllowTcpForwarding yes (or local), and PermitOpen any (or 127.0.0.1:${port}); restrict, no-port-forwarding or permitopen before the key in authorized_keys forbids it too. ${settings('disableforwarding|allowtcpforwarding|permitopen')}`,
        ]
      : ['tunnel-failed', undefined]
  return unreachable(code, `${where} opens no connection to its port ${port}: ${error.message}`, hint, error)
}
