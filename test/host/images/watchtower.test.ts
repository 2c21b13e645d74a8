import { describe, expect, test } from 'vitest'
import { parseContainers } from '../../../src/host/docker/containers.ts'
import { findWatchtower } from '../../../src/host/images/watchtower.ts'

interface Parts {
  readonly image?: string
  readonly args?: readonly string[]
  readonly env?: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  readonly state?: string
}

const [pds] = parseContainers(JSON.stringify([{ Id: 'p', Name: '/pds', State: {}, Config: {} }]))
const container = ({ image = 'nickfedor/watchtower', args = [], env = [], labels = {}, state }: Parts) =>
  parseContainers(
    JSON.stringify([
      {
        Id: 'w',
        Name: '/watchtower',
        State: { Status: state ?? 'running' },
        Args: args,
        Config: { Image: image, Env: env, Labels: labels },
      },
    ]),
  )
const seen = { byDigest: false, dockerVersion: '28.2.2' }
const look = (parts: Parts, more: Partial<typeof seen> & { labels?: Record<string, string> } = {}) => {
  const { labels = {}, ...rest } = more
  return findWatchtower(container(parts), pds && { ...pds, labels }, { ...seen, ...rest })
}
const enable = (value: string) => ({ labels: { 'com.centurylinklabs.watchtower.enable': value } })

describe('watchtower', () => {
  test('is not there', () =>
    expect(findWatchtower([], pds, seen)).toMatchObject({ found: false, updates: false }))

  test.each([
    ['by default', {}, 'every 86400 s'],
    ['by interval', { args: ['--interval', '30'] }, 'every 30 s'],
    ['by the official schedule', { env: ['WATCHTOWER_SCHEDULE=@midnight'] }, '@midnight'],
    ['by name', { args: ['pds', '--interval=60'] }, 'every 60 s'],
    ['known by its label', { image: 'x', labels: { 'com.centurylinklabs.watchtower': 'true' } }, 'every'],
  ] as const)('updates the PDS %s', (_name, parts, why) => {
    const found = look(parts)
    expect(found.updates).toBe(true)
    expect(found.why).toContain(why)
  })

  test.each<[string, Parts, Parameters<typeof look>[1], string]>([
    ['it stands still', { state: 'exited' }, {}, 'exited'],
    ['it is archived', { image: 'containrrr/watchtower:1.7.1' }, { dockerVersion: '29.0.1' }, 'archived'],
    ['it looks after others', { args: ['caddy'] }, {}, 'caddy only'],
    ['the PDS is excepted', {}, enable('false'), 'enable=false'],
    ['the PDS has no label', { args: ['--label-enable'] }, {}, 'labelled containers only'],
    ['it has a scope', { env: ['WATCHTOWER_SCOPE=web'] }, {}, 'scope web'],
    ['it leaves it alone', { args: ['--disable-containers=a,pds'] }, {}, 'leave pds alone'],
    ['it only looks', { env: ['WATCHTOWER_MONITOR_ONLY=true'] }, {}, 'only reports'],
    ['the image is pinned', {}, { byDigest: true }, 'pinned by digest'],
  ])('does not update it when %s', (_name, parts, more, why) => {
    const found = look(parts, more)
    expect(found).toMatchObject({ found: true, updates: false })
    expect(found.why).toContain(why)
  })

  test('takes labels and switches as they are meant', () => {
    expect(look({ args: ['--label-enable'] }, enable('true')).updates).toBe(true)
    expect(look({ args: ['--monitor-only=false'], env: ['WATCHTOWER_MONITOR_ONLY=true'] }).updates).toBe(true)
    expect(look({ image: 'containrrr/watchtower' }).updates).toBe(true)
  })
})
