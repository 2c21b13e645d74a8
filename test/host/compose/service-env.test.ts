import { describe, expect, test } from 'vitest'
import { refuseOverridden } from '../../../src/host/apply/settings-proof.ts'
import { readServiceEnv } from '../../../src/host/compose/service-env.ts'
import { readComposeEngine } from '../../../src/host/docker/engine.ts'
import { resolved } from '../../support/scripted-compose.ts'
import { engineAnswer } from '../../support/scripted-engine.ts'
import { scriptedHost } from '../../support/scripted-host.ts'

const file = '/pds/compose.yaml'
const look = (service: string, top = '') =>
  engineAnswer([{}], [file], { texts: { [file]: `services:\n  pds:\n    image: pds:1\n${service}${top}` } })

const read = async (service: string, text: string, answer?: string, top = '') => {
  const host = scriptedHost().on('# look at the containers', look(service, top))
  if (answer !== undefined) host.on('# how compose resolves', answer)
  const env = await readServiceEnv(host, await readComposeEngine(host), text)
  return { env, asked: host.asked.filter((line) => line.includes('# how compose resolves')).length }
}
const alone = '    env_file: ./pds.env\n'

test.each<[string, string, string, string | undefined]>([
  ['one file with pds.env alone', alone, 'A=1\n', undefined],
  ['by a path of its own', '    env_file: [{path: /pds/pds.env, required: true}]\n', 'A=1\n', undefined],
])('compose is not asked: %s', async (_, service, text, top) => {
  const { env, asked } = await read(service, text, undefined, top)
  expect([env.get('A'), asked]).toEqual(['1', 0])
})

test.each<[string, string, string, string]>([
  ['variables in pds.env', alone, `A=\${B}\n`, ''],
  ['a name that is inherited', alone, 'B\nA=1\n', ''],
  ['an “environment:”', `${alone}    environment: {A: "2"}\n`, 'A=1\n', ''],
  ['another env file', '    env_file: [pds.env, more.env]\n', 'A=1\n', ''],
  ['another pds.env', '    env_file: /srv/pds.env\n', 'A=1\n', ''],
  ['an extended service', `${alone}    extends: base\n`, 'A=1\n', ''],
  ['included files', alone, 'A=1\n', 'include: [more.yaml]\n'],
])('compose is asked: %s', async (_, service, text, top) => {
  const { env, asked } = await read(service, text, resolved(['A=of $compose']), top)
  expect([env.get('A'), asked]).toEqual(['of $compose', 1])
})

test('compose that refuses its files: only pds.env tells, and why is kept without what it quotes', async () => {
  const host = scriptedHost()
    .on('# look at the containers', look(`${alone}    environment: [A=2]\n`))
    .on('# how compose resolves', {
      code: 15,
      stdout: 'kimbia-ops:resolved\n',
      stderr:
        'time="x" level=warning msg="unset"\nfailed to read /pds/x.env: line 1: unexpected character "@" in variable name "hush@"\n',
    })
  const env = await readServiceEnv(host, await readComposeEngine(host), 'A=1\n')
  expect(env.get('A')).toBe('1')
  expect(env.refused).toBe('failed to read /pds/x.env: line 1: unexpected character "@"')
  expect(() => refuseOverridden(env, new Map(), '/pds/pds.env')).toThrow(/nothing was changed/)
})

test('an env file that cannot be read is no empty one', async () => {
  const host = scriptedHost()
    .on('# look at the containers', look('    env_file: [pds.env, more.env]\n'))
    .on('# how compose resolves', resolved(['A=1'], 'pds:1', { envFiles: ['/pds/pds.env', '/pds/more.env'] }))
    .on('# the names that an env file sets', {
      stdout: 'kimbia-ops:text\nA=',
      stderr: 'cat: I/O error\n',
      code: 1,
    })
  const reading = readServiceEnv(host, await readComposeEngine(host), 'A=1\n')
  await expect(reading).rejects.toThrow(/more\.env cannot be read: cat: I\/O error/)
})

describe('what wins over pds.env', () => {
  const withFiles = async (own: Record<string, string | null> = {}) => {
    const env = ['A=1', 'B=late', 'C=early', 'D=own']
    const envFiles = ['/pds/early.env', '/pds/link.env', '/pds/late.env']
    const host = scriptedHost()
      .on(
        '# look at the containers',
        look('    env_file: [early.env, link.env, late.env]\n    environment: [D=own]\n'),
      )
      .on('# how compose resolves', resolved(env, 'pds:1', { envFiles, own }))
      .on(/cat .?\/pds\/early.env/, 'kimbia-ops:text\nA=0\nC=early\n\nkimbia-ops:end\n')
      .on(/cat .?\/pds\/link.env/, 'kimbia-ops:pds.env\n')
      .on(/cat .?\/pds\/late.env/, 'kimbia-ops:text\nB=late\nE=x\n\nkimbia-ops:end\n')
    return await readServiceEnv(host, await readComposeEngine(host), 'A=1\nB=mine\nD=mine\n')
  }

  test('a later env file and “environment:”, by name; what comes before pds.env only fills in', async () => {
    const env = await withFiles({ D: 'own', F: null })
    expect(['A', 'B', 'C', 'D', 'F'].map(env.overriddenBy)).toEqual([
      undefined,
      '/pds/late.env',
      undefined,
      '“environment:” of “pds” in /pds/compose.yaml',
      '“environment:” of “pds”, which /pds/compose.yaml includes or extends',
    ])
    expect(['A', 'C', 'G'].map(env.setElsewhere)).toEqual(['/pds/early.env', '/pds/early.env', undefined])
    expect(env.insteadOfPdsEnv).toBeUndefined()
  })

  test.each<[string, string | undefined, RegExp | undefined]>([
    ['A', '2', undefined],
    ['A', undefined, /A is also set by \/pds\/early.env/],
    ['B', 'mine', /B is set by \/pds\/late.env, which wins/],
    ['B', 'late', undefined],
    ['G', undefined, undefined],
  ])('%s to be %s', async (key, value, words) => {
    const env = await withFiles({ D: 'own' })
    const refuse = () => refuseOverridden(env, new Map([[key, value]]), '/pds/pds.env')
    if (words) expect(refuse).toThrow(words)
    else expect(refuse).not.toThrow()
  })
})
