import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { RigHost } from '../../rig/host.ts'
import { crash, journalOf, quiet, reached, stands, until } from '../support/change-watch.ts'
import {
  atEachStep,
  cutCommands,
  lastOutcome,
  recovered,
  stepsOf,
  updatedRig,
  yes,
} from '../support/cut-changes.ts'
import { dockerState } from '../support/docker-state.ts'
import { withoutDocker } from '../support/local-host.ts'
import { trailOf } from '../support/rig-state.ts'
import { problem, row, start } from './cli.ts'

describe.skipIf(withoutDocker)('the tool is killed', { timeout: 240_000 }, () => {
  let rig: RigHost

  beforeAll(async () => {
    rig = await updatedRig()
  }, 300_000)
  // One that has failed must not keep the host from those that follow.
  afterEach(async () => {
    await quiet(rig)
    if (stands(rig)) await yes(rig, 'recover')
  })
  afterAll(async () => rig?.stop(), 120_000)

  test.each(Object.keys(cutCommands))('at every step of %s: the host finishes it', async (command) => {
    await atEachStep(rig, command, async ({ args, after, before }, index) => {
      const at = `${command}, step ${index}`
      const child = start(rig, [...args, '--yes', '--json'])
      await reached(rig, `begin ${index}`, child)
      await crash(child)
      await quiet(rig)
      expect([journalOf(rig).at(-1), lastOutcome(rig, command)], at).toEqual(['end done', undefined])
      const now = await recovered(rig, at)
      expect(now, at).toEqual({ ...before, ...after, reference: now.reference })
      expect(lastOutcome(rig, command), at).toBe('ok')
      return now
    })
  })

  test('before the first step: all is as it was, once it is told so', async () => {
    const before = await dockerState(rig)
    const told = trailOf(rig).length
    const child = start(rig, ['env', 'set', 'PDS_SERVICE_NAME=never', '--yes', '--json'])
    await until(() => trailOf(rig).length > told, 'the intent')
    await crash(child)
    await quiet(rig)
    expect(await recovered(rig, 'before the first step', '--undo')).toEqual(before)
  })

  test('while the host goes on: recover follows it to its end, or says how far it is', async () => {
    const args = ['env', 'set', 'PDS_SERVICE_NAME=slow', '--settle', '8s']
    const last = await stepsOf(rig, args)
    const child = start(rig, [...args, '--yes', '--json'])
    await reached(rig, `begin ${last - 1}`, child)
    await crash(child)
    const late = await yes(rig, 'env', 'set', 'PDS_SERVICE_NAME=late', '--wait-lock', '1s')
    expect([late.code, problem(late).code], late.stderr).toEqual([7, 'locked'])
    const ran = await yes(rig, 'recover', '--no-wait')
    expect([ran.code, problem(ran).code], ran.stderr).toEqual([7, 'locked'])
    expect(problem(ran).message).toMatch(/the host carries out a change:.*\n\d\. Wait until .*: under way$/s)
    const followed = await yes(rig, 'recover')
    expect(followed.code, followed.stderr).toBe(0)
    expect(followed.stderr).toMatch(/waiting for it.*\d\. Wait until .*: done/s)
    expect(row(followed)).toMatchObject({ state: 'closed' })
    expect(stands(rig)).toBe(false)
    expect((await dockerState(rig)).name).toBe('slow')
    expect(lastOutcome(rig, 'env set')).toBe('ok')
  })

  test('two who wait for a third: one after the other, and nothing is lost', async () => {
    const first = start(rig, ['env', 'set', 'PDS_SERVICE_NAME=one', '--settle', '4s', '--yes', '--json'])
    await reached(rig, 'begin 3', first)
    const names = ['PDS_SERVICE_NAME=second', 'PDS_CONTACT_EMAIL_ADDRESS=third@kimbia.test']
    const others = names.map((setting) =>
      yes(rig, 'env', 'set', setting, '--settle', '1s', '--wait-lock', '2m'),
    )
    const ran = await Promise.all(others)
    for (const { code, stderr } of ran)
      expect([code, stderr]).toEqual([0, expect.stringMatching(/waiting for “env set” of /)])
    expect((await dockerState(rig)).name).toBe('second')
    const file = readFileSync(join(rig.pdsDir, 'pds.env'), 'utf8')
    for (const line of names) expect(file).toContain(line)
  })

  test('a change that was over is put away by the next one, with its outcome', async () => {
    const child = start(rig, ['env', 'set', 'PDS_SERVICE_NAME=over', '--settle', '1s', '--yes', '--json'])
    await reached(rig, 'begin 3', child)
    await crash(child)
    await quiet(rig)
    expect(journalOf(rig).at(-1)).toBe('end done')
    const ran = await yes(rig, 'env', 'set', 'PDS_SERVICE_NAME=after', '--settle', '1s')
    expect(ran.code, ran.stderr).toBe(0)
    expect(row(ran)).toMatchObject({ changed: true })
    expect((await dockerState(rig)).name).toBe('after')
    const sets = trailOf(rig).filter(({ command, event }) => command === 'env set' && event === 'intent')
    const outcomes = trailOf(rig).filter(({ event }) => event === 'outcome')
    for (const { id } of sets.slice(-2))
      expect(outcomes.filter((line) => line.id === id).map(({ outcome }) => outcome)).toEqual(['ok'])
    expect(stands(rig)).toBe(false)
  })
})
