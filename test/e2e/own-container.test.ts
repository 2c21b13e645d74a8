import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canDocker } from '../../rig/docker/docker.ts'
import { type RigHost, startRig } from '../../rig/host.ts'
import { freePort } from '../../rig/process/ports.ts'
import { before } from '../support/docker-state.ts'
import { type Changes, entryFor } from '../support/host-entry.ts'
import {
  answers,
  compose,
  docker,
  down,
  layNeighbour,
  type Neighbour,
  stateOfContainer,
  up,
} from '../support/neighbour.ts'
import { sql } from '../support/rig-state.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { problem, row, rows, run } from './cli.ts'

const required = process.env.KIMBIA_TEST_REQUIRE?.split(',').includes('docker')

const changing: readonly (readonly string[])[] = [
  ['restart', '--yes'],
  ['restart', '--recreate', '--yes'],
  ['signup', 'open', '--yes'],
  ['signup', 'close', '--yes'],
  ['env', 'set', 'PDS_INVITE_INTERVAL=604800000', '--yes'],
  ['env', 'unset', 'LOG_ENABLED', '--yes'],
  ['update', 'apply', '--yes'],
  ['update', 'apply', '--to', '0.5.35', '--no-backup', '--yes'],
  ['update', 'rollback', '--yes'],
]

describe.skipIf(!canDocker().can && !required)('a host with the PDS of somebody else', () => {
  let rig: RigHost
  let place: Scratch
  let other: Neighbour

  beforeAll(async () => {
    ;[rig, place] = await Promise.all([startRig({ docker: {}, rateLimits: false }), scratch()])
    await createAccount()
    other = layNeighbour(rig, 'other', { port: rig.pdsPort })
  }, 300_000)
  afterAll(async () => {
    await rig?.stop()
    await place?.[Symbol.asyncDispose]()
  }, 120_000)

  const createAccount = async (): Promise<void> => {
    const { code } = row<{ code: string }>(await run(rig, ['invite', 'create', '--json']))
    const response = await fetch(`${rig.pdsUrl}/xrpc/com.atproto.server.createAccount`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        handle: 'alice.test',
        email: 'alice@example.com',
        password: 'password1',
        inviteCode: code,
      }),
    })
    expect(response.status).toBe(200)
  }
  const pdsEnv = () => readFileSync(join(rig.pdsDir, 'pds.env'), 'utf8')
  const tool = async (args: readonly string[], changes: Changes = {}) =>
    await run(rig, [...args, '--json'], { env: await entryFor(place, rig, changes) })

  describe('while ours has no container', () => {
    beforeAll(async () => {
      compose(rig, 'down', '--timeout', '1')
      await up(other)
    }, 120_000)
    afterAll(async () => {
      down(other)
      compose(rig, 'up', '--detach')
      await answers(rig.pdsPort)
    }, 120_000)

    test.each([
      ['our own compose file', undefined],
      ['no compose file', 'compose.yaml.away'],
    ])(
      'no command takes the other one for ours: %s',
      async (_, away) => {
        const file = rig.docker?.composeFile ?? ''
        const before = [pdsEnv(), stateOfContainer(other.container), readFileSync(join(other.dir, 'pds.env'))]
        if (away) renameSync(file, join(rig.pdsDir, away))
        try {
          for (const args of changing) {
            const ran = await tool(args)
            expect({ args, code: ran.code, why: problem(ran).code }).toEqual({
              args,
              code: 5,
              why: 'no-container',
            })
            expect(problem(ran).message).toContain(`project “${other.project}” in ${other.dir}`)
            expect(problem(ran).hint).toContain('project:')
          }
          const status = row<{ attention: { problem: string }[] }>(await tool(['status']))
          expect(status).toMatchObject({ image: null, version: null, accounts: null, signups: null })
          expect(JSON.stringify(status.attention)).toContain(other.container)
        } finally {
          if (away) renameSync(join(rig.pdsDir, away), file)
        }
        const after = [pdsEnv(), stateOfContainer(other.container), readFileSync(join(other.dir, 'pds.env'))]
        expect(after).toEqual(before)
        expect(existsSync(join(rig.pdsDir, 'kimbia-ops/lock'))).toBe(false)
        expect(existsSync(join(other.dir, 'kimbia-ops'))).toBe(false)
      },
      120_000,
    )

    test('the other one is asked for nothing, though it answers on our port', async () => {
      for (const args of [
        ['account', 'list'],
        ['invite', 'create'],
        ['signup', 'status'],
        ['update', 'check'],
      ]) {
        const ran = await tool(args)
        expect({ args, code: ran.code, why: problem(ran).code }).toEqual({
          args,
          code: 5,
          why: 'no-container',
        })
      }
      expect(await tool(['health'])).toMatchObject({ code: 3 })
    }, 120_000)

    test('it is chosen by its directory', async () => {
      const chosen = await tool(['signup', 'status'], { dir: other.dir, port: undefined })
      expect(row(chosen)).toMatchObject({ applied: true })
      expect(rows(await tool(['ps'], { dir: other.dir }))).toMatchObject([{ name: other.container }])
    })
  })

  describe('while ours is stopped', () => {
    beforeAll(async () => {
      compose(rig, 'stop', '--timeout', '1')
      await up(other)
    }, 120_000)
    afterAll(async () => {
      down(other)
      compose(rig, 'start')
      await answers(rig.pdsPort)
    }, 120_000)

    test('the other one is asked for nothing, though it answers on our port', async () => {
      const ran = await tool(['account', 'list'])
      expect(ran.code).toBe(5)
      expect(problem(ran).code).toBe('pds-not-running')
      expect(problem(ran).message).toContain(`the container pds-${rig.docker?.project}`)
    })
  })

  test('the project is that of the compose file that the config names, relative paths and all', async () => {
    const project = rig.docker?.project ?? ''
    const file = join(rig.dir, 'docker-compose.yml')
    writeFileSync(
      file,
      `services:
  pds:
    image: ${rig.docker?.image}:${rig.docker?.tags.good}
    network_mode: host
    volumes: [ "./pds:/pds" ]
    env_file: ${join(rig.pdsDir, 'pds.env')}
`,
    )
    compose(rig, 'down', '--timeout', '1')
    // The engine has the containers of other rigs too, each of which would be the PDS of somebody else.
    const heal = before(
      rig,
      'docker',
      `case "$1 $2" in 'ps --all') set -- "$@" --filter name=${project} ;; esac`,
    )
    try {
      const set = ['env', 'set', 'PDS_SERVICE_NAME=moved', '--settle', '1s', '--yes']
      const ran = await tool(set, { compose_file: '../docker-compose.yml' })
      expect(ran.code, ran.stderr).toBe(0)
      const [id, ...more] = docker(
        'ps',
        '--quiet',
        '--filter',
        `label=com.docker.compose.project=${project}`,
      ).split('\n')
      expect(more).toEqual([])
      expect(docker('inspect', '--format', '{{range .Mounts}}{{.Source}} {{end}}', id ?? '')).toBe(rig.pdsDir)
      expect(existsSync(join(rig.pdsDir, 'pds'))).toBe(false)
      const repos = await (await fetch(`${rig.pdsUrl}/xrpc/com.atproto.sync.listRepos`)).json()
      expect((repos as { repos: unknown[] }).repos).toHaveLength(
        Number(sql(rig, 'select count(*) from actor')),
      )
    } finally {
      heal()
      docker('compose', '--project-directory', rig.dir, '--file', file, 'down', '--timeout', '1')
      renameSync(file, `${file}.away`)
      compose(rig, 'up', '--detach')
      await answers(rig.pdsPort)
    }
  }, 120_000)

  test('the port is that of the container, and never one that it has not', async () => {
    const [inside, outside] = [rig.pdsPort, await freePort()]
    const bridged = layNeighbour(rig, 'bridged', {
      port: inside,
      network: `    ports: [ "127.0.0.1:${outside}:${inside}" ]\n    environment: { RIG_LISTEN: 0.0.0.0 }\n`,
      settings: { PDS_INVITE_REQUIRED: 'false' },
    })
    docker('compose', '--project-directory', bridged.dir, 'up', '--detach')
    try {
      await answers(outside)
      const to = { dir: bridged.dir, port: undefined }
      // Ours, on the same port of the host, wants an invite code.
      expect(row(await tool(['signup', 'status'], to))).toMatchObject({ open: true, applied: true })
      expect(row(await tool(['status'], to))).toMatchObject({ accounts: { total: 0 }, signups: 'open' })
      const wrong = await tool(['account', 'list'], { ...to, port: inside })
      expect({ code: wrong.code, why: problem(wrong).code }).toEqual({ code: 5, why: 'port-of-another' })
      expect(problem(wrong).hint).toContain(`port: ${outside}`)
      const ours = stateOfContainer(`pds-${rig.docker?.project}`)
      const closed = await tool(['signup', 'close', '--yes'], to)
      expect(closed.code, closed.stderr).toBe(0)
      expect(stateOfContainer(`pds-${rig.docker?.project}`)).toBe(ours)
      const said = await fetch(`http://127.0.0.1:${outside}/xrpc/com.atproto.server.describeServer`)
      expect(await said.json()).toMatchObject({ inviteCodeRequired: true, did: 'did:web:bridged.test' })
    } finally {
      docker('compose', '--project-directory', bridged.dir, 'down', '--timeout', '1')
    }
  }, 120_000)
})
