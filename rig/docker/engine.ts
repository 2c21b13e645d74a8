import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { rigNode } from '../process/child-lines.ts'
import { canDocker, runDir } from './docker.ts'

/** Where the holder of the engine listens. */
export const holderSocket = join(runDir, 'holder.sock')

/** What the holder says when the engine is up and the rig's images are in the registry. */
export interface Engine {
  /** DOCKER_HOST. */
  host: string
  /** The name of the registry, `127.0.0.1:PORT`. */
  registry: string
}

/** A rig's hold on the engine. */
export interface Hold extends Engine {
  /** Returns when the rig's containers are gone; the engine ends a while after the last rig let go. */
  letGo(): Promise<void>
}

/** Gets the engine that all rigs share, starting it if need be; it stays up as long as this process holds it. */
export async function holdEngine(rig: string): Promise<Hold> {
  const { can, why } = canDocker()
  if (!can) throw new Error(`rig: no Docker here: ${why}`)
  let ended = false
  let line: Socket
  const hold = async (): Promise<Engine> => {
    const got = await engineFor(rig)
    line = got.line
    line.once('end', () => line.end())
    // Without its holder the engine would have no end: another one takes over.
    line.once('close', () => {
      if (!ended) hold().catch(() => {})
    })
    return got.engine
  }
  const engine = await hold()
  const letGo = async () => {
    ended = true
    if (line.closed) return
    line.end()
    await once(line, 'close')
  }
  return { ...engine, letGo }
}

/** The first start of all builds the images, which may take a minute. */
async function engineFor(rig: string): Promise<{ line: Socket; engine: Engine }> {
  const deadline = Date.now() + 20_000
  for (;;) {
    const line = await dial()
    if (line) {
      line.write(`${JSON.stringify({ rig })}\n`)
      const answer = await firstLine(line)
      if (answer && 'registry' in answer) return { line, engine: answer }
      line.destroy()
      if (answer) throw new Error(answer.error)
    }
    if (Date.now() > deadline) throw new Error('rig: the holder of the engine does not start')
    startHolder()
    await sleep(150)
  }
}

/** One that finds another at work ends at once. */
function startHolder(): void {
  const file = fileURLToPath(new URL('./engine-holder.ts', import.meta.url))
  const args = ['--disable-warning=ExperimentalWarning', file]
  const env = { ...process.env, NODE_OPTIONS: '' }
  spawn(rigNode(), args, { stdio: 'ignore', detached: true, cwd: '/', env }).unref()
}

async function dial(): Promise<Socket | undefined> {
  const line = connect({ path: holderSocket, allowHalfOpen: true })
  line.on('error', () => {})
  const [up] = await Promise.race([
    once(line, 'connect').then(() => [true]),
    once(line, 'close').then(() => [false]),
  ]).catch(() => [false])
  return up ? line : undefined
}

async function firstLine(line: Socket): Promise<Engine | { error: string } | undefined> {
  const lines = createInterface({ input: line })
  const gone = once(line, 'close').then(() => [undefined])
  const [text] = (await Promise.race([once(lines, 'line'), gone])) as [string | undefined]
  lines.close()
  line.resume()
  return text === undefined ? undefined : (JSON.parse(text) as Engine | { error: string })
}
