import { readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import type { RigFacts } from '../../rig/host.ts'
import type { Scratch } from './scratch.ts'

/** Values for keys of the rig's entry in a config; an undefined one leaves the key out. */
export type Changes = Readonly<Record<string, string | number | undefined>>

let count = 0

/** Writes a config whose only host is the rig but for these changes, and gives the environment that has it read. */
export async function entryFor(
  place: Scratch,
  rig: RigFacts,
  changes: Changes = {},
): Promise<Record<string, string>> {
  const { user, host, port, identity, knownHosts } = rig.ssh
  const entry = {
    ssh: `${user}@${host}:${port}`,
    ssh_config: rig.sshConfig,
    identity,
    known_hosts: knownHosts,
    dir: rig.pdsDir,
    port: rig.pdsPort,
    ...changes,
  }
  const lines = Object.entries(entry)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `    ${key}: ${JSON.stringify(value)}\n`)
  const file = place.file(`config-${++count}.yaml`)
  await writeFile(file, `hosts:\n  rig:\n${lines.join('')}`)
  return { KIMBIA_OPS_CONFIG: file }
}

/** The changes that lead to the rig's sshd by another port of loopback, whose host keys are known as the rig's own. */
export async function byPort(place: Scratch, rig: RigFacts, port: number): Promise<Changes> {
  const file = place.file(`known_hosts-${port}`)
  const known = await readFile(rig.ssh.knownHosts, 'utf8')
  await writeFile(file, known.replaceAll(`]:${rig.ssh.port} `, `]:${port} `))
  return { ssh: `${rig.ssh.user}@127.0.0.1:${port}`, known_hosts: file }
}

/** The host keys of the rig, as `type base64`. */
export const hostKeysOf = (rig: RigFacts): string[] =>
  readFileSync(rig.ssh.knownHosts, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ').slice(1).join(' '))
