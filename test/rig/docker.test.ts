import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canDocker, docker, dockerLines } from '../../rig/docker/docker.ts'
import type { DockerFacts } from '../../rig/docker/docker-host.ts'
import { type RigFacts, type RigHost, startRig } from '../../rig/host.ts'
import { pointTag } from '../../rig/image/images.ts'
import { createAccount, createInvite } from '../../rig/pds/accounts.ts'
import { seedAccounts } from '../../rig/pds/seed.ts'

const run = promisify(execFile)
const { can, why } = canDocker()
const required = process.env.KIMBIA_TEST_REQUIRE?.split(',').includes('docker')

const dockerOf = ({ docker: facts }: RigFacts): DockerFacts => {
  if (!facts) throw new Error('no Docker')
  return facts
}

const overSsh = async (rig: RigFacts, command: string): Promise<string> =>
  (await run('ssh', ['-F', rig.sshConfig, '-o', 'BatchMode=yes', 'rig-alias', command])).stdout.trim()

const health = async ({ pdsUrl }: RigFacts): Promise<string> => {
  const answer = await fetch(`${pdsUrl}/xrpc/_health`).catch(() => undefined)
  return answer ? `${answer.status} ${((await answer.json()) as { version: string }).version}` : 'none'
}

const becomes = (rig: RigFacts, expected: string) =>
  expect.poll(() => health(rig), { timeout: 15_000, interval: 30 }).toBe(expected)

/** Runs the PDS of the rig from another image, as an operator would. */
const runTag = async (rig: RigFacts, tag: string): Promise<void> => {
  const { image, composeFile } = dockerOf(rig)
  const other = join(rig.dir, 'other.yaml')
  writeFileSync(other, `services:\n  pds:\n    image: ${image}:${tag}\n`)
  await overSsh(rig, `sudo -n docker compose -f ${composeFile} -f ${other} up -d --quiet-pull pds 2>&1`)
}

const inspect = (rig: RigFacts, what: string): Promise<string> =>
  docker('inspect', '--format', `{{${what}}}`, dockerOf(rig).containerName)

/** What the engine and the registry have of a rig. */
const traces = async (rig: RigFacts): Promise<string[]> => {
  const { project, registry, image } = dockerOf(rig)
  const tags = await fetch(`http://${registry}/v2/${project}/pds/tags/list`)
  return [
    ...(await dockerLines('ps', '-a', '--filter', `name=${project}`, '--format', '{{.Names}}')),
    ...(await dockerLines('image', 'ls', '-a', '-q', image)),
    ...(tags.ok ? ['tags'] : []),
  ]
}

test.skipIf(!can && !required)('this machine can run the rig with Docker', () => {
  expect(why).toBe('')
})

describe.skipIf(!can && !required)('a rig with Docker', () => {
  let rig: RigHost

  beforeAll(async () => {
    rig = await startRig({ docker: { watchtower: true } })
  }, 180_000)

  afterAll(() => rig?.stop())

  test('has a PDS in a container, with accounts', async () => {
    expect(await health(rig)).toBe('200 0.5.34')
    expect(await inspect(rig, '.State.Status')).toBe('running')
    const { did } = await createAccount(rig, { handle: 'alice.test' })
    expect(did).toMatch(/^did:plc:/)
    const [seeded] = await seedAccounts(rig, 1)
    const repo = await fetch(`${rig.pdsUrl}/xrpc/com.atproto.sync.getRepoStatus?did=${seeded?.did}`)
    expect(await repo.json()).toMatchObject({ active: true, rev: expect.any(String) })
  })

  test('lets root alone speak to the engine, by plain docker', async () => {
    const { containerName, project } = dockerOf(rig)
    const list = "docker ps --format '{{.Names}}'"
    const names = (await overSsh(rig, `sudo -n sh -c "${list}"`)).split('\n')
    expect(names).toEqual(expect.arrayContaining([containerName, `watchtower-${project}`]))
    expect(await overSsh(rig, `sudo -n docker exec ${containerName} cat /pds/pds.env`)).toContain('PDS_PORT=')
    await expect(overSsh(rig, list)).rejects.toThrow(/permission denied/i)
  })

  test('logs JSON, and starts again with what pds.env says', async () => {
    expect(await docker('logs', dockerOf(rig).containerName)).toContain('"msg":"pds has started"')
    const envFile = join(rig.pdsDir, 'pds.env')
    const text = readFileSync(envFile, 'utf8')
    await rig.stopPds()
    expect(await health(rig)).toBe('none')
    writeFileSync(envFile, text.replace(/(PDS_ADMIN_PASSWORD)=.*/, '$1=another'))
    await rig.startPds()
    expect(await createInvite({ ...rig, adminPassword: 'another' })).toContain('localhost-')
    writeFileSync(envFile, text)
    await rig.restartPds()
    expect(await createInvite(rig)).toContain('localhost-')
  })

  test('can be given a newer image, and one that lies about its version', async () => {
    const { tags } = dockerOf(rig)
    await runTag(rig, tags.next)
    await becomes(rig, '200 0.5.35')
    await runTag(rig, tags.wrongVersion)
    await becomes(rig, '200 0.5.35')
    expect(await inspect(rig, 'index .Config.Labels "org.opencontainers.image.version"')).toBe('0.5.904')
  })

  test('can be given one that never starts', async () => {
    await runTag(rig, dockerOf(rig).tags.neverStarts)
    await expect
      .poll(() => inspect(rig, '.RestartCount').then(Number), { timeout: 10_000 })
      .toBeGreaterThan(1)
    expect(await inspect(rig, '.State.ExitCode')).toBe('1')
    expect(await health(rig)).toBe('none')
  })

  test('can be given one that dies after 5 s', async () => {
    await runTag(rig, dockerOf(rig).tags.diesAfter5s)
    await becomes(rig, '200 0.5.902')
    const healthy = Date.now()
    await expect.poll(() => health(rig), { timeout: 10_000, interval: 20 }).toBe('none')
    expect(Date.now() - healthy).toBeGreaterThan(3500)
  })

  test('can be given one that is not healthy', async () => {
    await runTag(rig, dockerOf(rig).tags.answers503)
    await becomes(rig, '503 0.5.903')
  })

  test('can be given one whose databases no older version takes', async () => {
    const { tags, containerName } = dockerOf(rig)
    await runTag(rig, tags.migratesThenFails)
    await becomes(rig, '503 0.5.905')
    await runTag(rig, tags.good)
    const logs = async () => {
      const { stdout, stderr } = await run('docker', [
        '-H',
        `unix://${dockerOf(rig).socket}`,
        'logs',
        containerName,
      ])
      return stdout + stderr
    }
    await expect.poll(logs, { timeout: 10_000 }).toContain('900-from-a-newer-version is missing')
    expect(await health(rig)).toBe('none')
  })
})

describe.skipIf(!can && !required)('rigs with Docker', () => {
  test('do not disturb each other, and leave nothing', async () => {
    const rigs = await Promise.all([
      startRig({ docker: { socketFor: 'operator' } }),
      startRig({ docker: {} }),
    ])
    const [one, other] = rigs
    try {
      expect(await overSsh(one, "docker ps --format '{{.Names}}'")).toContain(dockerOf(one).containerName)
      await pointTag(one, '0.4', dockerOf(one).tags.next)
      for (const rig of rigs) {
        const { composeFile } = dockerOf(rig)
        await overSsh(
          rig,
          `sudo -n sh -c 'docker compose -f ${composeFile} pull -q && docker compose -f ${composeFile} up -d' 2>&1`,
        )
      }
      await becomes(one, '200 0.5.35')
      await becomes(other, '200 0.5.34')
    } finally {
      const left = await Promise.allSettled(rigs.map((rig) => rig.stop().then(() => traces(rig))))
      expect(left.map((one) => (one.status === 'fulfilled' ? one.value : one.reason))).toEqual([[], []])
    }
  })

  test('end with their supervisor, however it ends', async () => {
    const rig = await startRig({ docker: {} })
    try {
      expect(await traces(rig)).not.toEqual([])
      process.kill(rig.supervisor, 'SIGKILL')
      await expect.poll(() => traces(rig), { timeout: 10_000 }).toEqual([])
    } finally {
      sweep(rig)
    }
  })
})

/** Takes away what only the supervisor would have. */
function sweep({ dir, ssh: { user } }: RigFacts): void {
  const pidFile = join(dir, 'sshd', 'sshd.pid')
  if (existsSync(pidFile)) process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL')
  rmSync(`/etc/sudoers.d/${user}`, { force: true })
  execFileSync('userdel', [user])
  rmSync(dir, { recursive: true, force: true })
}
