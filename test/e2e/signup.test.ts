import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canDocker } from '../../rig/docker/docker.ts'
import { type RigHost, startRig } from '../../rig/host.ts'
import { type Ran, row, run } from './cli.ts'

const required = process.env.KIMBIA_TEST_REQUIRE?.split(',').includes('docker')

describe.skipIf(!canDocker().can && !required)(
  'the door of a PDS in a container',
  { timeout: 120_000 },
  () => {
    let rig: RigHost
    let accounts = 0

    beforeAll(async () => {
      rig = await startRig({ docker: {}, rateLimits: false, inviteRequired: false })
    }, 300_000)
    afterAll(async () => rig?.stop(), 120_000)

    const signup = (...args: string[]): Promise<Ran> => run(rig, ['signup', ...args, '--json'])
    const setting = () =>
      /^PDS_INVITE_REQUIRED=(.*)$/m.exec(readFileSync(join(rig.pdsDir, 'pds.env'), 'utf8'))?.[1]
    /** What a bot gets to hear that comes without a code. */
    const walkIn = async (): Promise<{ status: number; error?: string }> => {
      const name = `bot${++accounts}`
      const response = await fetch(`${rig.pdsUrl}/xrpc/com.atproto.server.createAccount`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ handle: `${name}.test`, email: `${name}@example.com`, password: 'password1' }),
      })
      const { error } = (await response.json()) as { error?: string }
      return { status: response.status, ...(error !== undefined && { error }) }
    }

    test('is closed and opened again, as a bot sees it', async () => {
      expect(await walkIn()).toEqual({ status: 200 })
      expect(row(await signup('status'))).toEqual({
        open: true,
        inviteCodeRequired: false,
        setting: 'false',
        applied: true,
      })

      const closed = await signup('close', '--yes', '--reason', 'wave')
      expect(closed.code, closed.stderr).toBe(0)
      expect(row(closed)).toMatchObject({
        open: false,
        inviteCodeRequired: true,
        setting: 'true',
        changed: true,
      })
      expect(row<{ ms: number }>(closed).ms).toBeGreaterThan(row<{ outageMs: number }>(closed).outageMs)
      expect(await walkIn()).toEqual({ status: 400, error: 'InvalidInviteCode' })
      expect(setting()).toBe('true')

      const again = await signup('close')
      expect(again.code, again.stderr).toBe(0)
      expect(row(again)).toMatchObject({ changed: false })

      expect((await signup('open')).code).toBe(4)
      expect(await walkIn()).toMatchObject({ status: 400 })
      const opened = await signup('open', '--yes')
      expect(opened.code, opened.stderr).toBe(0)
      expect(await walkIn()).toEqual({ status: 200 })
    })

    test('is closed when the PDS is down', async () => {
      await rig.stopPds()
      const closed = await signup('close', '--yes')
      expect(closed.code, closed.stderr).toBe(0)
      expect(await walkIn()).toEqual({ status: 400, error: 'InvalidInviteCode' })
    })
  },
)
