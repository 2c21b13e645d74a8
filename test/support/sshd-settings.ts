import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RigFacts } from '../../rig/host.ts'

/** Has the sshd of a rig run with these lines before its own, of which the first counts, until it is disposed of. */
export async function sshdWith(
  rig: RigFacts,
  lines: readonly string[],
  without = /^$/,
): Promise<AsyncDisposable> {
  const config = join(rig.dir, 'sshd/sshd_config')
  const before = readFileSync(config, 'utf8')
  const kept = before.split('\n').filter((line) => !without.test(line))
  await reload(rig, config, [...lines, ...kept].join('\n'))
  return { [Symbol.asyncDispose]: () => reload(rig, config, before) }
}

async function reload(rig: RigFacts, config: string, text: string): Promise<void> {
  writeFileSync(config, text)
  process.kill(Number(readFileSync(join(rig.dir, 'sshd/sshd.pid'), 'utf8')), 'SIGHUP')
  // It starts itself anew, which takes a moment in which the old one may still answer.
  await sleep(300)
  for (let tries = 0; !(await answers(rig.ssh.port)); tries++) {
    if (tries === 100) throw new Error('the sshd of the rig did not come back')
    await sleep(50)
  }
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('error', () => resolve(false))
    socket.once('data', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('close', () => resolve(false))
  })
