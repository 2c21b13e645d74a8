import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { docker } from '../../rig/docker/docker.ts'
import { type RigHost, startRig } from '../../rig/host.ts'
import { crash, powerCut, reached, stands } from '../support/change-watch.ts'
import { lastOutcome, recovered, yes } from '../support/cut-changes.ts'
import { containerOf, dockerState } from '../support/docker-state.ts'
import { withoutDocker } from '../support/local-host.ts'
import { problem, start } from './cli.ts'

describe.skipIf(withoutDocker)('a container that writes beside pds.env', { timeout: 240_000 }, () => {
  let rig: RigHost

  beforeAll(async () => {
    rig = await startRig({ docker: {}, rateLimits: false, env: { PDS_SERVICE_NAME: 'first' } })
  }, 300_000)
  afterAll(async () => rig?.stop(), 120_000)

  /** A file that only root of the host could make, and a program that makes it. */
  const proof = (): string => join(rig.dir, 'run-as-root')
  const program = (): string => `#!/bin/sh\nid -u >${proof()}\nprintf 'end done\\n' >>"$c/journal"\n`

  /** Runs a line as root of the container. */
  const inside = async (line: string): Promise<string> =>
    docker('exec', await containerOf(rig, '{{.Id}}'), 'sh', '-c', line)

  async function cutAt(step: number, name: string): Promise<void> {
    const child = start(rig, ['env', 'set', `PDS_SERVICE_NAME=${name}`, '--settle', '1s', '--yes'])
    await reached(rig, `begin ${step}`, child)
    await powerCut(rig)
    await crash(child)
  }

  test('changes nothing of a change that was cut off: recover runs what the operator had sent', async () => {
    await cutAt(1, 'second')
    const there = '[ -d change ] || { rm -f change && mkdir change; }'
    const text = program().replaceAll("'", `'\\''`)
    await inside(`cd /pds/kimbia-ops && { ${there}; } && printf %s '${text}' >change/run.sh`)
    expect(await recovered(rig, 'with another program there')).toMatchObject({ name: 'second' })
    expect(lastOutcome(rig, 'env set')).toBe('ok')
    expect(existsSync(proof())).toBe(false)
  })

  test('cannot have a change of its own run by --yes; --accept puts it away', async () => {
    const before = await dockerState(rig)
    const plan = {
      id: 'theirs',
      operator: { user: 'ana', machine: 'laptop', ssh: 'ops' },
      command: 'env set',
      time: '2026-11-22T08:00:00.000Z',
      title: 'change settings',
      subject: 'localhost',
      version: '0.1.0',
      steps: [{ kind: 'shell', why: 'Do it', does: ':', by: 'host' }],
      after: [],
      before: [],
    }
    const dir = join(rig.pdsDir, 'kimbia-ops/change')
    mkdirSync(dir)
    for (const [name, text] of [
      ['plan.json', `${JSON.stringify(plan)}\n`],
      ['id', 'theirs\n'],
      ['journal', 'begin 0\n'],
      ['run.sh', program()],
    ] as const)
      writeFileSync(join(dir, name), text)
    const refused = await yes(rig, 'recover')
    expect([refused.code, problem(refused).code], refused.stderr).toEqual([4, 'confirm-missing'])
    expect(problem(refused).message).toContain('whose program is not verified')
    expect((await yes(rig, 'env', 'set', 'PDS_SERVICE_NAME=third')).code).toBe(7)
    expect(existsSync(proof())).toBe(false)
    expect(await recovered(rig, 'their own', '--accept')).toEqual(before)
    expect(existsSync(proof())).toBe(false)
    expect(stands(rig)).toBe(false)
  })

  test('leads root to no other file by what docker logs of it', async () => {
    const target = join(rig.dir, 'elsewhere')
    writeFileSync(target, 'as it was\n')
    await cutAt(2, 'fourth')
    await inside(
      `rm -rf /pds/kimbia-ops/change && mkdir /pds/kimbia-ops/change && cd /pds/kimbia-ops/change &&
       for one in journal step-0.log step-1.log step-2.log step-3.log step-4.log runner stop runner.log; do ln -s ${target} $one; done`,
    )
    expect(await recovered(rig, 'with links', '--undo')).toMatchObject({ name: 'second' })
    expect(readFileSync(target, 'utf8')).toBe('as it was\n')
  })

  test('can replace the whole directory by a link, which is refused by its name', async () => {
    const target = join(rig.dir, 'elsewhere-dir')
    mkdirSync(target)
    await inside(`mv /pds/kimbia-ops /pds/aside && ln -s ${target} /pds/kimbia-ops`)
    const ran = await yes(rig, 'env', 'set', 'PDS_SERVICE_NAME=fifth')
    expect(ran.code, ran.stderr).toBe(1)
    expect(problem(ran).message).toContain('symbolic link')
    await inside('rm /pds/kimbia-ops && mv /pds/aside /pds/kimbia-ops')
    expect((await dockerState(rig)).name).toBe('second')
  })
})
