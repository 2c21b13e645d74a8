import { describe, expect, test } from 'vitest'
import { unreachable } from '../../src/base/failure.ts'
import hostsDefault from '../../src/commands/hosts/default.ts'
import hostsRemove from '../../src/commands/hosts/remove.ts'
import hosts from '../../src/commands/hosts.ts'
import init from '../../src/commands/init.ts'
import { type Config, type HostConfig, hostDefaults } from '../../src/config/host-config.ts'
import { parseConfig } from '../../src/config/parse.ts'
import { itemsOf, type Plan } from '../../src/plan/plan.ts'
import { failureOf } from '../support/failing.ts'
import { scriptedHost } from '../support/scripted-host.ts'
import { scriptedPds } from '../support/scripted-pds.ts'
import { rowsOf, viewsOf } from '../support/views.ts'

const file = '/etc/config.yaml'
const parse = (text: string): Config => parseConfig(text, file)

describe('hosts', () => {
  test('lists what is configured, and contacts nothing', async () => {
    const views = viewsOf({
      config: parse('default: b\nhosts: {a: {ssh: x}, b: {ssh: y, dir: /srv, hostname: y.test}}'),
    })
    expect(await rowsOf(hosts.read({}, views))).toEqual([
      { name: 'a', ssh: 'x', dir: '/pds', default: false, hostname: null, sudo: 'auto', service: 'pds' },
      { name: 'b', ssh: 'y', dir: '/srv', default: true, hostname: 'y.test', sudo: 'auto', service: 'pds' },
    ])
    expect(views.looked).toEqual([])
  })

  test('the only host is the default', async () => {
    const views = viewsOf({ config: parse('hosts: {a: {ssh: x}}') })
    expect(await rowsOf(hosts.read({}, views))).toMatchObject([{ name: 'a', default: true }])
  })

  test('says how to add the first', async () => {
    const views = viewsOf()
    expect(await rowsOf(hosts.read({}, views))).toEqual([])
    expect(views.said).toEqual(['no host is configured in /config.yaml; run: kimbia-ops init'])
  })
})

describe('an entry', () => {
  const text =
    '# ours\ndefault: a\nhosts:\n  a: { ssh: x } # the first\n  b:\n    ssh: y\n    admin_password: { store: "file:/p" }\n'
  const views = () => viewsOf({ config: parse(text), files: { [file]: text } })
  const contentOf = (plan: Plan<unknown>) =>
    itemsOf(plan).flatMap(({ steps }) =>
      steps.flatMap((step) => (step.kind === 'save' ? [step.content] : [])),
    )

  test('becomes the default one; the rest stays as it is', async () => {
    const plan = await hostsDefault.plan({ name: 'b' }, views())
    expect(contentOf(plan)).toEqual([text.replace('default: a', 'default: b')])
    expect(itemsOf(plan)[0]?.rows).toEqual([{ name: 'b', was: 'a', file }])
    expect(contentOf(await hostsDefault.plan({ name: 'a' }, views()))).toEqual([])
  })

  test('is removed, and is the default no more; its store is named', async () => {
    const [first] = contentOf(await hostsRemove.plan({ name: 'a' }, views()))
    expect(parse(first ?? '')).toMatchObject({ default: undefined, hosts: [{ name: 'b' }] })
    expect(first).toContain('# ours')
    const plan = await hostsRemove.plan({ name: 'b' }, views())
    expect(plan.warnings).toEqual(['its admin password stays in file:/p'])
    expect(parse(contentOf(plan)[0] ?? '')).toMatchObject({ default: 'a', hosts: [{ name: 'a' }] })
  })

  test('that is not there is told with the one that may be meant', async () => {
    const failure = await failureOf(hostsRemove.plan({ name: 'bb' }, views()))
    expect(failure).toMatchObject({ code: 'unknown-host', hint: 'did you mean “b”?' })
  })
})

const noFlags = {
  name: undefined,
  ssh: undefined,
  sshConfig: undefined,
  composeFile: undefined,
  project: undefined,
  identity: undefined,
  knownHosts: undefined,
  transport: undefined,
  sudo: undefined,
  dir: undefined,
  service: undefined,
  hostname: undefined,
  port: undefined,
  default: false,
  replace: false,
} as const

const health = (body: string) => ({
  raw: { _health: { status: 200, contentType: 'application/json', body: new TextEncoder().encode(body) } },
})

const kimbia = () =>
  scriptedHost({ settings: { hostname: 'kimbia.social' } }).on('docker', '28.2.2\n2.39.1\n')

const pds = (hostname = 'kimbia.social') =>
  scriptedPds({
    hostname,
    accounts: [{ handle: 'a.test' }, { handle: 'b.test', status: 'takendown' }, { handle: 'c.test' }],
    pageSize: 2,
    ...health('{"version":"0.5.35"}'),
  })

describe('init', () => {
  test('connects, shows what it found, and saves the first host as the default', async () => {
    const views = viewsOf({ host: kimbia(), pds: pds(), answers: { '--ssh': 'ops@kimbia.social' } })
    const plan = await init.plan(noFlags, views)
    expect(plan).toMatchObject({
      title: 'save kimbia in /config.yaml',
      confirm: 'kimbia',
      warnings: [],
      on: 'machine',
    })
    expect(plan.items).toEqual([
      {
        subject: 'kimbia',
        steps: [
          {
            kind: 'save',
            why: 'Save kimbia',
            path: '/config.yaml',
            content: 'default: kimbia\nhosts:\n  kimbia:\n    ssh: ops@kimbia.social\n',
            mode: 0o600,
          },
        ],
        rows: [
          {
            name: 'kimbia',
            where: 'ops@pds.test:22',
            hostname: 'kimbia.social',
            version: '0.5.35',
            accounts: 3,
            active: 2,
            root: 'sudo',
            docker: '28.2.2',
            compose: '2.39.1',
            default: true,
            file: '/config.yaml',
          },
        ],
      },
    ])
    expect(views.looked).toEqual(['ops@kimbia.social'])
  })

  test('a second host does not become the default by itself', async () => {
    const text = '# ours\nhosts:\n  a:\n    ssh: x\n'
    const views = viewsOf({ host: kimbia(), pds: pds(), config: parse(text), files: { [file]: text } })
    const { items } = await init.plan(
      { ...noFlags, ssh: 'kimbia', sudo: 'always', dir: '/srv/', port: 1 },
      views,
    )
    expect(items[0]?.steps[0]).toMatchObject({
      content: `${text}  kimbia:\n    ssh: kimbia\n    sudo: always\n    dir: /srv\n    port: 1\n`,
    })
    expect(items[0]?.rows[0]).toMatchObject({ default: false })
  })

  test.each([
    ['a name that is taken', { name: 'a', ssh: 'y' }, []],
    ['a name that turns out to be taken', { ssh: 'y', hostname: undefined }, ['y']],
  ])('%s', async (_, flags, looked) => {
    const config = parse('hosts: {a: {ssh: x}}')
    const host = scriptedHost({ settings: { hostname: 'a.example' } }).on('docker', '\n\n')
    const views = viewsOf({ host, pds: pds('a.example'), config, files: { [file]: 'hosts: {a: {ssh: x}}' } })
    const failure = await failureOf(init.plan({ ...noFlags, ...flags }, views))
    expect(failure).toMatchObject({ outcome: 'usage', message: `there is already a host “a” in ${file}` })
    expect(views.looked).toEqual(looked)
  })

  test('--replace keeps what it cannot set, and does nothing when nothing changes', async () => {
    const text = 'hosts:\n  a:\n    ssh: x\n    admin_password:\n      rotate_every: 90d\n'
    const views = () => viewsOf({ host: kimbia(), pds: pds(), config: parse(text), files: { [file]: text } })
    const same = await init.plan({ ...noFlags, name: 'a', ssh: 'x', replace: true }, views())
    expect(same.items[0]?.steps).toEqual([])
    const other = await init.plan({ ...noFlags, name: 'a', ssh: 'y', replace: true }, views())
    expect(other.items[0]?.steps[0]).toMatchObject({ content: text.replace('ssh: x', 'ssh: y') })
  })

  test('without a target, and nobody to ask', async () => {
    const views = viewsOf()
    expect(await failureOf(init.plan(noFlags, views))).toMatchObject({
      outcome: 'usage',
      message: '--ssh is missing',
    })
    expect(views.looked).toEqual([])
  })

  test('asks for the directory and the key that are missing, again where they are wrong, until Enter', async () => {
    const faults = [
      unreachable('auth-refused', 'x refused every key'),
      unreachable('pds-env-missing', 'x has no /pds/pds.env'),
      unreachable('pds-dir-missing', 'x has no directory /srv'),
    ]
    const asking = (answers: Readonly<Record<string, readonly string[]>>) => {
      const left = structuredClone(answers) as Record<string, string[]>
      const views = viewsOf({ host: kimbia(), pds: pds() })
      const broken = [...faults]
      const seen: HostConfig[] = []
      return {
        seen,
        views: {
          ...views,
          askFor: async (question: string | (() => Promise<string>), flag: string) => {
            expect(question).toContain('x ')
            return left[flag]?.shift() ?? ''
          },
          look(draft: HostConfig) {
            seen.push(draft)
            const fault = broken.shift()
            return fault ? { pds: pds(), host: scriptedHost({ settings: fault }) } : views.look(draft)
          },
        },
      }
    }
    const { seen, views } = asking({ '--identity': ['/keys/id'], '--dir': ['srv', '/srv', '/srv/pds/'] })
    const plan = await init.plan({ ...noFlags, ssh: 'x' }, views)
    expect(seen.at(-1)).toMatchObject({ identity: '/keys/id', dir: '/srv/pds' })
    expect(plan.items[0]?.steps[0]).toMatchObject({ content: expect.stringContaining('dir: /srv/pds') })
    expect(plan.afterwards).toEqual(['next: kimbia-ops status, then kimbia-ops health'])
    const enter = asking({ '--identity': ['/keys/id'] })
    const failure = await failureOf(init.plan({ ...noFlags, ssh: 'x' }, enter.views))
    expect(failure).toMatchObject({ code: 'pds-env-missing' })
  })

  test('a host that cannot be reached is not saved', async () => {
    const host = scriptedHost({ settings: unreachable('pds-env-missing', 'no pds.env') })
    expect(await failureOf(init.plan({ ...noFlags, ssh: 'x' }, viewsOf({ host })))).toMatchObject({
      code: 'pds-env-missing',
    })
  })

  test('a PDS that is down and a docker that is missing are warned of', async () => {
    const down = scriptedPds({ raw: { _health: unreachable('down', 'nothing listens') } })
    const host = scriptedHost().on('docker', '\n\n')
    const plan = await init.plan({ ...noFlags, ssh: 'x' }, viewsOf({ host, pds: down }))
    expect(plan.warnings).toEqual([
      'the PDS does not answer: nothing listens',
      'docker does not answer on this host; commands for containers will not work',
    ])
    expect(plan.items[0]?.rows[0]).toMatchObject({ version: null, docker: null, compose: null })
  })

  test.each(['<html>', '{"version":', '', '{"version":null}', 'null'])(
    'a PDS whose health is “%s” is warned of',
    async (text) => {
      const plan = await init.plan(
        { ...noFlags, ssh: 'x' },
        viewsOf({ host: kimbia(), pds: scriptedPds(health(text)) }),
      )
      expect(plan.warnings).toEqual([
        expect.stringContaining('the PDS does not answer: the PDS answers _health as no PDS does'),
      ])
      expect(plan.items[0]?.rows[0]).toMatchObject({ version: null, accounts: 0 })
    },
  )

  test('a PDS that gives the same cursor for ever is not counted for ever', async () => {
    const stuck = pds()
    let asked = 0
    stuck.query = async () => {
      if (++asked > 9) throw new Error('it goes on for ever')
      return { repos: [{ did: 'did:plc:x' }, { did: 'did:plc:y', active: false }], cursor: 'same' } as never
    }
    const plan = await init.plan({ ...noFlags, ssh: 'x' }, viewsOf({ host: kimbia(), pds: stuck }))
    expect(plan.items[0]?.rows[0]).toMatchObject({ accounts: 4, active: 2 })
  })

  test.each([
    ['local', 'anything.example', 'local'],
    ['ops@192.0.2.7:2222', 'localhost', '192.0.2.7'],
    ['ops@box.example', 'localhost', 'box'],
    ['x', 'pds.kimbia.social', 'pds'],
  ])('the name of %s with %s is %s', async (ssh, hostname, name) => {
    const host = scriptedHost({ settings: { hostname } }).on('docker', '1\n2\n')
    const plan = await init.plan({ ...noFlags, ssh }, viewsOf({ host, pds: pds(hostname) }))
    expect(plan.confirm).toBe(name)
  })

  test('what it saves is a valid config', async () => {
    const flags = {
      ssh: 'x',
      identity: '~/id',
      knownHosts: 'kh',
      service: 'p',
      hostname: 'h.test',
      default: true,
    }
    const { items } = await init.plan({ ...noFlags, ...flags }, viewsOf({ host: kimbia(), pds: pds() }))
    const [step] = items[0]?.steps ?? []
    const { hosts: saved, default: preset } = parse(step?.kind === 'save' ? step.content : '')
    expect(preset).toBe('kimbia')
    expect(saved).toMatchObject([
      {
        ...hostDefaults,
        name: 'kimbia',
        ssh: 'x',
        service: 'p',
        hostname: 'h.test',
        identity: expect.stringMatching(/^\/.*\/id$/),
        knownHosts: expect.stringMatching(/^\/.*\/kh$/),
      },
    ])
  })
})
