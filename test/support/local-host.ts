import { spawnSync } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { forgetChanges } from '../../rig/changes.ts'
import { canDocker } from '../../rig/docker/docker.ts'
import { addOperator, type Operator, type Sudo } from '../../rig/ssh/operator.ts'
import { type HostConfig, hostDefaults } from '../../src/config/host-config.ts'
import { openLocal } from '../../src/ssh/connect/local.ts'
import type { Session } from '../../src/ssh/session.ts'
import { ask, type Shell } from '../../src/ssh/shell.ts'

/** Whether this test run may make users and mount file systems. */
export const isRoot = process.getuid?.() === 0

const required = (what: string): boolean =>
  process.env.KIMBIA_TEST_REQUIRE?.split(',').includes(what) ?? false

/** Whether a test that needs root is left out, which the report then says; never when root is required. */
export const withoutRoot = !isRoot && !required('root')

/** Whether a test that needs a Docker Engine of the rig's own is left out, likewise. */
export const withoutDocker = !canDocker().can && !required('docker')

const envText = 'PDS_HOSTNAME=pds.test\nPDS_PORT=3456\nPDS_ADMIN_PASSWORD="s3 cret"\n'

/** A directory that stands for /pds, which only its owner may enter, and what a config says of it. */
export interface LocalPds extends AsyncDisposable {
  readonly dir: string
  readonly config: HostConfig
  path(name: string): string
}

/** Makes one with such a pds.env. */
export async function localPds(env: string = envText): Promise<LocalPds> {
  // A directory that another user can reach, which root's own TMPDIR may not be.
  const base = await mkdtemp(join(isRoot ? '/tmp' : tmpdir(), 'kimbia-'))
  await chmod(base, 0o755)
  const dir = join(base, 'pds')
  await mkdir(dir, { mode: 0o700 })
  await writeFile(join(dir, 'pds.env'), env, { mode: 0o600 })
  return {
    dir,
    config: { name: 'here', ssh: 'local', ...hostDefaults, dir },
    path: (name) => join(dir, name),
    [Symbol.asyncDispose]: () => {
      forgetChanges(base)
      return rm(base, { recursive: true, force: true })
    },
  }
}

/** A session on this machine whose every line is put into another by `wrap`. */
export function wrapped(wrap: (line: string) => string, log: string[] = []): Session {
  const local = openLocal()
  const inside = <E extends Shell>(shell: E): E => {
    log.push(shell.line)
    return { ...shell, line: wrap(shell.line) }
  }
  return {
    where: local.where,
    ask: (shell, options) => local.ask(inside(shell), options),
    act: (shell, options) => local.act(inside(shell), options),
    lines: (shell, options) => local.lines(inside(shell), options),
    converse: (shell) => local.converse(inside(shell)),
    attach: (shell, attached) => local.attach(inside(shell), attached),
    tunnel: (port) => local.tunnel(port),
    dispose: () => local.dispose(),
  }
}

/** A throw-away user of this machine, and a session as they would have it over SSH. */
export interface LocalUser extends AsyncDisposable {
  readonly operator: Operator
  open(log?: string[]): Session
}

/** Makes a user with the sudo rights asked for; for root only. */
export async function localUser(sudo: Sudo): Promise<LocalUser> {
  const name = `kimbia-t${process.pid}${Math.random().toString(36).slice(2, 6)}`
  const operator = await addOperator(name, '/nonexistent', '/usr/bin', sudo)
  const become = ['setpriv', '--reuid', operator.uid, '--regid', operator.gid, '--clear-groups']
  return {
    operator,
    open: (log) =>
      wrapped((line) => ask`cd / && exec ${become} env HOME=/ ${`USER=${name}`} sh -c ${line}`.line, log),
    [Symbol.asyncDispose]: () => operator.remove(),
  }
}

/** The POSIX shells of this machine, by name: the line that starts each. */
export const shells: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries({
    dash: ['dash'],
    bash: ['bash', '--posix'],
    busybox: ['busybox', 'sh'],
    ksh: ['ksh'],
  }).filter(([, [program = '']]) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0),
)

/** A session in which `sh` is another shell, and PATH holds it and these programs alone. */
export async function sessionWith(
  dir: string,
  shell: readonly string[],
  programs: readonly string[],
): Promise<Session> {
  const bin = join(dir, 'bin')
  await mkdir(bin, { recursive: true })
  for (const program of programs) {
    const { stdout } = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' })
    if (stdout.startsWith('/')) await symlink(stdout.trim(), join(bin, program))
  }
  const [program = 'sh', ...options] = shell
  const { stdout } = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' })
  await writeFile(join(bin, 'sh'), `#!/bin/sh\nexec ${stdout.trim()} ${options.join(' ')} "$@"\n`, {
    mode: 0o755,
  })
  return wrapped((line) => ask`PATH=${bin} exec ${join(bin, 'sh')} -c ${line}`.line)
}

/** Gives a directory and what is in it to a user. */
export async function give(paths: readonly string[], { uid, gid }: Operator): Promise<void> {
  for (const path of paths) await chown(path, uid, gid)
}
