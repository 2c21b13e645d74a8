import { describe, expect, test } from 'vitest'
import { parseContainers } from '../../../src/host/docker/containers.ts'
import { loopbackPort, portOf } from '../../../src/host/docker/pds-port.ts'

interface Made {
  readonly id?: string
  readonly network?: string
  readonly ports?: Record<string, readonly { HostIp: string; HostPort: string }[] | null>
  readonly wanted?: Made['ports']
  readonly env?: readonly string[]
}

const container = ({ id = 'a', network = 'pds_default', ports = {}, wanted = {}, env = [] }: Made) => ({
  Id: id,
  Name: `/${id}`,
  State: { Status: 'running' },
  Config: { Env: env },
  HostConfig: { NetworkMode: network, PortBindings: wanted },
  NetworkSettings: { Ports: ports },
})

const of = (...made: Made[]) => parseContainers(JSON.stringify(made.map(container)))
const at = (address: string, port: string) => [{ HostIp: address, HostPort: port }]
const config = { dir: '/pds', port: undefined }

describe('the port of the loopback that leads to the PDS', () => {
  test.each<[string, Made[], number | string]>([
    ['of the network of the host', [{ network: 'host', env: ['PDS_PORT=3100'] }], 3100],
    ['of the network of the host, by default', [{ network: 'host' }], 3000],
    [
      'published elsewhere',
      [{ env: ['PDS_PORT=3100'], ports: { '3100/tcp': at('127.0.0.1', '3103') } }],
      3103,
    ],
    ['published on all addresses', [{ ports: { '3000/tcp': at('0.0.0.0', '80') } }], 80],
    ['that would be published if it ran', [{ wanted: { '3000/tcp': at('', '3001') } }], 3001],
    [
      'published on another address only',
      [{ ports: { '3000/tcp': at('10.0.0.2', '3000') } }],
      'not published',
    ],
    ['of another protocol', [{ ports: { '3000/udp': at('', '3000') } }], 'not published'],
    ['that is exposed and not published', [{ ports: { '3000/tcp': null } }], 'not published'],
    [
      'of the network of another container',
      [{ network: 'container:b' }, { id: 'b', ports: { '3000/tcp': at('', '3005') } }],
      3005,
    ],
    ['of the network of a container that is gone', [{ network: 'container:c' }], 'unknown'],
    ['that is no number', [{ network: 'host', env: ['PDS_PORT=x'] }], 'unknown'],
  ])('%s', (_, made, port) => {
    const [own, ...others] = of(...made)
    if (!own) throw new Error('no container')
    expect(loopbackPort(own, [own, ...others])).toBe(port)
  })

  test('is what the config and pds.env say where there is no container', () => {
    expect(portOf(undefined, [], config, 3000)).toBe(3000)
    expect(portOf(undefined, [], { ...config, port: 3005 }, 3000)).toBe(3005)
  })

  test('is never one of the config that the container has not', () => {
    const [own] = of({ ports: { '3000/tcp': at('127.0.0.1', '3103') } })
    expect(portOf(own, [], { ...config, port: 3103 }, 3000)).toBe(3103)
    expect(() => portOf(own, [], { ...config, port: 3100 }, 3000)).toThrow(/answers on 3103/)
  })

  test('that nobody publishes is one of the config alone', () => {
    const [own] = of({})
    expect(portOf(own, [], { ...config, port: 8080 }, 3000)).toBe(8080)
    expect(() => portOf(own, [], config, 3000)).toThrow(/publishes no port/)
  })
})
