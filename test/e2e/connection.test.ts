import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { entryFor, byPort, hostKeysOf } from '../support/host-entry.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { run } from './cli.ts'
import { writeFile } from 'node:fs/promises'
import { relayTo, blackHole, closedPort, listen } from '../support/relay.ts'

let rig: RigHost
let place: Scratch
beforeAll(async () => {
  ;[rig, place] = await Promise.all([startRig(), scratch()])
})
afterAll(async () => {
  await Promise.all([rig?.stop(), place?.[Symbol.asyncDispose]()])
})

test('explore', async () => {
  const go = async (changes: any, args = ['account', 'list', '--json'], extra = {}) => {
    const t = performance.now()
    const r = await run(rig, args, { env: { ...(await entryFor(place, rig, changes)), ...extra } })
    console.log(JSON.stringify(changes), args.join(' '), Math.round(performance.now() - t), r.code, '\nOUT', r.stdout, '\nERR', r.stderr)
  }
  const [ed = '', ec = ''] = hostKeysOf(rig)
  const name = `[127.0.0.1]:${rig.ssh.port}`
  const kh = async (text: string) => { const f = place.file('kh' + Math.random()); await writeFile(f, text); return f }
  await go({})
  await go({ known_hosts: place.file('none') })
  await go({ known_hosts: await kh(`${name} ${ec}\n`) })
  await go({ known_hosts: await kh(`# c\n${name} ${ec.split(' ')[0]} ${ec.split(' ')[1]}\n${name} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8mUe0fzdIdWgX6zRRnWF8q5H6nJHLDYQ7sbZ9Kb1uM\n`) })
  await go({ known_hosts: await kh(`${name} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8mUe0fzdIdWgX6zRRnWF8q5H6nJHLDYQ7sbZ9Kb1uM\n`) })
  await go({ known_hosts: await kh(`@revoked ${name} ${ed}\n${name} ${ed}\n`) })
  await go({ known_hosts: await kh(`@cert-authority * ${ed}\n`) })
  await go({ ssh: `${rig.ssh.user}@127.0.0.1:${await closedPort()}` })
  await using hole = await blackHole()
  const cfg = await kh('Host *\n ConnectTimeout 1\n')
  await go({ ssh: `${rig.ssh.user}@127.0.0.1:${hole.port}`, ssh_config: cfg })
  await go({ ssh: `${rig.ssh.user}@127.0.0.1:${hole.port}` }, ['account', 'list', '--json', '--timeout', '1s'])
  await go({ ssh: `${rig.ssh.user}@no-such-host.invalid` })
  await using silent = await listen(() => {})
  await go({ ssh: `${rig.ssh.user}@127.0.0.1:${silent.port}`, ssh_config: cfg })
  await go({ ssh: `${rig.ssh.user}@127.0.0.1:${rig.pdsPort}`, ssh_config: cfg })
  await go({ ssh: `${rig.ssh.user}@127.0.0.1:${silent.port}` }, ['account', 'list', '--json', '--timeout', '1s'])
  await go({ identity: place.file('nokey') })
})
