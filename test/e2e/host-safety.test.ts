import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { docker, dockerLines } from '../../rig/docker/docker.ts'
import { type RigHost, startRig } from '../../rig/host.ts'
import { commands } from '../../src/commands/index.ts'
import { withoutDocker } from '../support/local-host.ts'
import { problem, rows, run } from './cli.ts'

/** Each procedure that changes the host, the arguments that would have it do so, and a step without which it would not be that. */
const procedures: Record<string, [args: () => string[], last: RegExp]> = {
  'signup open': [() => [], /PDS_INVITE_REQUIRED|inviteCodeRequired/],
  'signup close': [() => [], /PDS_INVITE_REQUIRED|inviteCodeRequired/],
  restart: [() => [], /^wait until the PDS on port \d+/],
  'update apply': [() => ['--to', '0.5.34'], /^wait until the PDS on port \d+.*0\.5\.34/],
  'update pin': [() => ['0.5.34'], /config --images .*:0\.4\.5034/],
  'update unpin': [() => ['--tag', '0.4'], /config --images .*:0\.4$/],
  'update rollback': [() => [], /^wait until the PDS on port \d+/],
  'env set': [() => ['PDS_INVITE_INTERVAL=604800000'], /^wait until the PDS on port \d+/],
  'env unset': [() => ['PDS_CRAWLERS'], /^wait until the PDS on port \d+/],
  'admin-password rotate': [
    () => ['--store', `file:${join(rig.dir, 'client', 'password')}`],
    /^put the admin password of pds\.env into file:.* as the current/,
  ],
}

/** What needs a host that was left in the middle, which has tests of its own. */
const others = ['recover']

let rig: RigHost

describe.skipIf(withoutDocker)('a procedure that changes the host', () => {
  beforeAll(async () => {
    rig = await startRig({ docker: { tag: '0.4.5034' } })
    const args = ['--to', '0.5.35', '--yes', '--settle', '1s', '--no-backup']
    expect(await run(rig, ['update', 'apply', ...args])).toMatchObject({ code: 0 })
  }, 180_000)
  afterAll(() => rig?.stop())

  /** All that there is: the files with their bytes and times, the images and the containers. Nothing of it may change. */
  const everything = async () => ({
    files: execFileSync(
      'sh',
      [
        '-c',
        'find . -type f -newermt 1970-01-02 ! -name "*.sqlite*" -printf "%p %T@ %m %s\\n" | sort; cat pds.env compose.yaml',
      ],
      {
        cwd: rig.pdsDir,
        encoding: 'utf8',
      },
    ),
    config: execFileSync('find', [join(rig.dir, 'client'), '-type', 'f', '-printf', '%p %T@\n'], {
      encoding: 'utf8',
    }),
    images: (
      await dockerLines(
        'images',
        '--no-trunc',
        '--format',
        '{{.Repository}}:{{.Tag}} {{.ID}}',
        rig.docker?.image ?? '',
      )
    ).sort(),
    container: await docker(
      'inspect',
      '--format',
      '{{.Id}} {{.State.StartedAt}} {{.RestartCount}}',
      rig.docker?.containerName ?? '',
    ),
  })

  test('is in this list', () => {
    const names = commands
      .filter((it) => it.kind === 'procedure' && ['host', 'pending change'].includes(it.on))
      .map(({ name }) => name)
    expect([...Object.keys(procedures), ...others].sort()).toEqual(names.toSorted())
  })

  test.each(Object.entries(procedures))(
    '%s: a dry run shows the exact steps, and writes nothing anywhere; without a person it is declined',
    async (name, [args, last]) => {
      const closing = name === 'signup close'
      if (closing) await openByHand()
      const words = [...name.split(' '), ...args()]
      // Node keeps what it compiles of a command the first time.
      await run(rig, [...words, '--json'], { stdin: 'closed' })
      const before = await everything()
      const [shown, json, declined] = await Promise.all([
        run(rig, [...words, '--dry-run'], { stdin: 'closed' }),
        run(rig, [...words, '--dry-run', '--json', '--yes']),
        run(rig, [...words, '--json'], { stdin: 'closed' }),
      ])
      expect(shown).toMatchObject({ code: 0 })
      expect(shown.stdout).toContain('nothing was changed')
      expect(json.code).toBe(0)
      const [plan] = rows(json) as {
        dryRun: boolean
        changed: boolean
        steps: { does: string; why: string }[]
      }[]
      expect(plan).toMatchObject({ dryRun: true, changed: true })
      expect(plan?.steps.map(({ does }) => does)).toContainEqual(expect.stringMatching(last))
      for (const step of plan?.steps ?? []) expect(step.why).toMatch(/^[A-Z].*[^.]$/)
      expect(declined).toMatchObject({ code: 4, stdout: '' })
      expect(problem(declined).hint).toMatch(/--yes|--confirm/)
      expect(JSON.stringify([shown, json, declined])).not.toContain(rig.adminPassword)
      expect(await everything()).toEqual(before)
    },
  )

  test('names the exit code of a host that is busy in its help', async () => {
    for (const name of Object.keys(procedures))
      expect((await run(rig, [...name.split(' '), '--help'])).stdout).toContain('7 busy')
  })

  /** Opens the door as an editor and compose would. */
  async function openByHand(): Promise<void> {
    const file = join(rig.pdsDir, 'pds.env')
    const text = execFileSync('cat', [file], { encoding: 'utf8' })
    writeFileSync(file, text.replace('PDS_INVITE_REQUIRED=true', 'PDS_INVITE_REQUIRED=false'))
    await rig.restartPds()
  }
})
