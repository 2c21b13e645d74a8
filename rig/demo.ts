/** Shows kimbia-ops at its main job on a real PDS host: `node rig/demo.ts [--keep | --stop]`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type RigFacts, startRig } from './host.ts'
import { keepRig, keptRig, stopKept } from './keep.ts'
import { rigNode } from './process/child-lines.ts'

interface Stop {
  args: string[]
  /** Exit codes that are no failure of the demo. */
  accept?: number[]
}

const HANDLE = 'alice.test'

/** What an operator does in the life of one account. On a host without TLS and a public name, health has findings. */
const TOUR: Stop[] = [
  { args: ['health'], accept: [0, 3] },
  { args: ['invite', 'create', '--uses', '5'] },
  { args: ['invite', 'list'] },
  { args: ['account', 'create', 'alice@example.com', HANDLE] },
  { args: ['account', 'list'] },
  { args: ['account', 'info', HANDLE] },
  { args: ['account', 'takedown', HANDLE, '--reason', 'spam, ticket 42', '--yes'] },
  { args: ['account', 'restore', HANDLE, '--yes'] },
  { args: ['account', 'reset-password', HANDLE, '--yes'] },
  { args: ['account', 'delete', HANDLE, '--confirm', HANDLE] },
  { args: ['trail'] },
]

const bin = fileURLToPath(new URL('../bin/kimbia-ops.js', import.meta.url))
const built = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const say = (line = '') => process.stderr.write(`${line}\n`)
const since = (start: number) => `${((performance.now() - start) / 1000).toFixed(1)} s`

process.exitCode = await main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error))
  return 1
})

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { keep: { type: 'boolean' }, stop: { type: 'boolean' } } })
  if (values.stop) return stop()
  if (!existsSync(built)) throw new Error('demo: kimbia-ops is not built yet; run: npm run build')
  return values.keep ? keep() : justOnce()
}

async function stop(): Promise<number> {
  say((await stopKept()) ? 'The host is down and nothing of it is left.' : 'There is no host to stop.')
  return 0
}

async function justOnce(): Promise<number> {
  const rig = await putUp(startRig)
  try {
    return await tour(rig)
  } finally {
    const start = performance.now()
    await rig.stop()
    say(`\nThe host is down and nothing of it is left (${since(start)}).`)
  }
}

async function keep(): Promise<number> {
  const kept = await keptRig()
  const rig = kept ?? (await putUp(keepRig))
  const code = kept ? 0 : await tour(rig)
  say(`
The host stays up. To try things on it:

  export PATH=${dirname(rigNode())}:"$PATH"    # Node 22, which kimbia-ops needs
  export KIMBIA_OPS_CONFIG=${rig.configFile}
  node bin/kimbia-ops.js health
  node bin/kimbia-ops.js account create bob@example.com bob.test
  node bin/kimbia-ops.js account list --json
  ssh -F ${rig.sshConfig} rig-alias

To take it down:  npm run demo -- --stop`)
  return code
}

async function putUp<T extends RigFacts>(start: () => Promise<T>): Promise<T> {
  say('Putting up a throw-away PDS host on loopback: PLC directory, PDS, SSH server, an operator ...')
  const began = performance.now()
  const rig = await start()
  say(`It is up after ${since(began)}: ${rig.pdsUrl}, ssh ${rig.ssh.user}@127.0.0.1:${rig.ssh.port}`)
  return rig
}

async function tour(rig: RigFacts): Promise<number> {
  const began = performance.now()
  for (const { args, accept = [0] } of TOUR) {
    say(`\n$ kimbia-ops ${args.map((word) => (/[\s']/.test(word) ? `'${word}'` : word)).join(' ')}`)
    const code = await kimbiaOps(rig, args)
    if (accept.includes(code)) continue
    say(`\ndemo: this failed with exit code ${code}`)
    return 1
  }
  say(`\n${TOUR.length} commands in ${since(began)}.`)
  return 0
}

async function kimbiaOps(rig: RigFacts, args: string[]): Promise<number> {
  const child = spawn(rigNode(), [bin, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...rig.env },
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return code ?? 1
}
