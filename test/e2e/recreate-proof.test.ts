import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canDocker } from '../../rig/docker/docker.ts'
import { type RigHost, startRig } from '../../rig/host.ts'
import { before, containerOf } from '../support/docker-state.ts'
import { answers, compose, docker } from '../support/neighbour.ts'
import { problem, row, run } from './cli.ts'

const required = process.env.KIMBIA_TEST_REQUIRE?.split(',').includes('docker')

const tool = async (rig: RigHost, ...args: string[]) => await run(rig, [...args, '--json'])

async function createAccount(rig: RigHost): Promise<void> {
  const made = await tool(rig, 'account', 'create', 'alice@example.com', 'alice')
  expect(made.code, made.stderr).toBe(0)
}

const accounts = async (rig: RigHost): Promise<number> => {
  const answer = await fetch(`${rig.pdsUrl}/xrpc/com.atproto.sync.listRepos`)
  return ((await answer.json()) as { repos: unknown[] }).repos.length
}

describe.skipIf(!canDocker().can && !required)(
  'a recreate of a PDS that keeps its data within its container',
  () => {
    let rig: RigHost
    beforeAll(async () => {
      // The name is misspelt, and the databases lie where the process starts.
      rig = await startRig({ docker: {}, env: { PDS_DATA_DIRECTORY: '', PDS_DATADIR: '/pds' } })
      await createAccount(rig)
    }, 300_000)
    afterAll(async () => rig?.stop(), 120_000)

    test.each([
      ['env', 'set', 'LOG_LEVEL=info', '--yes'],
      ['env', 'set', 'PDS_DATA_DIRECTORY=/pds', '--yes', '--confirm', 'rig'],
      ['signup', 'open', '--yes'],
      ['signup', 'close', '--yes', '--force'],
      ['admin-password', 'rotate', '--store', 'stdout', '--yes'],
      ['restart', '--recreate', '--yes'],
      ['update', 'apply', '--to', '0.5.35', '--yes'],
      ['update', 'apply', '--to', '0.5.35', '--no-backup', '--yes'],
    ])('is refused: %s %s %s', async (...args) => {
      const was = await containerOf(rig, '{{.Id}}')
      const text = readFileSync(join(rig.pdsDir, 'pds.env'), 'utf8')
      const ran = await tool(rig, ...args)
      // Signups that are closed already need no new container.
      if (args[1] !== 'close')
        expect({ code: ran.code, why: problem(ran).code }).toEqual({ code: 1, why: 'data-not-kept' })
      expect(await containerOf(rig, '{{.Id}}')).toBe(was)
      expect(readFileSync(join(rig.pdsDir, 'pds.env'), 'utf8')).toBe(text)
      expect(await accounts(rig)).toBe(1)
    })

    test('is found by env check, and a plain restart loses nothing', async () => {
      const checked = await tool(rig, 'env', 'check')
      expect(checked.code).toBe(3)
      expect(row<{ findings: object[] }>(checked).findings).toContainEqual(
        expect.objectContaining({ key: 'PDS_DATA_DIRECTORY', severity: 'error' }),
      )
      const again = await tool(rig, 'restart', '--yes')
      expect(again.code, again.stderr).toBe(0)
      expect(await accounts(rig)).toBe(1)
    })
  },
)

describe.skipIf(!canDocker().can && !required)('what was exchanged while the container was made anew', () => {
  let rig: RigHost
  let file: string
  let elsewhere: string

  beforeAll(async () => {
    rig = await startRig({ docker: {}, rateLimits: false })
    await createAccount(rig)
    file = rig.docker?.composeFile ?? ''
    elsewhere = join(rig.dir, 'elsewhere')
    mkdirSync(join(elsewhere, 'blocks'), { recursive: true })
  }, 300_000)
  afterAll(async () => rig?.stop(), 120_000)

  let times = 0

  /** Has lines of sh carried out right before and after the first `up` of compose. */
  const around = (first: string, then: string): (() => void) =>
    before(
      rig,
      'docker',
      `case " $* " in *" up "*)
  if mkdir ${join(rig.dir, `up-${++times}`)} 2>/dev/null; then
    { ${first}
    } >&2
    "$0" "$@"
    rc=$?
    { ${then}
    } >&2
    exit "$rc"
  fi ;;
esac`,
    )
  const set = (settle = '1s') =>
    tool(rig, 'env', 'set', `PDS_SERVICE_NAME=n${times}`, '--settle', settle, '--yes')
  const steady = async () => ({
    text: readFileSync(join(rig.pdsDir, 'pds.env'), 'utf8'),
    compose: readFileSync(file, 'utf8'),
    mount: await containerOf(rig, '{{range .Mounts}}{{.Source}} {{end}}'),
    accounts: await accounts(rig),
  })

  const exchanges: [string, () => string[], string, () => string][] = [
    [
      'the mount of the databases',
      (): string[] => [
        `sed -i 's#source: .*#source: ${elsewhere}#' ${file}`,
        `sed -i 's#source: .*#source: ${rig.pdsDir}#' ${file}`,
      ],
      'other-data',
      () => elsewhere,
    ],
    [
      'the directory of the databases',
      (): string[] => [
        `sed -i 's#^    env_file:#    environment: { PDS_DATA_DIRECTORY: /tmp }\\n&#' ${file}`,
        `sed -i '/environment: { PDS_DATA/d' ${file}`,
      ],
      'other-data',
      () => 'PDS_DATA_DIRECTORY=/tmp',
    ],
    [
      'the name of the server',
      (): string[] => [
        `sed -i 's#^    env_file:#    environment: { PDS_HOSTNAME: evil.test }\\n&#' ${file}`,
        `sed -i '/environment: { PDS_HOSTNAME/d' ${file}`,
      ],
      'other-server',
      () => 'did:web:evil.test',
    ],
  ]
  test.each(exchanges)('%s: all is put back, and what differs is said', async (_, script, why, said) => {
    const was = await steady()
    const [first, then] = script() as [string, string]
    const undo = around(first, then)
    try {
      const ran = await set()
      expect({ code: ran.code, why: problem(ran).code }).toEqual({ code: 1, why })
      expect(problem(ran).message).toContain(said())
      expect(await steady()).toEqual(was)
    } finally {
      undo()
    }
  })

  test('the databases themselves: they are missed, and all is put back that can be', async () => {
    const was = await steady()
    const away = join(rig.dir, 'away')
    mkdirSync(away)
    const move = (from: string, to: string) => `mv ${from}/account.sqlite* ${to}/`
    const undo = around(
      `docker stop --time 2 ${rig.docker?.containerName}; ${move(rig.pdsDir, away)}`,
      // By then the empty PDS has made its own; the gate asks it before the way back moves them again.
      `( sleep 1.5; "$0" stop --time 1 ${rig.docker?.containerName}; rm -f ${rig.pdsDir}/account.sqlite*; ${move(away, rig.pdsDir)}; ) >/dev/null 2>&1 &`,
    )
    try {
      const ran = await set('3s')
      expect([1, 6]).toContain(ran.code)
      expect(ran.stderr).toMatch(/had accounts before, and has none now|does not stay up|was not healthy/)
    } finally {
      undo()
    }
    compose(rig, 'up', '--detach')
    await answers(rig.pdsPort)
    expect((await steady()).accounts).toBe(was.accounts)
  })

  test('the container itself: it is not taken for ours, and nothing of it is touched', async () => {
    const name = rig.docker?.containerName ?? ''
    const image = `${rig.docker?.image}:${rig.docker?.tags.good}`
    const by = `docker run --detach --name ${name} --network host --env-file ${rig.pdsDir}/pds.env --volume ${elsewhere}:/pds ${image}`
    const undo = around(':', `"$0" rm --force ${name}; "$0" ${by.replace('docker ', '')}`)
    try {
      const ran = await set()
      expect(ran.code).toBe(6)
      expect(ran.stderr).toContain('is not of the project')
      expect(docker('inspect', '--format', '{{range .Mounts}}{{.Source}}{{end}}', name)).toBe(elsewhere)
    } finally {
      undo()
      docker('rm', '--force', name)
      compose(rig, 'up', '--detach')
      await answers(rig.pdsPort)
    }
    expect(await tool(rig, 'recover', '--accept', '--yes')).toMatchObject({ code: 0 })
    expect(existsSync(join(rig.pdsDir, 'kimbia-ops/lock'))).toBe(false)
  })
})
