import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RigHost } from '../../rig/host.ts'
import { crash, journalOf, powerCut, reached } from '../support/change-watch.ts'
import { atEachStep, type Cut, lastOutcome, recovered, updatedRig, yes } from '../support/cut-changes.ts'
import { withoutDocker } from '../support/local-host.ts'
import { problem, row, start } from './cli.ts'

/** A way back has the steps of a way there, but for one: that one, and the one after which all is different. */
const chosen: Readonly<Record<string, readonly number[] | undefined>> = {
  'update apply': undefined,
  'env set': undefined,
  'update rollback': [1, 5],
}

describe.skipIf(withoutDocker)('the power of the host is cut', { timeout: 240_000 }, () => {
  let rig: RigHost

  beforeAll(async () => {
    rig = await updatedRig()
  }, 300_000)
  afterAll(async () => rig?.stop(), 120_000)

  test.each(Object.keys(chosen))('at the steps of %s: recover finishes it', async (command) => {
    const each = async (cut: Cut, index: number) => {
      const at = await cutPower(cut, index)
      const now = await recovered(rig, at)
      expect(now, at).toEqual({ ...cut.before, ...cut.after, reference: now.reference })
      expect(lastOutcome(rig, command), at).toBe('ok')
      return now
    }
    await atEachStep(rig, command, each, chosen[command])
  })

  test.each(Object.keys(chosen))('at the steps of %s: recover --undo undoes it', async (command) => {
    const each = async (cut: Cut, index: number) => {
      const at = await cutPower(cut, index)
      expect(await recovered(rig, at, '--undo'), at).toEqual(cut.before)
      expect(lastOutcome(rig, command), at).toBe('failed')
      return cut.before
    }
    await atEachStep(rig, command, each, chosen[command])
  })

  /** Lets a change come to a step and ends all that works on it; what comes next is refused, and told of it. */
  async function cutPower({ command, args }: Cut, index: number): Promise<string> {
    const at = `${command}, step ${index}`
    const child = start(rig, [...args, '--yes', '--json'])
    await reached(rig, `begin ${index}`, child)
    await powerCut(rig)
    await crash(child)
    expect(
      journalOf(rig).some((line) => line.startsWith('end ')),
      at,
    ).toBe(false)
    const refused = await yes(rig, 'env', 'set', 'PDS_SERVICE_NAME=another')
    expect([refused.code, problem(refused).hint], `${at}: ${refused.stderr}`).toEqual([
      7,
      expect.stringContaining('kimbia-ops recover'),
    ])
    return at
  }

  test('in the middle of undoing: recover goes on undoing', async () => {
    const each = async (cut: Cut) => {
      const at = await cutPower(cut, 3)
      const child = start(rig, ['recover', '--undo', '--yes', '--json'])
      await reached(rig, 'undo 0', child)
      await powerCut(rig)
      await crash(child)
      const looked = row(await yes(rig, 'recover', '--dry-run'))
      expect(looked).toMatchObject({ steps: [{ why: expect.stringContaining('Undo “') }] })
      expect(await recovered(rig, at), at).toEqual(cut.before)
      expect(lastOutcome(rig, 'env set')).toBe('failed')
      return cut.before
    }
    await atEachStep(rig, 'env set', each, [3])
  })

  test('status tells of it', async () => {
    const each = async (cut: Cut) => {
      const at = await cutPower(cut, 1)
      const ran = await yes(rig, 'status')
      expect(row(ran)).toMatchObject({ change: expect.anything() })
      expect(JSON.stringify(row(ran))).toContain('kimbia-ops recover')
      return await recovered(rig, at, '--undo')
    }
    await atEachStep(rig, 'env set', each, [1])
  })
})
