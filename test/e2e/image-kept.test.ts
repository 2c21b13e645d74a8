import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { docker } from '../../rig/docker/docker.ts'
import type { DockerFacts } from '../../rig/docker/docker-host.ts'
import { type RigHost, startRig } from '../../rig/host.ts'
import { withoutDocker } from '../support/local-host.ts'
import { problem, type Ran, row, run } from './cli.ts'

/** Each test goes on from where the one before it left the host. */
describe.skipIf(withoutDocker)('the image that runs is kept', { timeout: 120_000 }, () => {
  let rig: RigHost
  let facts: DockerFacts

  beforeAll(async () => {
    rig = await startRig({ docker: {}, rateLimits: false, inviteRequired: false })
    facts = rig.docker as DockerFacts
  }, 300_000)
  afterAll(async () => rig?.stop(), 120_000)

  const tool = (...args: string[]): Promise<Ran> => run(rig, [...args, '--yes', '--json'])
  const container = (format: string): Promise<string> =>
    docker('inspect', '--format', format, facts.containerName)

  test('when its tag is gone, names another image, or a pin to another waits', async () => {
    const [running, id] = [await container('{{.Image}}'), await container('{{.Id}}')]
    const tag = `${facts.image}:0.4`
    await docker('tag', running, `${facts.image}:aside`)
    await docker('image', 'rm', '--force', tag)
    const set = await tool('env', 'set', 'LOG_LEVEL=warn', '--settle', '1s')
    expect(set.code, set.stderr).toBe(0)
    expect(await container('{{.Image}}')).toBe(running)
    expect(await container('{{.Id}}')).not.toBe(id)

    const pinned = await tool('update', 'pin')
    expect(pinned.code, pinned.stderr).toBe(0)
    const again = await tool('env', 'set', 'LOG_LEVEL=info', '--settle', '1s')
    expect(again.code, again.stderr).toBe(0)

    const waiting = await tool('update', 'pin', '0.5.35')
    expect(waiting.code, waiting.stderr).toBe(0)
    const refused = await tool('env', 'set', 'LOG_LEVEL=warn', '--settle', '1s')
    expect([refused.code, problem(refused).code], refused.stderr).toEqual([1, 'image-differs'])

    const closed = await tool('signup', 'close')
    expect(closed.code, closed.stderr).toBe(0)
    expect(row(closed)).toMatchObject({ open: false, inviteCodeRequired: true })
    expect(await container('{{.Image}}')).toBe(running)
    expect(readFileSync(facts.composeFile, 'utf8')).not.toContain(facts.tags.next)
    expect(readFileSync(join(rig.pdsDir, 'pds.env'), 'utf8')).toContain('PDS_INVITE_REQUIRED=true')
  })
})
