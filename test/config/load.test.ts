import { mkdir, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { hostDefaults, localHost } from '../../src/config/host-config.ts'
import { chooseHost, configFile, loadConfig, saveHost } from '../../src/config/load.ts'
import { parseConfig } from '../../src/config/parse.ts'
import { failureOf } from '../support/failing.ts'
import { scratch } from '../support/scratch.ts'

const file = '/etc/kimbia/config.yaml'
const parse = (text: string) => parseConfig(text, file)
const caught = (work: () => unknown): Failure => {
  try {
    work()
  } catch (error) {
    if (error instanceof Failure) return error
    throw error
  }
  throw new Error('expected a Failure')
}

describe('where the file is', () => {
  test.each([
    [{ KIMBIA_OPS_CONFIG: '/x/y.yaml', XDG_CONFIG_HOME: '/xdg', HOME: '/h' }, '/x/y.yaml'],
    [{ XDG_CONFIG_HOME: '/xdg', HOME: '/h' }, '/xdg/kimbia-ops/config.yaml'],
    [{ KIMBIA_OPS_CONFIG: '', XDG_CONFIG_HOME: '', HOME: '/h' }, '/h/.config/kimbia-ops/config.yaml'],
    [{ XDG_CONFIG_HOME: 'relative', HOME: '/h' }, '/h/.config/kimbia-ops/config.yaml'],
    [{}, join(homedir(), '.config/kimbia-ops/config.yaml')],
  ])('%j → %s', (env, expected) => {
    expect(configFile(env)).toBe(expected)
  })
})

describe('a valid file', () => {
  test('every documented key', () => {
    const text = `
default: kimbia
hosts:
  kimbia:
    ssh: ops@kimbia.social
    ssh_config: ~/.ssh/config
    identity: keys/id            # relative to this file
    known_hosts: /k/known_hosts
    transport: openssh
    sudo: always
    dir: /srv/pds/
    service: pds2
    hostname: kimbia.social
    port: 3001
    admin_password:
      rotate_every: 90d
      store: op://Infra/kimbia.social/admin-password
  here: {ssh: local}
`
    expect(parse(text)).toEqual({
      file,
      exists: true,
      default: 'kimbia',
      hosts: [
        {
          name: 'kimbia',
          ssh: 'ops@kimbia.social',
          sshConfig: join(homedir(), '.ssh/config'),
          identity: '/etc/kimbia/keys/id',
          knownHosts: '/k/known_hosts',
          transport: 'openssh',
          sudo: 'always',
          dir: '/srv/pds',
          service: 'pds2',
          hostname: 'kimbia.social',
          port: 3001,
          adminPassword: { rotateEvery: 90 * 86_400_000, store: 'op://Infra/kimbia.social/admin-password' },
        },
        { name: 'here', ssh: 'local', ...hostDefaults },
      ],
    })
  })

  test.each([
    ['nothing', ''],
    ['only a comment', '# later\n'],
    ['a byte order mark', '\uFEFF'],
    ['no hosts', 'hosts: {}\n'],
  ])('%s is an empty config', (_, text) => {
    expect(parse(text)).toEqual({ file, exists: true, default: undefined, hosts: [] })
  })

  test('anchors and aliases', () => {
    const { hosts } = parse('hosts:\n  a: &a {ssh: x, port: 1}\n  b: *a\n')
    expect(hosts.map(({ name, ssh, port }) => [name, ssh, port])).toEqual([
      ['a', 'x', 1],
      ['b', 'x', 1],
    ])
  })
})

/** What is wrong, the text, the message after the file, and the hint. */
const invalid: [string, string, string, (string | undefined)?][] = [
  ['an unknown key', 'host:\n', ':1: unknown key “host”', 'did you mean “hosts”?'],
  ['an unknown key far from any', 'zzz: 1\n', ':1: unknown key “zzz”', 'known here: default, hosts'],
  [
    'a misspelled key of a host',
    'hosts:\n  a:\n    ssh: x\n    sshconfig: y\n',
    ':4: unknown key “hosts.a.sshconfig”',
    'did you mean “ssh_config”?',
  ],
  [
    'a misspelled key below',
    'hosts:\n  a:\n    ssh: x\n    admin_password: {rotate: 1d}\n',
    ':4: unknown key “hosts.a.admin_password.rotate”',
    'did you mean “rotate_every”?',
  ],
  ['a merge key', 'hosts:\n  a: &a {ssh: x}\n  b:\n    <<: *a\n', ':4: unknown key “hosts.b.<<”', undefined],
  [
    'a number for a text',
    'hosts:\n  a:\n    ssh: 12\n',
    ':3: “hosts.a.ssh” is a number, not a text',
    'put quotes around it: "12"',
  ],
  [
    'a boolean for a text',
    'hosts:\n  a:\n    ssh: x\n    service: true\n',
    ':4: “hosts.a.service” is a boolean, not a text',
    'put quotes around it: "true"',
  ],
  ['a list for a text', 'hosts:\n  a:\n    ssh: [x]\n', ':3: “hosts.a.ssh” is not a text'],
  ['a key without a value', 'hosts:\n  a:\n    ssh:\n', ':3: “hosts.a.ssh” has no value'],
  [
    'a text for a number',
    'hosts:\n  a:\n    ssh: x\n    port: "3000"\n',
    ':4: “hosts.a.port” must be a number from 1 to 65535',
    'leave out the quotes',
  ],
  [
    'a port too high',
    'hosts:\n  a:\n    ssh: x\n    port: 65536\n',
    ':4: “hosts.a.port” must be a number from 1 to 65535',
  ],
  [
    'an age without a unit',
    'hosts:\n  a:\n    ssh: x\n    admin_password:\n      rotate_every: 90\n',
    ':5: “hosts.a.admin_password.rotate_every” must be an age',
    'write it as 90d, 12w or 24h',
  ],
  [
    'an unknown store',
    'hosts:\n  a:\n    ssh: x\n    admin_password:\n      store: vault\n',
    ':5: “hosts.a.admin_password.store” must be a store: op://VAULT/ITEM/FIELD, file:PATH, command:LINE or age:RECIPIENT:PATH, not “vault”',
  ],
  [
    'a store that keeps nothing',
    'hosts:\n  a:\n    ssh: x\n    admin_password:\n      store: stdout\n',
    ':5: “hosts.a.admin_password.store” cannot be stdout, which keeps nothing',
    'ask for it on the command line',
  ],
  [
    'a reference without a field',
    'hosts:\n  a:\n    ssh: x\n    admin_password:\n      store: op://Infra/kimbia\n',
    ':5: “hosts.a.admin_password.store” must be a store: ',
  ],
  [
    'a way to read a store that needs none',
    'hosts:\n  a:\n    ssh: x\n    admin_password:\n      store: file:x\n      read: cat x\n',
    ':6: “hosts.a.admin_password.read” is only for a store that is command:… or age:…',
  ],
  [
    'an unknown choice',
    'hosts:\n  a:\n    ssh: x\n    sudo: alwas\n',
    ':4: “hosts.a.sudo” must be auto, always, never, not “alwas”',
    'did you mean “always”?',
  ],
  [
    'a relative dir',
    'hosts:\n  a:\n    ssh: x\n    dir: pds\n',
    ':4: “hosts.a.dir” must be an absolute path on the host, not “pds”',
  ],
  [
    'an option as a target',
    'hosts:\n  a:\n    ssh: -oProxyCommand=x\n',
    ':3: “hosts.a.ssh” must be [user@]host[:port], an alias of the ssh config, or local, not “-oProxyCommand=x”',
  ],
  [
    'no ssh',
    'hosts:\n  a:\n    dir: /pds\n',
    ':3: “hosts.a” has no “ssh”',
    'such as “ssh: ops@kimbia.social”, or “ssh: local”',
  ],
  ['a host that is a text', 'hosts:\n  a: ops@x\n', ':2: “hosts.a” must be a list of “key: value” lines'],
  ['hosts without any', 'hosts:\n', ':1: “hosts” must be a list of “key: value” lines'],
  ['a whole file that is a list', '- a\n', ':1: the file must be a list of “key: value” lines'],
  [
    'a bad name',
    'hosts:\n  "a b": {ssh: x}\n',
    ':2: “a b” is not a name for a host',
    'use letters, digits, “.”, “_” and “-”',
  ],
  [
    'a far host named local',
    'hosts:\n  local: {ssh: x}\n',
    ':2: “local” always means this very machine',
    'give this host another name',
  ],
  [
    'a default that is not there',
    'default: kimba\nhosts:\n  kimbia: {ssh: x}\n',
    ':1: “default” names “kimba”, which is not under “hosts”',
    'did you mean “kimbia”?',
  ],
  [
    'control characters',
    'hosts:\n  a:\n    ssh: "x\\ny"\n',
    ':3: “hosts.a.ssh” must not hold control characters',
  ],
  ['a key twice', 'hosts:\n  a: {ssh: x}\n  a: {ssh: y}\n', ':3: map keys must be unique'],
  ['a tab', 'hosts:\n\ta:\n\t\tssh: x\n', ':2: tabs are not allowed as indentation'],
  ['broken YAML', 'hosts: {a: {ssh: x}\n', ':2: '],
  ['an unknown tag', 'default: !x y\n', ':1: unresolved tag: !x'],
  ['an unknown alias', 'hosts: *a\n', ':1: '],
  ['two documents', 'default: a\n---\ndefault: b\n', ':2: '],
]

describe('an invalid file names the line', () => {
  test.each(invalid)('%s', (_, text, message, hint) => {
    const failure = caught(() => parse(text))
    expect(failure.outcome).toBe('usage')
    expect(failure.code).toBe('config-invalid')
    expect(failure.message).toContain(`${file}${message}`)
    if (hint !== undefined) expect(failure.hint).toBe(hint)
  })
})

describe('reading it', () => {
  test('a file that is not there is an empty config', async () => {
    await using place = await scratch()
    const missing = place.file('config.yaml')
    expect(await loadConfig(missing)).toEqual({ file: missing, exists: false, default: undefined, hosts: [] })
  })

  test('a directory in its place is an error that names it', async () => {
    await using place = await scratch()
    await mkdir(place.file('config.yaml'))
    const failure = await failureOf(loadConfig(place.file('config.yaml')))
    expect(failure).toMatchObject({ outcome: 'usage', code: 'config-unreadable' })
    expect(failure.message).toContain(place.file('config.yaml'))
  })

  test('a file that is there is parsed', async () => {
    await using place = await scratch()
    await writeFile(place.file('config.yaml'), 'hosts: {a: {ssh: x}}\n')
    expect((await loadConfig(place.file('config.yaml'))).hosts.map((host) => host.name)).toEqual(['a'])
  })
})

describe('which host is meant', () => {
  const none = parse('')
  const one = parse('hosts: {a: {ssh: x}}')
  const two = parse('hosts: {a: {ssh: x}, kimbia: {ssh: y}}')
  const preset = parse('default: kimbia\nhosts: {a: {ssh: x}, kimbia: {ssh: y}}')
  const mine = parse('hosts: {local: {ssh: local, dir: /srv}}')
  const choose = (
    config: typeof one,
    host: string | undefined,
    env: Record<string, string> = {},
    there = false,
  ) => chooseHost(config, { host, env }, there)

  test.each([
    ['the flag beats all', preset, 'a', { KIMBIA_OPS_HOST: 'kimbia' }, 'a'],
    ['the environment beats the default', preset, undefined, { KIMBIA_OPS_HOST: 'a' }, 'a'],
    ['an empty variable is unset', preset, undefined, { KIMBIA_OPS_HOST: '' }, 'kimbia'],
    ['the default', preset, undefined, {}, 'kimbia'],
    ['the only one', one, undefined, {}, 'a'],
    ['local is always there', one, 'local', {}, 'local'],
  ])('%s', (_, config, host, env, expected) => {
    expect(choose(config, host, env).name).toBe(expected)
  })

  test('without any host, this machine is one if the PDS is here', () => {
    expect(choose(none, undefined, {}, true)).toEqual(localHost)
  })

  test('a host that is configured beats the PDS that is here', () => {
    expect(choose(one, undefined, {}, true).name).toBe('a')
  })

  test('an entry named local may say more of this machine', () => {
    expect(choose(mine, 'local').dir).toBe('/srv')
  })

  test.each([
    ['no host', none, undefined, 'no-host', 'run: kimbia-ops init'],
    [
      'several and no default',
      two,
      undefined,
      'no-default-host',
      `name one with -H, or set “default:” in ${file}`,
    ],
    [
      'a name that is not there',
      two,
      'kimba',
      'unknown-host',
      'did you mean “kimbia”? Configured: a, kimbia',
    ],
    ['a name like none', two, 'zzz', 'unknown-host', 'configured: a, kimbia'],
    ['a name when there are none', none, 'zzz', 'unknown-host', 'run: kimbia-ops init zzz'],
  ])('%s', (_, config, host, code, hint) => {
    expect(caught(() => choose(config, host))).toMatchObject({ outcome: 'usage', code, hint })
  })
})

describe('saving a host', () => {
  const kimbia = { name: 'kimbia', ssh: 'ops@kimbia.social', ...hostDefaults }

  test('into nothing', async () => {
    expect(await saveHost('', kimbia, true)).toBe(
      'default: kimbia\nhosts:\n  kimbia:\n    ssh: ops@kimbia.social\n',
    )
  })

  test('keeps comments, order and the other hosts', async () => {
    const before = '# ours\nhosts:\n  # the old one\n  old:\n    ssh: x # by hand\ndefault: old\n'
    expect(await saveHost(before, { ...kimbia, port: 3001, sudo: 'never' }, false)).toBe(
      '# ours\nhosts:\n  # the old one\n  old:\n    ssh: x # by hand\n  kimbia:\n    ssh: ops@kimbia.social\n    sudo: never\n    port: 3001\ndefault: old\n',
    )
  })

  test('replaces what is there, and drops what no longer holds', async () => {
    const before = 'hosts:\n  kimbia:\n    ssh: old # note\n    port: 1\n    dir: /x\n'
    expect(await saveHost(before, { ...kimbia, dir: '/y' }, true)).toBe(
      'hosts:\n  kimbia:\n    ssh: ops@kimbia.social # note\n    dir: /y\ndefault: kimbia\n',
    )
  })

  test('an entry that is an alias is written out', async () => {
    const text = await saveHost('hosts:\n  a: &a {ssh: x, port: 1}\n  kimbia: *a\n', kimbia, false)
    expect(parse(text).hosts.map(({ name, ssh, port }) => [name, ssh, port])).toEqual([
      ['a', 'x', 1],
      ['kimbia', 'ops@kimbia.social', undefined],
    ])
  })

  test('a file of comments keeps them', async () => {
    expect(await saveHost('# to do\n', kimbia, false)).toContain('# to do')
  })

  test.each([
    'op://Infra/kimbia/password',
    'op://Infra/kimbia/Admin Section/password',
    'file:~/kimbia',
    'age:age1abc:~/x.age',
    'age:ssh-ed25519 AAAA me@here:/srv/x.age',
  ])('the store %s', (store) => {
    const text = `hosts:\n  a:\n    ssh: x\n    admin_password:\n      store: "${store}"\n`
    expect(parse(text).hosts[0]?.adminPassword).toEqual({ rotateEvery: undefined, store })
  })

  test('what is saved is what is read', async () => {
    const host = {
      ...kimbia,
      sshConfig: '/c d',
      identity: '/i: #x',
      knownHosts: '/k',
      sudo: 'always' as const,
      dir: '/srv/pds',
      service: 'yes',
      hostname: '1.5',
      port: 65_535,
      adminPassword: {
        rotateEvery: 7_776_000_000,
        store: 'command:pass insert -m "x: y"',
        read: 'pass show "x: y"',
      },
    }
    const text = await saveHost('', host, true)
    expect(parse(text)).toEqual({ file, exists: true, default: 'kimbia', hosts: [host] })
    expect(await saveHost(text, host, true)).toBe(text)
  })
})
