import { existsSync } from 'node:fs'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { Failure } from '../../../src/base/failure.ts'
import { parseDestination } from '../../../src/ssh/target/destination.ts'
import { resolveTarget } from '../../../src/ssh/target/resolve-target.ts'
import { parseSettings, type Surroundings, toTarget } from '../../../src/ssh/target/ssh-config.ts'
import { scratch } from '../../support/scratch.ts'

const around: Surroundings = {
  home: '/home/ann',
  user: 'ann',
  uid: 1000,
  env: { SSH_AUTH_SOCK: '/run/agent', OTHER: '/run/other' },
}

const fails = async (work: Promise<unknown>): Promise<Failure> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(Failure)
  return error as Failure
}

describe('a destination', () => {
  test.each([
    ['kimbia.social', undefined, 'kimbia.social', undefined],
    ['ops@kimbia.social', 'ops', 'kimbia.social', undefined],
    ['ops@kimbia.social:2222', 'ops', 'kimbia.social', 2222],
    ['[::1]', undefined, '::1', undefined],
    ['ops@[2001:db8::1]:22', 'ops', '2001:db8::1', 22],
    ['2001:db8::1', undefined, '2001:db8::1', undefined],
    ['me@corp@host', 'me@corp', 'host', undefined],
  ])('%s', (text, user, host, port) => {
    expect(parseDestination(text)).toEqual({ user, host, port })
  })

  test.each([
    '',
    '@host',
    'user@',
    '-oProxyCommand=id',
    'ann@-oProxyCommand=id',
    '-l@host',
    'a b',
    'a\nb',
    'a\u0000b',
    'host:0',
    'host:65536',
    'host:ssh',
    'host:',
    '$(id)',
    'a;b',
    "a'b",
    'ssh://host',
  ])('%j is not one', (text) => {
    expect(() => parseDestination(text)).toThrow(
      expect.objectContaining({ outcome: 'usage', code: 'bad-destination' }),
    )
  })
})

const recorded = `host box
user ops
hostname 10.0.0.7
port 2200
addressfamily inet
identitiesonly yes
hostkeyalias box.example
identityagent $OTHER
identityfile ~/.ssh/first key
identityfile %d/.ssh/%u-%r-%h-%p-%n-%k-%%
identityfile \${OTHER}/third
identityfile none
globalknownhostsfile /etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2
userknownhostsfile /home/ann/a /home/ann/b b
revokedhostkeys ~/my own/%h
connecttimeout 7
proxycommand nc -X connect %h %p %r %n %%
`

const asked = {
  destination: 'box',
  name: 'box',
  sshConfig: undefined,
  identity: undefined,
  knownHosts: undefined,
}

describe('recorded ssh -G output', () => {
  const target = toTarget(parseSettings(recorded), asked, around)

  test('gives every setting, with its tokens expanded', () => {
    expect(target).toEqual({
      destination: 'box',
      host: '10.0.0.7',
      port: 2200,
      user: 'ops',
      family: 4,
      identities: [
        '/home/ann/.ssh/first key',
        '/home/ann/.ssh/ann-ops-10.0.0.7-2200-box-box.example-%',
        '/run/other/third',
      ],
      identitiesOnly: 'yes',
      agent: '/run/other',
      userKnownHosts: ['/home/ann/a', '/home/ann/b b'],
      globalKnownHosts: ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'],
      revokedHostKeys: ['/home/ann/my own/10.0.0.7'],
      hostKeyAlias: 'box.example',
      proxyJump: undefined,
      proxyCommand: 'nc -X connect 10.0.0.7 2200 ops box %',
      connectTimeout: 7,
      sshConfig: undefined,
    })
  })

  test.each([
    ['', '/run/agent'],
    ['identityagent SSH_AUTH_SOCK', '/run/agent'],
    ['identityagent none', undefined],
    ['identityagent ~/agent.sock', '/home/ann/agent.sock'],
    ['identityagent $OTHER', '/run/other'],
    ['identityagent $UNSET', undefined],
  ])('%j is the agent %s', (line, agent) => {
    expect(toTarget(parseSettings(`${line}\n`), asked, around).agent).toBe(agent)
  })

  test('"none" is no file, no proxy and no timeout', () => {
    const text =
      'proxycommand none\nproxyjump none\nconnecttimeout none\nuserknownhostsfile none\nidentityfile none\n'
    expect(toTarget(parseSettings(text), asked, around)).toMatchObject({
      proxyCommand: undefined,
      proxyJump: undefined,
      connectTimeout: 0,
      userKnownHosts: [],
      identities: [],
    })
  })

  test('the operator’s own words come before all', () => {
    const own = { ...asked, identity: '~/key', knownHosts: '/kh', sshConfig: '~/cfg' }
    expect(toTarget(parseSettings(recorded), own, around)).toMatchObject({
      identities: ['/home/ann/key'],
      identitiesOnly: 'yes',
      userKnownHosts: ['/kh'],
      sshConfig: '/home/ann/cfg',
    })
  })
})

describe('without an ssh program', () => {
  const deps = { ssh: '/nowhere/ssh', around }

  test('the defaults of OpenSSH hold', async () => {
    expect(await resolveTarget('bob@[::1]:2222', {}, deps)).toMatchObject({
      host: '::1',
      port: 2222,
      user: 'bob',
      identities: ['/home/ann/.ssh/id_rsa', '/home/ann/.ssh/id_ecdsa', '/home/ann/.ssh/id_ed25519'],
      identitiesOnly: 'no',
      agent: '/run/agent',
      userKnownHosts: ['/home/ann/.ssh/known_hosts', '/home/ann/.ssh/known_hosts2'],
      globalKnownHosts: ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'],
    })
    expect(await resolveTarget('host', {}, deps)).toMatchObject({ port: 22, user: 'ann' })
  })

  test('a named ssh_config cannot be honoured, and that is said', async () => {
    expect(await fails(resolveTarget('host', { sshConfig: '/cfg' }, deps))).toMatchObject({
      outcome: 'usage',
      code: 'no-ssh-client',
    })
  })

  test('a key that was named must be there', async () => {
    expect(await fails(resolveTarget('host', { identity: '/nowhere/key' }, deps))).toMatchObject({
      outcome: 'usage',
      code: 'no-identity',
    })
  })
})

const hasSsh = ['/usr/bin/ssh', '/usr/local/bin/ssh', '/opt/homebrew/bin/ssh'].some(existsSync)

describe.runIf(hasSsh)('the real ssh -G', () => {
  test('resolves an alias of a config file', async () => {
    await using place = await scratch()
    await writeFile(
      place.file('config'),
      `Host box
  HostName 192.0.2.7
  User ops
  Port 2200
  IdentityFile ${place.dir}/id
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile ${place.dir}/kh
  GlobalKnownHostsFile none
  RevokedHostKeys ${place.dir}/revoked
  ProxyJump a@b:2222,c
  ConnectTimeout 9
Host proxied
  ProxyCommand nc %h %p
`,
    )
    const options = { sshConfig: place.file('config') }
    expect(await resolveTarget('box', options)).toEqual({
      destination: 'box',
      host: '192.0.2.7',
      port: 2200,
      user: 'ops',
      family: 0,
      identities: [place.file('id')],
      identitiesOnly: 'yes',
      agent: undefined,
      userKnownHosts: [place.file('kh')],
      globalKnownHosts: [],
      revokedHostKeys: [place.file('revoked')],
      hostKeyAlias: undefined,
      proxyJump: 'a@b:2222,c',
      proxyCommand: undefined,
      connectTimeout: 9,
      sshConfig: place.file('config'),
    })
    expect(await resolveTarget('me@box:23', options)).toMatchObject({
      user: 'me',
      port: 23,
      host: '192.0.2.7',
    })
    expect(await resolveTarget('proxied', options)).toMatchObject({ proxyCommand: 'nc proxied 22' })
    expect(await resolveTarget('u@[2001:db8::1]:24', options)).toMatchObject({
      host: '2001:db8::1',
      port: 24,
    })
  })

  test('a bad config is told in ssh’s own words', async () => {
    await using place = await scratch()
    await writeFile(place.file('config'), 'Frobnicate yes\n')
    const failure = await fails(resolveTarget('box', { sshConfig: place.file('config') }))
    expect(failure).toMatchObject({ outcome: 'usage', code: 'bad-ssh-config' })
    expect(failure.message).toContain('frobnicate')
    expect(failure.message).not.toContain('Pseudo-terminal')
  })

  test('so is a config that is not there', async () => {
    await using place = await scratch()
    const failure = await fails(resolveTarget('box', { sshConfig: place.file('none') }))
    expect(failure).toMatchObject({ outcome: 'usage', code: 'bad-ssh-config' })
  })
})

test('ssh is given each word as it is, past any shell', async () => {
  await using place = await scratch()
  const ssh = place.file('ssh')
  await writeFile(ssh, '#!/bin/sh\nprintf "%s\\n" "$@" >"$0.args"\n')
  await chmod(ssh, 0o755)
  await resolveTarget('ann@box:5', { sshConfig: '/a b/$(c)' }, { ssh, around })
  expect(await readFile(`${ssh}.args`, 'utf8')).toBe('-G\n-F\n/a b/$(c)\n-p\n5\n-l\nann\n--\nbox\n')
})
