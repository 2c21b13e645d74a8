/** The process that keeps a rig: prints one line, "up" or what went wrong, and takes it down when its socket hears "stop". */
import { createServer } from 'node:net'
import { join } from 'node:path'
import { startRig } from './host.ts'
import { forget, remember } from './keep.ts'

const rig = await startRig().catch((error: Error) => {
  process.stdout.write(`${error.message.replaceAll('\n', ' ')}\n`)
  process.exit(1)
})
const socket = join(rig.dir, 'client', 'keeper.sock')

async function end(): Promise<void> {
  forget()
  await rig.stop()
  process.exit(0)
}

const server = createServer({ allowHalfOpen: true }, (line) => {
  let said = ''
  line.on('error', () => {})
  line.on('data', (chunk) => {
    said += chunk
  })
  line.on('end', () => {
    // The caller waits for the line to close: at once, or by the end of this process.
    if (said === 'stop') void end()
    else line.end()
  })
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void end())
server.listen(socket, () => {
  remember(rig, socket)
  process.stdout.write('up\n')
})
