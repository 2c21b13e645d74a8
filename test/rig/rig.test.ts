import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { type RigFacts, startRig } from '../../rig/host.ts'
import { createAccount } from '../../rig/pds/accounts.ts'

const run = promisify(execFile)
const asRoot = process.getuid?.() === 0
const overSsh = async (rig: RigFacts, command: string): Promise<string> =>
  (await run('ssh', ['-F', rig.sshConfig, '-o', 'BatchMode=yes', 'rig-alias', command])).stdout.trim()

/** What a rig leaves on the machine: its folder, its operator and the right of that to sudo. */
const traces = async ({ dir, ssh }: RigFacts): Promise<string[]> => {
  const { stdout } = await run('getent', ['passwd'])
  return [
    ...(existsSync(dir) ? [dir] : []),
    ...(asRoot && stdout.includes(`${ssh.user}:`) ? [ssh.user] : []),
    ...(existsSync(`/etc/sudoers.d/${ssh.user}`) ? ['sudoers'] : []),
  ]
}

afterEach(() => {
  delete process.env.RIG_NO_SSHD
})

describe.each([
  ['sshd', undefined],
  ['the stand-in for a machine without sshd', '1'],
])('a rig with %s', (_name, hidden) => {
  test('lets the operator in, who becomes root as sudo allows, and leaves nothing', async () => {
    if (hidden) process.env.RIG_NO_SSHD = hidden
    const rig = await startRig()
    try {
      expect(await traces(rig)).not.toEqual([])
      expect(await overSsh(rig, 'id -un')).toBe(rig.ssh.user)
      const cat = `cat ${join(rig.pdsDir, 'pds.env')}`
      expect(await overSsh(rig, asRoot ? `sudo -n ${cat}` : cat)).toContain('PDS_ADMIN_PASSWORD=')
      if (asRoot) await expect(overSsh(rig, cat)).rejects.toThrow('Permission denied')
    } finally {
      await rig.stop()
    }
    expect(await traces(rig)).toEqual([])
  })
})

test('the PDS of a rig resolves the DIDs that it makes', async () => {
  const rig = await startRig()
  try {
    const { did } = await createAccount(rig, { handle: 'alice.test' })
    const answer = await fetch(`${rig.pdsUrl}/xrpc/com.atproto.repo.describeRepo?repo=${did}`)
    expect([answer.status, await answer.json()]).toMatchObject([200, { did, handleIsCorrect: true }])
  } finally {
    await rig.stop()
  }
})

test('a rig whose owner is killed takes itself down', async () => {
  const script = `import { startRig } from ${JSON.stringify(join(import.meta.dirname, '../../rig/host.ts'))}
    console.log(JSON.stringify(await startRig()))
    setInterval(() => {}, 1000)`
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string]
  const rig = JSON.parse(line) as RigFacts & { supervisor: number }
  owner.kill('SIGKILL')
  await expect.poll(() => traces(rig), { timeout: 20_000 }).toEqual([])
  await expect.poll(() => existsSync(`/proc/${rig.supervisor}`), { timeout: 20_000 }).toBe(false)
})
