import { expect, test } from 'vitest'
import { engineAnswer, type ScriptedContainer } from '../support/scripted-engine.ts'
import { scriptedHost } from '../support/scripted-host.ts'
import { errorOf, nothing, scriptedWorld } from '../support/world.ts'

const hostWith = (container: ScriptedContainer = {}, files = ['/pds/compose.yaml']) =>
  scriptedHost()
    .on('# look at the containers', engineAnswer([container], files))
    .on(/^docker image inspect/, '["PDS_PORT=3000"]')
    .on('config --images', 'ghcr.io/bluesky-social/pds:0.4\n')
    .on('# what change stands there', 'kimbia-ops:standing\nkimbia-ops:end\n')
const dry = async (host: ReturnType<typeof hostWith>, ...args: string[]) =>
  await scriptedWorld({ host }).run('restart', '--dry-run', '--verbose', ...args)

test.each([
  ['by compose', {}],
  ['by hand', { service: null }],
])('by docker itself, which no compose is needed for: made %s', async (_, container) => {
  const ran = await dry(hostWith(container))
  expect(ran.stdout).toContain('docker restart pds')
  expect(ran.stdout).not.toContain('docker compose')
  expect(ran.stdout).toContain('stays up for 3 s')
  expect(ran).toMatchObject({ code: 0, ...nothing })
})

test('made anew by compose alone', async () => {
  expect((await dry(hostWith(), '--recreate')).stdout).toMatch(/up --detach .*--force-recreate pds/)
  const ran = await dry(hostWith({ service: null }, []), '--recreate', '--json')
  expect(ran.code).toBe(5)
  expect(errorOf(ran)).toMatchObject({ code: 'no-compose-file' })
})

test('names what a restart does not take up, and no value of it', async () => {
  const env = [
    'PDS_HOSTNAME=pds.test',
    'PDS_ADMIN_PASSWORD=0ld-one',
    'PDS_OLD=gone',
    'PDS_PORT=3000',
    'PATH=/bin',
  ]
  const ran = await scriptedWorld({ host: hostWith({ env }) }).run('restart')
  expect(ran.stderr).toContain(
    'pds.env has changed since the container was made: PDS_ADMIN_PASSWORD, PDS_OLD.',
  )
  expect(ran.stderr).not.toMatch(/0ld-one|admin-password|gone/)
  expect(ran).toMatchObject({ code: 4, ...nothing })
})

test('a host without its container is told so', async () => {
  const host = hostWith().on('# look at the containers', engineAnswer([]))
  const ran = await dry(host, '--json')
  expect(ran.code).toBe(5)
  expect(errorOf(ran)).toMatchObject({ code: 'no-container' })
})
