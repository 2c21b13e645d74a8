import { type Failure, unreachable } from '../../base/failure.ts'

/** What sudo says where no password helps, in English, and what to change. */
interface Denial {
  readonly said: RegExp
  readonly code: string
  readonly cause: string
  readonly hint: (user: string) => string
}

const asRoot = 'on the host, as root'

const denials: readonly Denial[] = [
  {
    said: /must have a tty/,
    code: 'sudo-requiretty',
    cause: 'sudo wants a terminal: “Defaults requiretty” in sudoers',
    hint: (user) => `${asRoot}: visudo, then add the line: Defaults:${user} !requiretty`,
  },
  {
    said: /not in the sudoers file|may not run sudo/,
    code: 'sudo-not-allowed',
    cause: 'sudoers has nothing for this user',
    hint: (user) => `${asRoot}: visudo, then add the line: ${user} ALL=(root) NOPASSWD: ALL`,
  },
  {
    said: /is not allowed to execute/,
    code: 'sudo-not-allowed',
    cause: 'sudoers allows this user other commands only, and kimbia-ops runs sh',
    hint: (user) => `${asRoot}: visudo, then add the line: ${user} ALL=(root) NOPASSWD: ALL`,
  },
  {
    said: /(parse|syntax) error|no valid sudoers sources|world writable|is owned by (uid|gid)|bad permissions/,
    code: 'sudo-broken',
    cause: 'sudo does not accept its own sudoers',
    hint: () => `${asRoot}: visudo --check`,
  },
  {
    said: /no new privileges/i,
    code: 'sudo-broken',
    cause: 'sudo may not become root in this login (NoNewPrivileges)',
    hint: () => 'see the systemd unit of sshd, or the security options of the container that it runs in',
  },
  {
    said: /effective uid is not 0|nosuid/,
    code: 'sudo-broken',
    cause: 'sudo itself is not set up to become root',
    hint: () => `${asRoot}: ls -l "$(command -v sudo)", and see whether its file system is mounted nosuid`,
  },
  {
    said: /account validation failure|(account|password).*expired/i,
    code: 'sudo-not-allowed',
    cause: 'sudo refuses the account of this user',
    hint: (user) => `${asRoot}: chage --list ${user}`,
  },
]

/** Why sudo refused, where it says so and no password would help; undefined where it only wants one. */
export function sudoDenial(where: string, stderr: string): Failure | undefined {
  if (/password is required/.test(stderr)) return undefined
  const found = denials.find(({ said }) => said.test(stderr))
  if (!found) return undefined
  const user = where.includes('@') ? where.slice(0, where.lastIndexOf('@')) : 'USER'
  const words =
    stderr
      .trim()
      .split('\n')
      .find((line) => found.said.test(line)) ?? ''
  return unreachable(found.code, `${where}: ${found.cause}: ${words.slice(0, 300)}`, found.hint(user))
}
