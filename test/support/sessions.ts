import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, writeFile } from 'node:fs/promises'
import { endProcesses } from '../../rig/process/processes.ts'
import { addOperator } from '../../rig/ssh/operator.ts'
import { startSshServer } from '../../rig/ssh/ssh-server.ts'
import { findSshd, knownHosts, makeKeys, startSshd } from '../../rig/ssh/sshd.ts'
import { openLocal } from '../../src/ssh/connect/local.ts'
import { openSsh } from '../../src/ssh/connect/node-ssh.ts'
import { openBySsh } from '../../src/ssh/openssh/open.ts'
import type { Session } from '../../src/ssh/session.ts'
import type { Target } from '../../src/ssh/target/target.ts'
import { type Relay, relayTo } from './relay.ts'
import { scratch } from './scratch.ts'
import { makeKey } from './ssh-keys.ts'
import { targetAt } from './ssh-target.ts'

/** One way to a host, and the wire to it where there is one. */
export interface Way extends AsyncDisposable {
  readonly wire: Relay | undefined
  /** Whether a command that is given up is told to end; ssh2's server drops signals once stdin is closed. */
  readonly endsCommands: 'yes' | 'no'
  /** Who logs in, where that is a user of this machine made for it, and the home directory of that user. */
  readonly login?: { readonly user: string; readonly home: string } | undefined
  open(options?: { keepalive?: number }): Promise<Session>
}

/** Every way to a host that must give the same answers; the real sshd where there is one. */
export const ways: Readonly<Record<string, (() => Promise<Way>) | undefined>> = {
  local: localWay,
  'ssh, to a server of Node’s': serverWay,
  'ssh, to a real sshd': hasSshd() ? () => sshdWay(openSsh) : undefined,
  'the system’s ssh, to a real sshd': hasSshd() && hasSsh() ? () => sshdWay(bySystem) : undefined,
}

async function localWay(): Promise<Way> {
  return {
    wire: undefined,
    endsCommands: 'yes',
    open: async () => openLocal(),
    async [Symbol.asyncDispose]() {},
  }
}

async function serverWay(): Promise<Way> {
  const place = await scratch()
  const server = await startSshServer()
  const wire = await relayTo(server.port)
  const { file: identity } = await makeKey(place.file('id'))
  await writeFile(place.file('kh'), `[127.0.0.1]:${wire.port} ${server.hostKey}\n`)
  const target = targetAt(wire.port, { identities: [identity], userKnownHosts: [place.file('kh')] })
  return {
    wire,
    endsCommands: 'no',
    open: (options = {}) => openSsh(target, options),
    async [Symbol.asyncDispose]() {
      await wire[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await place[Symbol.asyncDispose]()
    },
  }
}

const bySystem = (target: Target, options: { keepalive?: number }) =>
  openBySsh(target, {
    asked: { identity: target.identities[0], knownHosts: target.userKnownHosts[0] },
    person: 'no',
    ...options,
  })

async function sshdWay(
  openSession: (target: Target, options: { keepalive?: number }) => Promise<Session>,
): Promise<Way> {
  const place = await scratch()
  await chmod(place.dir, 0o755)
  await makeKeys(place.dir, place.file('id'))
  // As root, a throw-away user: sshd passes no signals to the commands of root.
  const operator = await addOperator(
    `kimbia-ssh-${randomBytes(4).toString('hex')}`,
    place.dir,
    '/usr/bin',
    'none',
  )
  const sshd = await startSshd(place.dir, operator.name, '/usr/bin')
  const wire = await relayTo(sshd.port)
  await writeFile(place.file('kh'), knownHosts(place.dir, wire.port))
  const target = targetAt(wire.port, {
    destination: `${operator.name}@127.0.0.1:${wire.port}`,
    user: operator.name,
    identities: [place.file('id')],
    userKnownHosts: [place.file('kh')],
  })
  return {
    wire,
    endsCommands: 'yes',
    login: process.getuid?.() === 0 ? { user: operator.name, home: place.dir } : undefined,
    open: (options = {}) => openSession(target, options),
    async [Symbol.asyncDispose]() {
      await wire[Symbol.asyncDispose]()
      await endProcesses({ root: sshd.child?.pid, uid: process.getuid?.() === 0 ? operator.uid : undefined })
      await operator.remove()
      await place[Symbol.asyncDispose]()
    },
  }
}

function hasSsh(): boolean {
  return spawnSync('ssh', ['-V']).error === undefined
}

function hasSshd(): boolean {
  const has = findSshd() !== undefined
  if (!has && process.env.KIMBIA_TEST_REQUIRE?.split(',').includes('sshd'))
    throw new Error('there is no sshd')
  return has
}
