import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A login shell, and the file that it reads before it runs a command of an SSH user. */
export interface LoginShell {
  readonly path: string
  /** Below the home directory; absent where it reads none. */
  readonly startFile?: string
  /** What such a file holds to print these lines first, on both outputs, and others at the end. */
  readonly talkative?: string
}

const posix = `echo Welcome
echo three words here
echo '{"json":1}'
echo 'do not disturb' >&2
printf 'no line break'
trap 'echo goodbye; echo goodbye >&2; exit 7' EXIT
`

const known: Readonly<Record<string, LoginShell>> = {
  dash: { path: '/bin/dash' },
  bash: { path: '/bin/bash', startFile: '.bashrc', talkative: posix },
  rbash: { path: '/bin/rbash', startFile: '.bashrc', talkative: posix },
  zsh: { path: '/usr/bin/zsh', startFile: '.zshenv', talkative: `set -x\n${posix}` },
  fish: {
    path: '/usr/bin/fish',
    startFile: '.config/fish/config.fish',
    talkative: `echo Welcome
echo three words here
echo 'do not disturb' >&2
function leave --on-event fish_exit
  echo goodbye
  echo goodbye >&2
end
`,
  },
  tcsh: {
    path: '/usr/bin/tcsh',
    startFile: '.tcshrc',
    talkative: `echo Welcome\necho three words here\nsh -c 'echo do not disturb >&2'\nset echo\n`,
  },
  nu: { path: '/usr/bin/nu' },
}

/** Those that this machine has; all of them when shells are required. */
export const loginShells: Readonly<Record<string, LoginShell | undefined>> = Object.fromEntries(
  Object.entries(known).map(([name, shell]) => [name, existsSync(shell.path) ? shell : undefined]),
)

/** Makes it the login shell of a user; for root only. */
export const setLoginShell = async (user: string, path: string): Promise<void> =>
  void (await run('usermod', ['--shell', path, user]))

/** Writes the file that a shell reads at its start. */
export function writeStartFile(home: string, startFile: string, text: string): void {
  const path = join(home, startFile)
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
  writeFileSync(path, text, { mode: 0o644 })
}
