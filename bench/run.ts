/**
 * `npm run bench`: each goal side by side with its yardstick, in one run on one rig; prints ratios.
 * `npm run bench -- far`: only what is to be said of a slow link.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type RigHost, startRig } from '../rig/host.ts'
import { seedAccounts } from '../rig/pds/seed.ts'
import { benchFar } from './far.ts'
import { benchHost } from './host.ts'
import { inTurn, time, timed } from './measure.ts'

const bin = join(import.meta.dirname, '../bin/kimbia-ops.js')
const node = process.execPath
let missed = 0

/** One line of the result: a ratio, and whether it keeps to its goal. */
function report(what: string, ratio: number, goal: string, kept: boolean): void {
  if (!kept) missed++
  console.log(`${kept ? 'ok  ' : 'MISS'}  ${what.padEnd(74)} ${ratio.toFixed(2).padStart(8)}   goal ${goal}`)
}
const atMost = (what: string, ratio: number, goal: number): void =>
  report(what, ratio, `<= ${goal}`, ratio <= goal)
const atLeast = (what: string, ratio: number, goal: number): void =>
  report(what, ratio, `>= ${goal}`, ratio >= goal)

if (process.argv[2] !== 'far') await benchNear()
await benchFar([node, bin], atMost)
console.log(missed === 0 ? '\nall goals are kept' : `\n${missed} goals are missed`)
process.exitCode = missed === 0 ? 0 : 1

async function benchNear(): Promise<void> {
  const rig = await startRig({ rateLimits: false })
  try {
    const tools = toolsOf(rig)
    await starting(tools)
    await inviting(tools)
    await listing(rig, tools)
    await takingDown(rig, tools)
  } finally {
    await rig.stop()
  }
  await benchHost([node, bin], { atMost, atLeast })
}

type Tools = ReturnType<typeof toolsOf>

/** What is timed on a rig. */
function toolsOf(rig: RigHost) {
  const env = { ...process.env, ...rig.env, CI: '' }
  const [port, password] = [String(rig.pdsPort), rig.adminPassword]
  return {
    env,
    ops: (...args: string[]) => time(node, [bin, ...args], env),
    ssh: () => time('ssh', ['-F', rig.sshConfig, 'rig-alias', 'true'], env),
    bare: () =>
      time(node, [join(import.meta.dirname, 'bare-list.ts')], {
        ...env,
        BENCH_PORT: port,
        BENCH_PASSWORD: password,
      }),
  }
}

async function starting({ env, ops }: Tools): Promise<void> {
  const ms = await inTurn(15, {
    bare: () => time(node, ['-e', '0'], env),
    help: () => ops('--help'),
    version: () => ops('--version'),
  })
  atMost('--help, against node -e 0', ms.help / ms.bare, 2)
  atMost('--version, against node -e 0', ms.version / ms.bare, 2)
}

async function inviting({ ops, ssh }: Tools): Promise<void> {
  const ms = await inTurn(9, { ssh, invite: () => ops('invite', 'create', '--json') })
  atMost(
    `invite create, whole process, against ssh host true (${Math.round(ms.ssh)} ms)`,
    ms.invite / ms.ssh,
    1.5,
  )
}

async function listing(host: RigHost, { env, ops, bare }: Tools): Promise<void> {
  const hour = 3_600_000
  const then = Date.now() - 30 * 24 * hour
  await seedAccounts(host, 10_000, { prefix: 'early', createdAt: (i) => new Date(then + i * 1000) })
  const small = await inTurn(5, { bare, list: () => ops('account', 'list', '--json') })
  atMost(
    `account list of 10,000 over SSH, against a bare script on the host (${Math.round(small.bare)} ms)`,
    small.list / small.bare,
    1.3,
  )
  atLeast(
    'account list, per account, against one call at a time as pdsadmin does',
    ((await oneByOne(host, 100, env)) * 10_000) / small.list,
    100,
  )

  await seedAccounts(host, 90_000, { prefix: 'later', createdAt: (i) => new Date(then + (10_000 + i) * 10) })
  const large = await ops('account', 'list', '--json')
  const lines = large.stdout.split('\n').length - 1
  if (lines < 100_000) throw new Error(`only ${lines} accounts were listed`)
  atMost('account list of 100,000, per account, against 10,000', large.ms / small.list / 10, 1.3)
  atMost('account list of 100,000: peak memory in MB', large.peakMb, 150)

  await seedAccounts(host, 20, { prefix: 'fresh', createdAt: () => new Date(Date.now() - hour / 2) })
  const recent = await inTurn(7, {
    info: () => ops('account', 'info', 'early000001.test', '--json'),
    since: () => ops('account', 'list', '--since', '1h', '--json'),
  })
  atMost('account list --since 1h among 100,000, against account info', recent.since / recent.info, 1.5)
}

/** Milliseconds an account takes when each is asked for by a process of its own, as pdsadmin does with curl. */
async function oneByOne(host: RigHost, count: number, env: NodeJS.ProcessEnv): Promise<number> {
  const { repos } = await xrpcGet<{ repos: { did: string }[] }>(host, 'com.atproto.sync.listRepos', {
    limit: count,
  })
  const auth = `admin:${host.adminPassword}`
  const { ms } = await timed(async () => {
    for (const { did } of repos)
      await time(
        'curl',
        [
          '--fail',
          '--silent',
          '--user',
          auth,
          `${host.pdsUrl}/xrpc/com.atproto.admin.getAccountInfo?did=${did}`,
        ],
        env,
      )
  })
  return ms / repos.length
}

async function takingDown(host: RigHost, { ops }: Tools): Promise<void> {
  const file = join(host.dir, 'bots.txt')
  const handles = Array.from({ length: 1_020 }, (_, i) => `early${String(i + 1).padStart(6, '0')}.test`)
  const [single, bulk] = [handles.slice(0, 20), handles.slice(20)]
  writeFileSync(file, bulk.join('\n'))
  const loop = await timed(async () => {
    for (const handle of single) await ops('account', 'takedown', handle, '--yes', '--quiet')
  })
  const all = await ops('account', 'takedown', '--from', file, '--confirm', String(bulk.length), '--quiet')
  atLeast(
    'takedown of 1,000 from a file, against a loop of single commands',
    ((loop.ms / single.length) * bulk.length) / all.ms,
    20,
  )
}
