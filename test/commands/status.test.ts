import { expect, test } from 'vitest'
import { rotated, rotatedAt } from '../support/rotated.ts'
import { engineAnswer } from '../support/scripted-engine.ts'
import { scriptedHost } from '../support/scripted-host.ts'
import { scriptedPds } from '../support/scripted-pds.ts'
import { nothing, rowsOf, scriptedWorld } from '../support/world.ts'

const df = (used: number) => `Filesystem 1024-blocks Used Available Capacity Mounted on
/dev/sda1 100000 ${used * 1000} ${(100 - used) * 1000} ${used}% /
/dev/sda1 100000 ${used * 1000} ${(100 - used) * 1000} ${used}% /var/lib/docker
kimbia-ops:databases
 1000 /pds/account.sqlite
 24 /pds/account.sqlite-wal
 1024 total
kimbia-ops:end
`
const hostWith = (used = 40) =>
  rotated(scriptedHost())
    .on('# look at the containers', engineAnswer([{}, { service: 'caddy', id: 'c' }]))
    .on('# look at the disks', df(used))
    .on('config --images', 'ghcr.io/bluesky-social/pds:0.4\n')
const health = { status: 200, contentType: 'application/json', body: Buffer.from('{"version":"0.5.34"}') }
const pdsWith = (parts: object = {}) =>
  scriptedPds({ hostname: 'pds.test', raw: { _health: health }, ...parts })
const look = async (world: Parameters<typeof scriptedWorld>[0]) => {
  const ran = await scriptedWorld(world).run('status', '--json')
  return {
    ran,
    row: rowsOf(ran)[0] as Record<string, unknown> & { attention: { problem: string; next: string }[] },
  }
}

test('a well host: all of it, and nothing that needs attention', async () => {
  const accounts = [
    { handle: 'a.test' },
    { handle: 'b.test', status: 'takendown' },
    { handle: 'c.test', status: 'deactivated' },
  ]
  const { ran, row } = await look({ host: hostWith(), pds: pdsWith({ accounts, inviteRequired: true }) })
  expect(row).toMatchObject({
    host: 'kimbia',
    hostname: 'pds.test',
    version: '0.5.34',
    image: 'ghcr.io/bluesky-social/pds:0.4',
    pinned: false,
    signups: 'closed',
    accounts: { total: 3, active: 1, takendown: 1, deactivated: 1, suspended: 0, other: 0 },
    databases: 1024,
    passwordAge: Date.parse('2026-11-22T18:00:00.000Z') - Date.parse(rotatedAt),
    drift: [],
    change: null,
    containers: [{ service: 'pds' }, { service: 'caddy' }],
    disks: [{ mount: '/', size: 102_400_000, free: 61_440_000, usedPercent: 40 }],
    attention: [],
  })
  expect(ran).toMatchObject({ code: 0, ...nothing })
})

test('what needs attention, the most urgent first', async () => {
  const env = ['PDS_HOSTNAME=pds.test', 'PDS_ADMIN_PASSWORD=0ld-one']
  const host = hostWith(95)
    .on('# read the record', 'none\n')
    .on(
      '# look at the containers',
      engineAnswer([{ env, state: 'restarting', restarts: 9, exitCode: 1 }], ['/pds/compose.yaml'], {
        texts: {
          '/pds/compose.yaml':
            'services: {pds: {image: "ghcr.io/bluesky-social/pds:0.4.5034", env_file: /pds/pds.env}}',
        },
      }),
    )
    .on('config --images', 'ghcr.io/bluesky-social/pds:0.4.5034\n')
  const accounts = Array.from({ length: 25 }, (_, i) => ({
    handle: `bot${i}.test`,
    createdAt: '2026-11-22T17:00:00.000Z',
  }))
  const { ran, row } = await look({ host, pds: pdsWith({ accounts, inviteRequired: false }) })
  expect(row.attention.map(({ problem }) => problem)).toEqual([
    'pds is restarting (exit code 1); docker has started it again 9 times',
    'signups are open, and 25 accounts were made in 24 hours',
    'the disk at / is 95 % full; 5.1 MB are free',
    'pds.env was changed, and the running PDS does not have it: PDS_ADMIN_PASSWORD',
    'the PDS runs ghcr.io/bluesky-social/pds:0.4, and the compose file names ghcr.io/bluesky-social/pds:0.4.5034',
    'nobody knows how old the admin password is: there is no record of a rotation',
  ])
  expect(row.attention[4]?.next).toBe('kimbia-ops update apply')
  expect(row.newAccounts24h).toBe(25)
  expect(ran.stdout + ran.stderr).not.toMatch(/0ld-one|admin-password(?! rotate)/)
  expect(ran.code).toBe(0)
})

test('each part may fail alone', async () => {
  const host = hostWith().on('# look at the containers', 'kimbia-ops:no-docker\n')
  const { ran, row } = await look({ host, pds: pdsWith({ accounts: [{ handle: 'a.test' }] }) })
  expect(row).toMatchObject({ containers: null, image: null, drift: null, accounts: { total: 1 } })
  expect(row.attention).toEqual([
    { problem: expect.stringContaining('has no docker'), next: expect.any(String) },
  ])
  expect(ran.code).toBe(0)
})
