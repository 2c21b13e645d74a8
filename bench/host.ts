import { execFile, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { canDocker } from '../rig/docker/docker.ts'
import { type RigHost, startRig } from '../rig/host.ts'
import { acrossPhases, type Goals, inTurn, median, time, timed } from './measure.ts'

const run = promisify(execFile)

/** Changes to the host, against the same done by hand with docker compose on the host itself. */
export async function benchHost(program: readonly [string, string], goals: Goals): Promise<void> {
  const { can, why } = canDocker()
  if (!can) return console.log(`skip  changes to the host: ${why}`)
  const rig = await startRig({ docker: {}, rateLimits: false })
  try {
    await benchOn(rig, program, goals)
  } finally {
    await rig.stop()
  }
}

async function benchOn(rig: RigHost, program: readonly [string, string], goals: Goals): Promise<void> {
  const [node, bin] = program
  const env = { ...process.env, ...rig.env, CI: '' }
  const ops = (...args: string[]) => time(node, [bin, ...args], env)
  const ssh = () => time('ssh', ['-F', rig.sshConfig, 'rig-alias', 'true'], env)
  await updating(rig, ops, goals)
  await closing(rig, ops, ssh, goals)
  await rotating(rig, ops, goals)
  await failing(rig, [node, bin], env, goals)
}

type Ops = (...args: string[]) => Promise<{ ms: number; toldMs: number }>

async function updating(rig: RigHost, ops: Ops, { atMost }: Goals): Promise<void> {
  const ms = await acrossPhases(5, {
    apply: () => outage(rig, () => ops('update', 'apply', '--to', '0.5.35', '--yes')),
    // And back by hand: the compose file is edited, and what runs is brought in line with it.
    hand: () => outage(rig, () => byHand(rig, '0.4.5034')),
  })
  atMost(
    `update apply: time without health, against up -d by hand (${Math.round(ms.hand)} ms)`,
    ms.apply / ms.hand,
    1.3,
  )
}

async function closing(
  rig: RigHost,
  ops: Ops,
  ssh: () => Promise<{ ms: number }>,
  { atMost }: Goals,
): Promise<void> {
  const door = (required: boolean) => setByHand(rig, `PDS_INVITE_REQUIRED=${required}`)
  await ops('signup', 'close', '--yes', '--quiet')
  door(false)
  await upAndHealthy(rig)
  const { ssh: login } = await inTurn(9, { ssh })
  const stops = watchStops(rig)
  const all: number[] = []
  /** Without the time that the PDS took to stop, which is a matter of luck and the same for both. */
  const stopped = async (work: () => Promise<{ ms: number }>): Promise<{ ms: number }> => {
    const { ms } = await work()
    const stop = await stops.newest()
    all.push(stop)
    door(false)
    await upAndHealthy(rig)
    return { ms: ms - stop }
  }
  const besides = await acrossPhases(10, {
    hand: () => {
      door(true)
      return stopped(() => timed(() => upAndHealthy(rig)))
    },
    close: () =>
      stopped(async () => {
        const { toldMs } = await ops('signup', 'close', '--yes', '--quiet')
        return { ms: toldMs }
      }),
  }).finally(stops.end)
  const stop = all.reduce((sum, one) => sum + one, 0) / all.length
  const ms = { hand: besides.hand + stop, close: besides.close + stop }
  atMost(
    `signup close, against the recreate (${Math.round(ms.hand)} ms) + 1.5 x ssh host true (${Math.round(login)} ms)`,
    ms.close / (ms.hand + 1.5 * login),
    1,
  )
}

/** How long containers took to stop, as docker tells it: from the first signal to the end. */
export function watchStops(rig: RigHost): {
  forget: () => void
  newest: () => Promise<number>
  end: () => void
} {
  const filters = ['type=container', 'event=kill', 'event=die'].flatMap((one) => ['--filter', one])
  const env = { ...process.env, DOCKER_HOST: `unix://${rig.docker?.socket}` }
  const child = spawn('docker', ['events', '--format', '{{.Action}} {{.TimeNano}}', ...filters], { env })
  let told = ''
  child.stdout.on('data', (chunk: Buffer) => {
    told += chunk
  })
  return {
    forget() {
      told = ''
    },
    async newest() {
      // Docker tells it a moment later.
      await sleep(300)
      const [, killed, died] = [...told.matchAll(/^kill (\d+)\ndie (\d+)$/gm)].at(-1) ?? []
      if (!killed || !died) throw new Error(`no container has stopped: ${told}`)
      told = ''
      return Number(BigInt(died) - BigInt(killed)) / 1e6
    },
    end: () => void child.kill(),
  }
}

async function rotating(rig: RigHost, ops: Ops, { atMost }: Goals): Promise<void> {
  const ms = await acrossPhases(5, {
    rotate: () => outage(rig, () => ops('admin-password', 'rotate', '--store', 'stdout', '--yes')),
    hand: () => outage(rig, () => compose(rig, 'up', '--detach', '--force-recreate', 'pds')),
  })
  atMost(
    `admin-password rotate: time without health, against a bare recreate (${Math.round(ms.hand)} ms)`,
    ms.rotate / ms.hand,
    1.3,
  )
}

async function failing(
  rig: RigHost,
  [node, bin]: readonly [string, string],
  env: NodeJS.ProcessEnv,
  { atMost }: Goals,
): Promise<void> {
  const settle = 10
  const recreates: number[] = []
  for (let i = 0; i < 3; i++) {
    const again = async () => {
      await compose(rig, 'up', '--detach', '--force-recreate', 'pds')
      await healthyAgain(rig)
    }
    recreates.push((await timed(again)).ms)
  }
  for (const version of ['0.5.901', '0.5.902', '0.5.903', '0.5.904']) {
    const { ms } = await outage(rig, async () => {
      const args = [bin, 'update', 'apply', '--to', version, '--yes', '--no-backup', '--settle', `${settle}s`]
      const code = await run(node, args, { env }).then(
        () => 0,
        (error) => (error as { code: number }).code,
      )
      if (code !== 1) throw new Error(`update apply --to ${version} ended with ${code}, not 1`)
    })
    atMost(
      `update apply --to ${version}, which is bad: without health, against settle + 2 recreates`,
      ms / (settle * 1000 + 2 * median(recreates)),
      1,
    )
  }
}

/** Milliseconds from the first answer that is not healthy to the last one before health is back, while work is done. */
async function outage(rig: RigHost, work: () => Promise<unknown>): Promise<{ ms: number }> {
  let done = 'no'
  let first: number | undefined
  let last = 0
  const watch = (async () => {
    while (done === 'no' || last === 0 || !(await healthy(rig))) {
      const well = await healthy(rig)
      const now = performance.now()
      if (!well) first ??= now
      if (!well) last = now
      if (done === 'yes' && first === undefined) throw new Error('there was no outage to measure')
      await sleep(5)
    }
  })()
  await work().finally(() => {
    done = 'yes'
  })
  await watch
  return { ms: last - (first ?? last) }
}

async function healthy({ pdsUrl }: RigHost): Promise<boolean> {
  const answer = await fetch(`${pdsUrl}/xrpc/_health`, { signal: AbortSignal.timeout(2000) }).catch(
    () => undefined,
  )
  await answer?.arrayBuffer().catch(() => undefined)
  return answer?.status === 200
}

async function healthyAgain(rig: RigHost): Promise<void> {
  while (!(await healthy(rig))) await sleep(5)
}

/** Brings the container in line with its files by hand. */
export async function upAndHealthy(rig: RigHost): Promise<void> {
  await compose(rig, 'up', '--detach', 'pds')
  await healthyAgain(rig)
}

async function compose({ docker, pdsDir }: RigHost, ...args: string[]): Promise<void> {
  const env = { ...process.env, DOCKER_HOST: `unix://${docker?.socket}` }
  await run('docker', ['compose', '--project-directory', pdsDir, ...args], { env, cwd: pdsDir })
}

async function byHand(rig: RigHost, tag: string): Promise<void> {
  const file = rig.docker?.composeFile ?? ''
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, text.replace(/(image: .*\/pds:)\S+/, `$1${tag}`))
  await compose(rig, 'up', '--detach', 'pds')
}

/** Edits pds.env by hand. */
export function setByHand({ pdsDir }: RigHost, line: string): void {
  const file = `${pdsDir}/pds.env`
  const [key] = line.split('=')
  writeFileSync(file, readFileSync(file, 'utf8').replace(new RegExp(`^${key}=.*$`, 'm'), line))
}
