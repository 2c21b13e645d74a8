import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { canDocker } from '../rig/docker/docker.ts'
import { type RigHost, startRig } from '../rig/host.ts'
import { seedAccounts } from '../rig/pds/seed.ts'
import { relayTo } from '../rig/relay.ts'
import { setByHand, upAndHealthy, watchStops } from './host.ts'
import { time } from './measure.ts'

/** How long each way takes, in milliseconds: as from a phone, or the other side of the world. */
const delay = 150
const roundTrip = 2 * delay

/** Commands over a link on which it is round trips that count, and how many beyond `ssh host true` each may take. */
export async function benchFar(
  program: readonly [string, string],
  atMost: (what: string, trips: number, goal: number) => void,
): Promise<void> {
  const { can, why } = canDocker()
  if (!can) console.log(`skip  signup close: ${why}`)
  const rig = await startRig({ rateLimits: false, ...(can && { docker: {} }) })
  const [far, near] = [await relayTo(rig.ssh.port, { delay }), await relayTo(rig.ssh.port)]
  try {
    const links = { far: linkBy(rig, far.port), near: linkBy(rig, near.port) }
    const ssh = await both(links, (link) =>
      time('ssh', ['-F', link.sshConfig, 'rig-alias', 'true'], link.env),
    )
    const beyond = ssh.far - ssh.near
    console.log(`      ssh host true: ${seconds(ssh.far)} far, ${seconds(ssh.near)} near`)
    const measure = async (name: string, goal: number, run: (ops: Ops) => Promise<{ ms: number }>) => {
      const ms = await both(links, ({ env }) =>
        run((...args) => time(program[0], [program[1], ...args], env)),
      )
      const trips = (ms.far - ms.near - beyond) / roundTrip
      const ratio = (ms.far / ssh.far).toFixed(1)
      atMost(`${name}: ${seconds(ms.far)}, ${ratio} x ssh host true; round trips beyond it`, trips, goal)
    }
    await commands(rig, measure)
    if (can) await closing(rig, measure)
  } finally {
    for (const relay of [far, near]) await relay[Symbol.asyncDispose]()
    await rig.stop()
  }
}

type Ops = (...args: string[]) => Promise<{ ms: number }>
type Measure = (name: string, goal: number, run: (ops: Ops) => Promise<{ ms: number }>) => Promise<void>

async function commands(rig: RigHost, measure: Measure): Promise<void> {
  const then = Date.now() - 30 * 86_400_000
  await seedAccounts(rig, 10_000, { prefix: 'early', createdAt: (i) => new Date(then + i * 1000) })
  await seedAccounts(rig, 20, { prefix: 'fresh', createdAt: () => new Date(Date.now() - 1_800_000) })
  const reading: readonly (readonly string[])[] = [
    ['env', 'list'],
    ['env', 'get', 'PDS_HOSTNAME'],
    ['signup', 'status'],
    ['account', 'list', '--since', '1d'],
    ['account', 'info', 'early000001.test'],
    ['invite', 'list'],
  ]
  for (const words of reading) await measure(words.join(' '), 3, (ops) => ops(...words))
  await measure('account list of 10,000', 6, (ops) => ops('account', 'list', '--json'))
  await measure('invite create', 4, (ops) => ops('invite', 'create'))
  await measure('health', 4, (ops) => ops('health', '--json'))
  await measure('status', 4, (ops) => ops('status'))
  let taken = 0
  await measure('account takedown of 100 from a file', 8, (ops) => {
    const file = join(rig.dir, 'bots.txt')
    const handles = Array.from({ length: 100 }, () => `early${String(++taken).padStart(6, '0')}.test\n`)
    writeFileSync(file, handles.join(''))
    return ops('account', 'takedown', '--from', file, '--confirm', '100', '--quiet')
  })
  await seedAccounts(rig, 90_000, { prefix: 'later', createdAt: (i) => new Date(then + (10_000 + i) * 10) })
  await measure('status of 100,000 accounts', 4, (ops) => ops('status'))
}

/** Without the time that the PDS took to stop, which is a matter of luck. */
async function closing(rig: RigHost, measure: Measure): Promise<void> {
  const stops = watchStops(rig)
  const open = async () => {
    setByHand(rig, 'PDS_INVITE_REQUIRED=false')
    await upAndHealthy(rig)
  }
  await open()
  await measure('signup close, beside the recreate', 6, async (ops) => {
    stops.forget()
    const { ms } = await ops('signup', 'close', '--yes', '--quiet')
    const stop = await stops.newest()
    await open()
    return { ms: ms - stop }
  }).finally(stops.end)
}

/** A way to the rig. */
interface Link {
  readonly sshConfig: string
  readonly env: NodeJS.ProcessEnv
}

/** The files that lead to the rig by another port. */
function linkBy(rig: RigHost, port: number): Link {
  const write = (was: string, edit: (text: string) => string): string => {
    const path = `${was}-${port}`
    writeFileSync(path, edit(readFileSync(was, 'utf8')), { mode: 0o600 })
    return path
  }
  const knownHosts = write(rig.ssh.knownHosts, (text) => text.replaceAll(`]:${rig.ssh.port} `, `]:${port} `))
  const there = (text: string) => text.replaceAll(rig.ssh.knownHosts, knownHosts)
  const sshConfig = write(rig.sshConfig, (text) =>
    there(text).replace(`Port ${rig.ssh.port}`, `Port ${port}`),
  )
  const configFile = write(rig.configFile, (text) =>
    there(text).replace(`:${rig.ssh.port}\n`, `:${port}\n`).replace(rig.sshConfig, sshConfig),
  )
  return { sshConfig, env: { ...process.env, ...rig.env, CI: '', KIMBIA_OPS_CONFIG: configFile } }
}

/** The least of several times of the same thing over each link, taken in turn: what else the machine does only adds. */
async function both(
  links: Readonly<Record<'far' | 'near', Link>>,
  run: (link: Link) => Promise<{ ms: number }>,
): Promise<Record<'far' | 'near', number>> {
  const least = { far: Number.POSITIVE_INFINITY, near: Number.POSITIVE_INFINITY }
  await run(links.near)
  for (let i = 0; i < 3; i++)
    for (const which of ['far', 'near'] as const)
      least[which] = Math.min(least[which], (await run(links[which])).ms)
  return least
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`
