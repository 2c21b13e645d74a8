import { execFileSync } from 'node:child_process'
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { findSshd } from '../../rig/ssh/sshd.ts'
import { stands } from '../support/change-watch.ts'
import { dockerState } from '../support/docker-state.ts'
import { entryFor } from '../support/host-entry.ts'
import { withoutDocker, withoutRoot } from '../support/local-host.ts'
import { stateOf, takenDown, trailOf } from '../support/rig-state.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { sshdWith } from '../support/sshd-settings.ts'
import { ended, type Ran, row, run, start } from './cli.ts'
import { faultOf } from './fault.ts'

const good = (ran: Ran): Ran => {
  expect(ran.code, ran.stderr + ran.stdout).toBe(0)
  return ran
}

const withoutSshd = withoutRoot || findSshd() === undefined

describe.skipIf(withoutSshd)('what keeps a host from serving us is named', { timeout: 120_000 }, () => {
  let rig: RigHost
  const sudoers = () => `/etc/sudoers.d/${rig.ssh.user}-more`
  beforeAll(async () => {
    rig = await startRig({ rateLimits: false })
  }, 120_000)
  afterEach(() => rmSync(sudoers(), { force: true }))
  afterAll(() => rig?.stop())

  const tool = (...args: string[]) => run(rig, [...args, '--json'])
  const list = ['account', 'list'] as const

  describe('one session at a time (MaxSessions 1)', () => {
    test('is enough to look, and to change accounts', async () => {
      await using _ = await sshdWith(rig, ['MaxSessions 1'])
      const made = row<{ did: string }>(good(await tool('account', 'create', 'one@example.com', 'one')))
      good(await tool('account', 'takedown', 'one', '--yes'))
      expect(takenDown(rig)).toContain(made.did)
      expect(trailOf(rig)).toHaveLength(4)
      for (const command of ['status', 'health', 'trail', 'recover'])
        good(await tool(command, ...(command === 'recover' ? ['--yes'] : [])))
    })

    test('and none at all is told by its name', async () => {
      await using _ = await sshdWith(rig, ['MaxSessions 0'])
      const { message, hint } = faultOf(await tool(...list), 5, 'max-sessions')
      expect(message).toContain('opens no session for commands')
      expect(hint).toContain('MaxSessions')
    })
  })

  test.each([
    'AllowTcpForwarding no',
    'AllowTcpForwarding remote',
    'DisableForwarding yes',
    'PermitOpen none',
  ])('forwarding is forbidden (%s)', async (setting) => {
    await using _ = await sshdWith(rig, [setting])
    const { message, hint } = faultOf(await tool(...list), 5, 'tunnel-prohibited')
    expect(message).toContain(`opens no connection to its port ${rig.pdsPort}`)
    expect(hint).toContain(setting.split(' ')[0])
    expect(hint).toContain('sudo sshd -T')
  })

  test('forwarding is forbidden by the key (restrict)', async () => {
    const file = join(rig.dir, 'sshd/authorized_keys')
    const key = readFileSync(file, 'utf8')
    writeFileSync(file, `restrict ${key}`)
    try {
      expect(faultOf(await tool(...list), 5, 'tunnel-prohibited').hint).toContain('restrict')
      writeFileSync(file, `command="echo only this" ${key}`)
      const { message, hint } = faultOf(await tool(...list), 5, 'no-shell')
      expect(message).toContain('“only this”')
      expect(hint).toContain('command=')
    } finally {
      writeFileSync(file, key)
    }
  })

  test.each([
    ['internal-sftp', 'This service allows sftp connections only.'],
    ['/bin/true', 'nothing came back'],
    ['echo go away >&2; exit 4', 'go away'],
  ])('another command runs in the place of ours (ForceCommand %s)', async (command, said) => {
    await using _ = await sshdWith(rig, [`ForceCommand ${command}`])
    const { message, hint } = faultOf(await tool(...list), 5, 'no-shell')
    expect(message).toContain(said)
    expect(hint).toContain('ForceCommand')
  })

  test('no subsystem is needed, nor a terminal', async () => {
    await using _ = await sshdWith(rig, ['PermitTTY no'], /^Subsystem/)
    good(await tool(...list))
    expect((await tool('invite', 'create')).code).toBe(0)
  })

  test('sudo wants a terminal (requiretty)', async () => {
    writeFileSync(sudoers(), `Defaults:${rig.ssh.user} requiretty\n`, { mode: 0o440 })
    const before = stateOf(rig)
    for (const args of [[...list], ['takedown', 'one', '--yes'].toSpliced(0, 0, 'account')]) {
      const { message, hint } = faultOf(await tool(...args), 5, 'sudo-requiretty')
      expect(message).toContain('must have a tty')
      expect(hint).toContain(`Defaults:${rig.ssh.user} !requiretty`)
    }
    expect(stateOf(rig)).toEqual(before)
  })

  describe('no answer comes', () => {
    const fifo = () => join(rig.pdsDir, 'kimbia-ops/admin-password.json')
    const hang = (): Disposable => {
      mkdirSync(join(rig.pdsDir, 'kimbia-ops'), { recursive: true, mode: 0o700 })
      execFileSync('mkfifo', [fifo()])
      return {
        [Symbol.dispose]() {
          // Lets go of whoever still reads it.
          closeSync(openSync(fifo(), 'r+'))
          rmSync(fifo())
        },
      }
    }

    test.each([['admin-password', 'status'], ['status'], ['health']])(
      '--timeout ends it: %s',
      async (...words) => {
        using _ = hang()
        const began = performance.now()
        const ran = await tool(...words, '--timeout', '2s')
        expect(performance.now() - began).toBeLessThan(12_000)
        if (words[0] !== 'admin-password') return
        expect(faultOf(ran, 5, 'timeout').message).toContain('--timeout 2s')
      },
    )

    test.each([['admin-password', 'status'], ['status'], ['health']])(
      'the first Ctrl-C ends it: %s',
      async (...words) => {
        using _ = hang()
        const child = start(rig, [...words, '--json'])
        const ran = ended(child)
        await new Promise((resolve) => setTimeout(resolve, 2500))
        child.kill('SIGINT')
        const began = performance.now()
        expect((await ran).code).toBe(130)
        expect(performance.now() - began).toBeLessThan(8000)
      },
    )
  })
})

describe.skipIf(withoutSshd || withoutDocker)(
  'what keeps docker from serving us',
  { timeout: 120_000 },
  () => {
    let rig: RigHost
    let place: Scratch
    const docker = () => join(rig.dir, 'bin/docker')
    let usual = ''
    beforeAll(async () => {
      ;[rig, place] = await Promise.all([startRig({ docker: {}, rateLimits: false }), scratch()])
      usual = readFileSync(docker(), 'utf8')
    }, 240_000)
    afterEach(() => {
      writeFileSync(docker(), usual, { mode: 0o755 })
      chmodSync(rig.pdsDir, 0o700)
      chmodSync(join(rig.pdsDir, 'pds.env'), 0o600)
    })
    afterAll(async () => {
      await Promise.all([rig?.stop(), place?.[Symbol.asyncDispose]()])
    }, 120_000)

    test('a user who may not use it: docker’s own words, those of sudo, and the group', async () => {
      chmodSync(rig.pdsDir, 0o755)
      chmodSync(join(rig.pdsDir, 'pds.env'), 0o644)
      writeFileSync(
        docker(),
        usual.replace(
          '#!/bin/sh\n',
          `#!/bin/sh\n[ "$(id -u)" != 0 ] || { echo not by sudo either >&2; exit 1; }\n`,
        ),
        { mode: 0o755 },
      )
      const env = await entryFor(place, rig, { sudo: 'never' })
      for (const words of [['ps'], ['logs'], ['restart', '--yes'], ['update', 'check']]) {
        const { message, hint } = faultOf(await run(rig, [...words, '--json'], { env }), 5, 'no-engine')
        expect(message).toMatch(/docker on \S+ does not answer: .*permission denied/)
        expect(message).toContain('by sudo: not by sudo either')
        expect(hint).toContain(`usermod -aG docker ${rig.ssh.user}`)
      }
      const status = row<{ attention: { problem: string }[] }>(await run(rig, ['status', '--json'], { env }))
      expect(JSON.stringify(status.attention)).toContain('permission denied')
    })

    test.each([
      ['tcp://127.0.0.1:1', 'Cannot connect to the Docker daemon at tcp://127.0.0.1:1'],
      ['unix:///nowhere/docker.sock', 'Cannot connect to the Docker daemon at unix:///nowhere/docker.sock'],
    ])('a context that leads nowhere: %s', async (endpoint, said) => {
      const home = join(rig.dir, 'docker-config')
      const own = { env: { ...process.env, DOCKER_HOST: '', DOCKER_CONFIG: home } }
      rmSync(home, { recursive: true, force: true })
      execFileSync('docker', ['context', 'create', 'elsewhere', '--docker', `host=${endpoint}`], own)
      execFileSync('docker', ['context', 'use', 'elsewhere'], own)
      const wrapper = `#!/bin/sh\nDOCKER_CONFIG=${home}\nexport DOCKER_CONFIG\nexec /usr/bin/docker "$@"\n`
      writeFileSync(docker(), wrapper, { mode: 0o755 })
      const { message, hint } = faultOf(await run(rig, ['ps', '--json']), 5, 'no-engine')
      expect(message).toContain(said)
      expect(hint).toContain('context “elsewhere”')
      expect(hint).toContain('docker context use default')
    })

    test('an engine that never answers: told within the half minute, and so is one that is not there', async () => {
      writeFileSync(docker(), '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 })
      expect(faultOf(await run(rig, ['ps', '--json']), 5, 'no-engine').message).toContain(
        'nothing came within',
      )
      writeFileSync(
        docker(),
        `#!/bin/sh\nDOCKER_HOST=unix://${rig.dir}/none.sock\nexport DOCKER_HOST\nexec /usr/bin/docker "$@"\n`,
        {
          mode: 0o755,
        },
      )
      const { message } = faultOf(await run(rig, ['ps', '--json']), 5, 'no-engine')
      expect(message).toContain('Cannot connect to the Docker daemon')
    })

    test('one session at a time is too little to change the host: told at once, and nothing is done', async () => {
      await using _ = await sshdWith(rig, ['MaxSessions 1'])
      const before = await dockerState(rig)
      good(await run(rig, ['status', '--json']))
      const began = performance.now()
      const ran = await run(rig, ['env', 'set', 'PDS_SERVICE_NAME=never', '--yes', '--json'])
      expect(faultOf(ran, 5, 'max-sessions').hint).toContain('MaxSessions')
      expect(performance.now() - began).toBeLessThan(10_000)
      expect(await dockerState(rig)).toEqual(before)
      expect(stands(rig)).toBe(false)
    })
  },
)
