import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { docker } from '../../rig/docker/docker.ts'
import type { RigHost } from '../../rig/host.ts'
import { keptOn, quiet, reached, stands, until } from '../support/change-watch.ts'
import { lastOutcome, recovered, stepsOf, updatedRig, yes } from '../support/cut-changes.ts'
import { containerOf, type DockerState, dockerState, before as wrap } from '../support/docker-state.ts'
import { held } from '../support/held-program.ts'
import { byPort, entryFor } from '../support/host-entry.ts'
import { withoutDocker } from '../support/local-host.ts'
import { relayTo } from '../support/relay.ts'
import { scratch } from '../support/scratch.ts'
import { ended, problem, type Ran, run, start } from './cli.ts'

const pull = "*' pull '*"
const up = "*' up '*"

describe.skipIf(withoutDocker)('faults of a host while it is changed', { timeout: 120_000 }, () => {
  let rig: RigHost
  let before: DockerState
  let heal: (() => void) | undefined

  beforeAll(async () => {
    rig = await updatedRig()
    await onSmallDisk()
  }, 300_000)
  afterAll(async () => {
    if (rig) execFileSync('umount', ['-l', rig.pdsDir])
    await rig?.stop()
  }, 120_000)
  beforeEach(async () => {
    before = await dockerState(rig)
  })
  afterEach(async () => {
    heal?.()
    heal = undefined
    rmSync(filler(), { force: true })
    await quiet(rig)
    if (stands(rig)) await yes(rig, 'recover', '--undo')
  })

  const apply = (): string[] => {
    const to = before.version === '0.5.34' ? '0.5.35' : '0.5.34'
    return ['update', 'apply', '--to', to, '--settle', '1s', '--yes', '--json']
  }
  const set = (name: string, settle = '1s'): string[] => [
    'env',
    'set',
    `PDS_SERVICE_NAME=${name}`,
    '--settle',
    settle,
    '--yes',
    '--json',
  ]
  const since = (): Promise<string> => containerOf(rig, '{{.Id}} {{.State.StartedAt}}')
  const failsWith = (ran: Ran, exit: number, code: string): string => {
    expect([ran.code, problem(ran).code], ran.stderr).toEqual([exit, code])
    return problem(ran).message
  }

  /** Has all that the PDS keeps on a disk of its own, which can be filled up. */
  async function onSmallDisk(): Promise<void> {
    await rig.stopPds()
    const aside = `${rig.pdsDir}-aside`
    execFileSync('cp', ['-a', rig.pdsDir, aside])
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m,mode=700', 'kimbia-test', rig.pdsDir])
    execFileSync('cp', ['-a', `${aside}/.`, rig.pdsDir])
    rmSync(aside, { recursive: true })
    await rig.startPds()
  }
  const filler = (): string => join(rig.pdsDir, 'filler')
  /** But for so many bytes. */
  const fillUp = (left = 0): void => {
    execFileSync('sh', ['-c', 'cat /dev/zero >"$1" 2>/dev/null; :', 'sh', filler()])
    truncateSync(filler(), statSync(filler()).size - left)
  }

  describe('the link is cut', () => {
    test.each([
      ['during the pull', pull, apply],
      ['during the recreate', up, () => set('cut')],
    ] as const)('%s: the host goes on alone, and recover closes it', async (_, pattern, args) => {
      await using place = await scratch()
      await using wire = await relayTo(rig.ssh.port)
      const env = await entryFor(place, rig, await byPort(place, rig, wire.port))
      using docking = held(rig, 'docker', pattern)
      const child = start(rig, args(), { env })
      const ran = ended(child)
      await docking.reached()
      wire.cut()
      const lost = await ran
      failsWith(lost, 5, 'link-lost')
      expect(problem(lost).hint).toContain('the host goes on by itself')
      expect(problem(lost).hint).toContain('kimbia-ops recover')
      docking.letGo()
      await quiet(rig)
      const now = await dockerState(rig)
      expect(now).not.toEqual(before)
      expect(await recovered(rig, 'after the cut')).toEqual(now)
    })
  })

  describe('the disk is full', () => {
    test('at the beginning: nothing is begun', async () => {
      const unchanged = await since()
      fillUp()
      const ran = await run(rig, set('full'))
      expect(ran.code, ran.stderr).toBe(1)
      expect(problem(ran).message).toContain('No space left on device')
      expect(stands(rig)).toBe(false)
      expect([await dockerState(rig), await since()]).toEqual([before, unchanged])
    })

    test('at the pull: docker says so, and nothing is changed', async () => {
      const unchanged = await since()
      heal = wrap(
        rig,
        'docker',
        `case " $* " in ${pull}) echo 'failed to register layer: write /x: no space left on device' >&2; exit 1 ;; esac`,
      )
      const message = failsWith(await run(rig, apply()), 1, 'exit-code')
      expect(message).toContain('no space left on device')
      expect(message).toContain('everything is as it was before')
      expect([await dockerState(rig), await since()]).toEqual([before, unchanged])
    })

    test('wholly, while it is pulled: that is told, though docker could not say it', async () => {
      const unchanged = await since()
      using docking = held(rig, 'docker', pull)
      const ran = ended(start(rig, apply()))
      await docking.reached()
      fillUp()
      docking.letGo()
      const message = failsWith(await ran, 1, 'exit-code')
      expect(message).toMatch(/the disk of \S+\/kimbia-ops is full/)
      expect(message).toContain('everything is as it was before')
      expect([await dockerState(rig), await since()]).toEqual([before, unchanged])
    })

    test('at the copy of the databases: no half of a copy is left', async () => {
      const unchanged = await since()
      const copies = () => execFileSync('ls', [keptOn(rig, 'databases')], { encoding: 'utf8' })
      const had = copies()
      using docking = held(rig, 'sqlite3', "*'VACUUM INTO'*")
      const ran = ended(start(rig, apply()))
      await docking.reached()
      fillUp(64 * 1024)
      docking.letGo()
      const message = failsWith(await ran, 1, 'exit-code')
      expect(message).toMatch(/Copy the databases.*full/s)
      expect(message).toContain('everything is as it was before')
      expect([await dockerState(rig), await since(), copies()]).toEqual([before, unchanged, had])
    })

    test('at the writing of pds.env: it is as it was', async () => {
      const unchanged = await since()
      const file = join(rig.pdsDir, 'pds.env')
      const text = readFileSync(file, 'utf8')
      using docking = held(rig, 'sync', "*'/change/journal '*")
      const ran = ended(start(rig, set('full')))
      await docking.reached()
      fillUp(4096)
      docking.letGo()
      const message = failsWith(await ran, 1, 'not-written')
      expect(message).toContain('No space left on device')
      expect(message).toContain('everything is as it was before')
      expect(readFileSync(file, 'utf8')).toBe(text)
      expect([await dockerState(rig), await since()]).toEqual([before, unchanged])
    })
  })

  test('a compose.yaml that was made invalid by hand: pds.env is put back, the container untouched', async () => {
    const unchanged = await since()
    const composeFile = rig.docker?.composeFile ?? ''
    const kept = readFileSync(composeFile, 'utf8')
    heal = () => writeFileSync(composeFile, kept)
    appendFileSync(composeFile, '    no_such_key: 1\n')
    const ran = await run(rig, set('invalid'))
    expect(ran.code, ran.stderr).toBe(1)
    expect(problem(ran).message).toContain('no_such_key')
    heal()
    expect([await dockerState(rig), await since()]).toEqual([before, unchanged])
    expect(stands(rig)).toBe(false)
  })

  test('a foreign container takes the name meanwhile: told, and the old one serves once it is gone', async () => {
    const name = rig.docker?.containerName ?? ''
    const image = await containerOf(rig, '{{.Image}}')
    using docking = held(rig, 'docker', up)
    const ran = ended(start(rig, [...apply(), '--no-backup', '--wait', '20s']))
    await docking.reached()
    await docker('rename', name, `${name}-aside`)
    const foreign = await docker('create', '--name', name, image, 'true')
    docking.letGo()
    const told = await ran
    await docker('rm', '-f', foreign)
    expect([1, 6], told.stderr).toContain(told.code)
    expect(problem(told).message).toContain('already in use')
    if (told.code === 6) {
      expect(problem(told).message).toContain('NOT undone: ')
      expect(problem(told).hint).toContain('kimbia-ops recover')
      await recovered(rig, 'after the conflict')
    }
    expect(await dockerState(rig)).toEqual(before)
    await rig.startPds()
  })

  test('two operators at once: one wins, the other is told by whom it is held', async () => {
    using docking = held(rig, 'docker', up)
    const first = ended(start(rig, set('winner')))
    await docking.reached()
    const second = await run(rig, set('loser'))
    expect([second.code, problem(second).code], second.stderr).toEqual([7, 'locked'])
    expect(problem(second).message).toMatch(/\S+@\S+.*env set/s)
    docking.letGo()
    expect((await first).code).toBe(0)
    expect((await dockerState(rig)).name).toBe('winner')
  })

  test('a lock without a change, whose holder is dead: broken by the right name alone', async () => {
    const operator = { user: 'rosa', machine: 'laptop', ssh: 'rosa@pds.test' }
    const lock = {
      token: '999999.1.gone',
      id: 'x',
      operator,
      command: 'env set',
      time: '2026-11-22T08:00:00Z',
    }
    mkdirSync(keptOn(rig, ''), { recursive: true })
    writeFileSync(keptOn(rig, 'lock'), `${JSON.stringify(lock)}\n`)
    const refused = await run(rig, set('locked'))
    expect(refused.code, refused.stderr).toBe(7)
    expect(problem(refused).hint).toContain('kimbia-ops recover --break-lock rosa@laptop')
    const wrong = await yes(rig, 'recover', '--break-lock', 'rosa@phone')
    expect(wrong.code, wrong.stderr).toBe(7)
    expect(stands(rig)).toBe(true)
    expect(await recovered(rig, 'the lock', '--break-lock', 'rosa@laptop')).toEqual(before)
  })

  test('the container is recreated by another hand while it settles: told, and the old one runs again', async () => {
    const [name, file] = [rig.docker?.containerName ?? '', rig.docker?.composeFile ?? '']
    const last = await stepsOf(rig, set('mine', '8s'))
    const child = start(rig, set('mine', '8s'))
    const ran = ended(child)
    await reached(rig, `begin ${last - 1}`, child)
    while (!(await fetch(`${rig.pdsUrl}/xrpc/_health`).catch(() => undefined))?.ok);
    await docker('rm', '-f', name)
    await docker('compose', '--project-directory', rig.pdsDir, '--file', file, 'up', '--detach', 'pds')
    const message = failsWith(await ran, 1, 'replaced')
    expect(message).toContain(`the container ${name} was replaced by another one meanwhile`)
    expect(await dockerState(rig)).toEqual(before)
  })

  describe('Ctrl-C', () => {
    test('once during the pull: it stops, and all is as it was', async () => {
      const unchanged = await since()
      using docking = held(rig, 'docker', pull)
      const child = start(rig, apply())
      const ran = ended(child)
      await docking.reached()
      child.kill('SIGINT')
      const stopped = await ran
      failsWith(stopped, 130, 'interrupted')
      expect(problem(stopped).message).toContain('everything is as it was before')
      expect(stands(rig)).toBe(false)
      expect([await dockerState(rig), await since()]).toEqual([before, unchanged])
    })

    test('once during the recreate: the step is finished, then all is undone', async () => {
      using docking = held(rig, 'docker', up)
      const child = start(rig, set('stopped'))
      const ran = ended(child)
      await docking.reached()
      child.kill('SIGINT')
      await until(() => existsSync(keptOn(rig, 'change/stop')), 'the wish to stop')
      docking.letGo()
      failsWith(await ran, 130, 'interrupted')
      expect(await dockerState(rig)).toEqual(before)
      expect(stands(rig)).toBe(false)
      expect(lastOutcome(rig, 'env set')).toBe('interrupted')
    })

    test('twice: the tool ends at once, and the host finishes or undoes alone', async () => {
      using docking = held(rig, 'docker', up)
      const child = start(rig, set('twice'))
      const ran = ended(child)
      await docking.reached()
      child.kill('SIGINT')
      await new Promise((resolve) => setTimeout(resolve, 50))
      child.kill('SIGINT')
      expect((await ran).code).toBe(130)
      docking.letGo()
      await quiet(rig)
      const now = await dockerState(rig)
      expect(await recovered(rig, 'twice')).toEqual(now)
      expect([before.name, 'twice']).toContain(now.name)
      expect(lastOutcome(rig, 'env set')).toBe(now.name === 'twice' ? 'ok' : 'interrupted')
    })
  })

  describe('docker does not answer', () => {
    const silent = 'Cannot connect to the Docker daemon at unix:///run/docker.sock.'

    test('once, at the recreate: it is undone', async () => {
      const once = join(rig.dir, 'once')
      writeFileSync(once, '')
      heal = wrap(
        rig,
        'docker',
        `case " $* " in ${up}) if [ -e ${once} ]; then rm -f ${once}; echo '${silent}' >&2; exit 1; fi ;; esac`,
      )
      const message = failsWith(await run(rig, set('once')), 1, 'exit-code')
      expect(message).toContain(silent)
      expect(message).toContain('everything is as it was before')
      expect(await dockerState(rig)).toEqual(before)
    })

    test('from the recreate on: what is not undone is told, and recover does it once docker answers again', async () => {
      using docking = held(rig, 'docker', up)
      const child = start(rig, set('silent'))
      const ending = ended(child)
      await docking.reached()
      heal = wrap(rig, 'docker', `case " $* " in ${up}) echo '${silent}' >&2; exit 1 ;; esac`)
      child.kill('SIGINT')
      await until(() => existsSync(keptOn(rig, 'change/stop')), 'the wish to stop')
      docking.letGo()
      const ran = await ending
      const message = failsWith(ran, 6, 'interrupted')
      expect(message).toContain('NOT undone: ')
      expect(message).toContain(silent)
      expect(problem(ran).hint).toContain('kimbia-ops recover')
      heal()
      expect(await recovered(rig, 'docker answers again')).toEqual(before)
    })
  })
})
