import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RigHost, startRig } from '../../rig/host.ts'
import { byPort } from '../support/host-entry.ts'
import { type Relay, relayTo } from '../support/relay.ts'
import { type Scratch, scratch } from '../support/scratch.ts'
import { type Ran, run } from './cli.ts'
import { faultOf } from './fault.ts'

let rig: RigHost
let place: Scratch
/** In front of sshd: what it carried is every connection that was made. */
let wire: Relay
let ssh: string

beforeAll(async () => {
  ;[rig, place] = await Promise.all([startRig(), scratch()])
  wire = await relayTo(rig.ssh.port)
  const entry = await byPort(place, rig, wire.port)
  ssh = [
    `    ssh: ${entry.ssh}`,
    `    known_hosts: ${entry.known_hosts}`,
    `    identity: ${rig.ssh.identity}`,
    `    dir: ${rig.pdsDir}`,
    '',
  ].join('\n')
})
afterAll(async () => {
  await Promise.all([wire, place].map((it) => it?.[Symbol.asyncDispose]()))
  await rig?.stop()
})

let files = 0
const withConfig = async (text: string, args: readonly string[] = ['account', 'list']): Promise<Ran> => {
  const file = place.file(`config-${++files}.yaml`)
  await writeFile(file, text)
  return await run(rig, [...args, '--json', '--config', file])
}

test('a right one leads over the wire', async () => {
  const before = wire.carried()
  expect(await withConfig(`hosts:\n  rig:\n${ssh}`)).toMatchObject({ code: 0 })
  expect(wire.carried()).toBe(before + 1)
})

describe('a config that is wrong contacts nobody, exit code 2', () => {
  const cases: [string, string, RegExp, RegExp | undefined][] = [
    [
      'unknown key',
      '    identiy: x\n',
      /config-\d+\.yaml:7: unknown key “hosts\.rig\.identiy”/,
      /“identity”/,
    ],
    ['a number for a text', '    hostname: 42\n', /:7: “hosts\.rig\.hostname” is a number/, /quotes/],
    ['a text for a port', '    port: "3000"\n', /:7: “hosts\.rig\.port” must be a number/, /quotes/],
    ['a port too high', '    port: 70000\n', /:7: .*from 1 to 65535/, undefined],
    ['a word that is no choice', '    sudo: alway\n', /:7: “hosts\.rig\.sudo” must be/, /“always”/],
    [
      'another unknown key, below',
      '    service: pds\n    ssh-config: x\n',
      /:8: unknown key/,
      /“ssh_config”/,
    ],
    ['what is no YAML', '   port: [\n', /config-\d+\.yaml:\d+: /, undefined],
    ['a key twice', '    sudo: auto\n    sudo: auto\n', /config-\d+\.yaml:\d+: /, undefined],
  ]
  test.each(cases)('%s', async (_, line, says, hints) => {
    const before = wire.carried()
    const ran = await withConfig(`hosts:\n  rig:\n${ssh}${line}`)
    const { code, message, hint } = errorOf(ran)
    expect({ exit: ran.code, stdout: ran.stdout, code }).toEqual({
      exit: 2,
      stdout: '',
      code: 'config-invalid',
    })
    expect(message).toMatch(says)
    if (hints) expect(hint).toMatch(hints)
    expect(wire.carried()).toBe(before)
  })

  test('a default that is not there, with the nearest name', async () => {
    const ran = await withConfig(`default: rigg\nhosts:\n  rig:\n${ssh}`)
    const { message, hint } = faultOf(ran, 2, 'config-invalid')
    expect(message).toContain(':1: “default” names “rigg”')
    expect(hint).toContain('“rig”')
  })

  test('a directory of the host that is not absolute', async () => {
    const ran = await withConfig('hosts:\n  rig:\n    ssh: ops@example.invalid\n    dir: pds\n')
    expect(errorOf(ran)).toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('absolute path'),
    })
    expect(ran.code).toBe(2)
  })

  test('no such host, with the nearest name', async () => {
    const before = wire.carried()
    const ran = await withConfig(`hosts:\n  rig:\n${ssh}`, ['account', 'list', '-H', 'rgi'])
    const { message, hint } = faultOf(ran, 2, 'unknown-host')
    expect(message).toContain('there is no host “rgi”')
    expect(hint).toContain('“rig”')
    expect(wire.carried()).toBe(before)
  })

  test('several hosts and no default', async () => {
    const ran = await withConfig(`hosts:\n  rig:\n${ssh}  other:\n    ssh: ops@example.invalid\n`)
    const { message, hint } = faultOf(ran, 2, 'no-default-host')
    expect(message).toContain('rig, other')
    expect(hint).toContain('-H')
  })

  test('no config at all', async () => {
    const file = place.file('absent.yaml')
    const ran = await run(rig, ['account', 'list', '--json'], { env: { KIMBIA_OPS_CONFIG: file } })
    const { message, hint } = faultOf(ran, 2, 'no-host')
    expect(message).toContain(file)
    expect(hint).toBe('run: kimbia-ops init')
  })

  test('one that cannot be read', async () => {
    const file = place.file('directory.yaml')
    await mkdir(file)
    await chmod(file, 0o700)
    const ran = await run(rig, ['account', 'list', '--json', '--config', file])
    expect(faultOf(ran, 2, 'config-unreadable').message).toContain(file)
  })
})

/** The error object, whose hint is not for every case here. */
function errorOf(ran: Ran): { code: string; message: string; hint?: string } {
  return JSON.parse(ran.stderr.split('\n')[0] ?? '').error
}
