import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { seedAccounts } from '../../rig/pds/seed.ts'
import { trailOf } from '../support/rig-state.ts'
import { rows, run } from './cli.ts'

let rig: RigHost

/** Sets what the host's own `date` says beside the time of this machine. */
const setClock = (minutes: number): void =>
  writeFileSync(join(rig.dir, 'bin/date'), `#!/bin/sh\nexec /bin/date -d '${minutes} minutes' "$@"\n`, {
    mode: 0o755,
  })

beforeAll(async () => {
  rig = await startRig({ rateLimits: false })
})
afterAll(() => rig.stop())

test.each([
  [10, '10 min behind'],
  [-10, '10 min ahead of'],
])(
  'the trail goes by the clock of the host, %i minutes from ours, and we are told',
  async (minutes, words) => {
    setClock(minutes)
    const [account] = await seedAccounts(rig, 1, { prefix: minutes > 0 ? 'behind' : 'ahead' })
    const before = Date.now()
    const ran = await run(rig, ['account', 'takedown', account?.did ?? '', '--yes', '--json'])
    expect(ran.code, ran.stderr).toBe(0)
    expect(ran.stderr).toContain(`the clock of this machine is ${words} that of the host`)
    const [line] = trailOf(rig).slice(-1) as unknown as [{ time: string }]
    expect(Math.abs(Date.parse(line.time) - before - minutes * 60_000)).toBeLessThan(20_000)
    const lately = rows(await run(rig, ['trail', '--since', '5m', '--json']))
    expect(lately.map(({ did }) => did)).toContain(account?.did)
  },
)

test('a clock that is right is no matter', async () => {
  setClock(0)
  const [account] = await seedAccounts(rig, 1, { prefix: 'right' })
  const ran = await run(rig, ['account', 'takedown', account?.did ?? '', '--yes', '--json'])
  expect(ran.code).toBe(0)
  expect(ran.stderr).not.toContain('clock')
})
