import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { canDocker, docker } from '../../rig/docker/docker.ts'
import { type RigHost, startRig } from '../../rig/host.ts'
import { problem, row, rows, run, start } from './cli.ts'

const { can, why } = canDocker()
if (!can && process.env.KIMBIA_TEST_REQUIRE?.split(',').includes('docker')) throw new Error(why)

describe.skipIf(!can)('the log of a PDS in a container', () => {
  let rig: RigHost
  beforeAll(async () => {
    rig = await startRig({ docker: { watchtower: true }, rateLimits: false })
  }, 120_000)
  afterAll(async () => await rig?.stop())

  const followers = () =>
    execFileSync('ps', ['-eo', 'args'])
      .toString()
      .match(/docker logs .*--follow/g) ?? []

  test('is readable, and holds no token', async () => {
    await fetch(`${rig.pdsUrl}/xrpc/com.atproto.server.getSession`, {
      headers: { authorization: 'Bearer eyJhbGciOiJIUzI1NiJ9.bm90LWpzb24.c2lnbmVk', cookie: 'device=s3cret' },
    })
    const text = await run(rig, ['logs', '--since', '10m'])
    expect(text.stdout).toMatch(/\tinfo\tpds\tstarted\n/)
    expect(text.stdout).toMatch(/GET \/xrpc\/com.atproto.server.getSession 40\d/)
    const json = await run(rig, ['logs', '--json', '--grep', 'getSession'])
    expect(rows(json).length).toBeGreaterThan(0)
    expect(json.stdout).not.toMatch(/eyJ|s3cret/)
  })

  test('a container without a log is an error, not a line of it', async () => {
    const name = `${rig.docker?.containerName}-mute`
    const image = await docker('inspect', '--format', '{{.Image}}', rig.docker?.containerName ?? '')
    await docker(
      'run',
      '--detach',
      '--log-driver',
      'none',
      '--name',
      name,
      '--network',
      'none',
      image,
      'sleep',
      '60',
    )
    try {
      const ran = await run(rig, ['logs', name, '--json'])
      expect(ran).toMatchObject({ code: 5, stdout: '' })
      expect(problem(ran)).toMatchObject({ code: 'no-log', hint: expect.stringContaining('“logging:”') })
      expect(problem(ran).message).toContain('does not support reading')
    } finally {
      await docker('rm', '--force', '--volumes', name)
    }
  })

  test('ps and status see the containers', async () => {
    expect(rows(await run(rig, ['ps', '--json']))).toMatchObject([
      { service: 'pds', state: 'running', name: rig.docker?.containerName },
      { service: 'watchtower', state: 'running' },
    ])
    const status = row(await run(rig, ['status', '--json']))
    expect(status).toMatchObject({
      ...{ signups: 'closed', drift: [], pinned: false },
      // Nobody has rotated the password of this host yet; that is all.
      attention: [{ next: 'kimbia-ops admin-password rotate' }],
    })
    expect((status.databases as number) > 0).toBe(true)
  })

  test('a restart is proven, and followed; nothing of it is left on the host', async () => {
    const child = start(rig, ['logs', '--follow', '--tail', '1'])
    let [out, err] = ['', '']
    child.stdout?.on('data', (chunk) => (out += chunk))
    child.stderr?.on('data', (chunk) => (err += chunk))
    await vi.waitFor(() => expect(out).not.toBe(''), 20_000)
    const restarted = await run(rig, ['restart', '--yes', '--json'])
    expect(row(restarted)).toMatchObject({ service: 'pds', changed: true, version: expect.any(String) })
    await vi.waitFor(() => {
      expect(err).toContain('has started again')
      expect(out).toMatch(/started/)
    }, 20_000)
    child.kill('SIGINT')
    expect((await once(child, 'close'))[0]).toBe(0)
    await vi.waitFor(() => expect(followers()).toEqual([]), 10_000)
  }, 90_000)
})
