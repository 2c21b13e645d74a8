/** `node rig/with.ts COMMAND…`: puts up a rig, runs a command that sees it as its only host, and takes it down. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { startRig } from './host.ts'

const [command, ...args] = process.argv.slice(2)
if (command === undefined) throw new Error('rig: which command?')
const rig = await startRig()
try {
  const child = spawn(command, args, {
    stdio: 'inherit',
    env: { ...process.env, ...rig.env, RIG_SSH_CONFIG: rig.sshConfig },
  })
  const [code] = (await once(child, 'close')) as [number | null]
  process.exitCode = code ?? 1
} finally {
  await rig.stop()
}
