import { execFileSync } from 'node:child_process'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canDocker } from '../../rig/docker/docker.ts'
import { type RigHost, startRig } from '../../rig/host.ts'
import { type Changes, entryFor } from '../support/host-entry.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { problem, row, rows, run } from './cli.ts'

const { can, why } = canDocker()
if (!can && process.env.KIMBIA_TEST_REQUIRE?.split(',').includes('docker')) throw new Error(why)

describe.skipIf(!can)('a host that is not laid out as the installer does it', () => {
  let rig: RigHost
  let place: Scratch
  let byHand: string
  beforeAll(async () => {
    ;[rig, place] = await Promise.all([startRig({ docker: { watchtower: true } }), scratch()])
    byHand = `byhand-${rig.docker?.project}`
    const image = `${rig.docker?.registry}/${rig.docker?.project}/watchtower:1`
    docker('run', '--detach', '--name', byHand, '--network', 'none', '--stop-timeout', '0', image)
  }, 120_000)
  afterAll(async () => {
    try {
      docker('rm', '--force', byHand)
    } finally {
      await Promise.all([rig?.stop(), place?.[Symbol.asyncDispose]()])
    }
  })

  const docker = (...args: string[]): string =>
    execFileSync('docker', args, {
      env: { ...process.env, DOCKER_HOST: `unix://${rig.docker?.socket}` },
      stdio: 'pipe',
    }).toString()
  const tool = async (args: readonly string[], changes: Changes = {}) =>
    await run(rig, [...args, '--json'], { env: await entryFor(place, rig, changes) })

  test('a container that was run by hand: seen, restarted, and not made anew', async () => {
    const changes = { service: byHand }
    expect(rows(await tool(['ps'], changes))).toContainEqual(
      expect.objectContaining({ service: byHand, state: 'running' }),
    )
    expect(await tool(['logs'], changes)).toMatchObject({ code: 0 })
    expect(problem(await tool(['restart', '--recreate', '--yes'], changes)).code).toBe('not-by-compose')
    const before = docker('inspect', '--format', '{{.State.StartedAt}}', byHand)
    expect(row(await tool(['restart', '--yes'], changes))).toMatchObject({ container: byHand, changed: true })
    expect(docker('inspect', '--format', '{{.State.StartedAt}}', byHand)).not.toBe(before)
  }, 120_000)

  test('a compose file of another name, told by the config', async () => {
    const [usual, other] = [rig.docker?.composeFile ?? '', join(rig.pdsDir, 'stack.yml')]
    renameSync(usual, other)
    try {
      const plan = await tool(['restart', '--recreate', '--dry-run', '--verbose'], {
        compose_file: 'stack.yml',
      } as Changes)
      expect(plan.stdout).toContain(`--file ${other}`)
    } finally {
      renameSync(other, usual)
    }
  })
})

test('a host whose docker does not answer: its containers are out of reach, all else is not', async () => {
  await using rig = await startRig({ rateLimits: false })
  const silent = '#!/bin/sh\necho Cannot connect to the Docker daemon >&2\nexit 1\n'
  writeFileSync(join(rig.dir, 'bin', 'docker'), silent, { mode: 0o755 })
  for (const args of [['ps'], ['logs'], ['restart', '--yes']]) {
    const ran = await run(rig, [...args, '--json'], {})
    expect(ran.code).toBe(5)
    expect(problem(ran).code).toBe('no-engine')
  }
  expect(await run(rig, ['account', 'list', '--json'])).toMatchObject({ code: 0 })
  expect(await run(rig, ['health', '--json'])).toMatchObject({ code: 0 })
  const status = row(await run(rig, ['status', '--json']))
  expect(status).toMatchObject({
    version: expect.any(String),
    image: null,
    containers: null,
    signups: 'closed',
  })
}, 120_000)
