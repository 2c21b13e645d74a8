import { expect, test } from 'vitest'
import { engineAnswer } from '../support/scripted-engine.ts'
import { scriptedHost } from '../support/scripted-host.ts'
import { errorOf, nothing, rowsOf, scriptedWorld } from '../support/world.ts'

test('shows the containers of the project, also those that do not run', async () => {
  const host = scriptedHost().on(
    '# look at the containers',
    engineAnswer([
      { state: 'restarting', restarts: 7, exitCode: 1 },
      { service: 'caddy', id: 'a' },
      { service: 'watchtower', id: 'w', state: 'created', startedAt: '0001-01-01T00:00:00Z' },
      { service: null, name: 'other', id: 'o' },
    ]),
  )
  const ran = await scriptedWorld({ host }).run('ps', '--json')
  expect(
    rowsOf(ran).map(({ service, state, restarts, exitCode }) => [service, state, restarts, exitCode]),
  ).toEqual([
    ['caddy', 'running', 0, null],
    ['pds', 'restarting', 7, 1],
    ['watchtower', 'created', 0, 0],
  ])
  expect(rowsOf(ran)[2]?.startedAt).toBeNull()
  expect(ran).toMatchObject({ code: 0, ...nothing })
})

test('one that was run without compose stands alone', async () => {
  const host = scriptedHost().on(
    '# look at the containers',
    engineAnswer([{ service: null }, { service: null, name: 'db', id: 'd' }], []),
  )
  expect(rowsOf(await scriptedWorld({ host }).run('ps', '--json'))).toMatchObject([
    { service: 'pds', name: 'pds' },
  ])
})

test('a host without docker is told, with what works without', async () => {
  const host = scriptedHost().on('# look at the containers', 'kimbia-ops:no-docker\n')
  const ran = await scriptedWorld({ host }).run('ps', '--json')
  expect(ran.code).toBe(5)
  expect(errorOf(ran)).toMatchObject({ code: 'no-docker', hint: expect.stringContaining('accounts') })
})
