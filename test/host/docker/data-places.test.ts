import { describe, expect, test } from 'vitest'
import { parseContainers } from '../../../src/host/docker/containers.ts'
import { assertDataKept, dataMounts, unkept } from '../../../src/host/docker/data-places.ts'
import { lintData } from '../../../src/host/docker/lint-data.ts'
import { parseEnvFile } from '../../../src/host/env/parse.ts'

const bind = (source: string, target: string) => ({ Type: 'bind', Source: source, Destination: target })

function container(env: readonly string[], mounts: readonly object[] = [bind('/srv/pds', '/pds')]) {
  const [it] = parseContainers(
    JSON.stringify([
      {
        Id: 'a',
        Name: '/pds',
        State: { Status: 'running' },
        Config: { Env: env, WorkingDir: '/app' },
        Mounts: mounts,
      },
    ]),
  )
  if (!it) throw new Error('no container')
  return it
}

const usual = ['PDS_DATA_DIRECTORY=/pds', 'PDS_BLOBSTORE_DISK_LOCATION=/pds/blocks']
const insideOf = (...args: Parameters<typeof container>) =>
  unkept(container(...args)).map(({ inside }) => inside)

describe('data that would be lost with the container', () => {
  test.each<[string, readonly string[], readonly object[] | undefined, readonly string[]]>([
    ['none of the usual ones', usual, undefined, []],
    [
      'all of a misspelt name',
      ['PDS_DATADIR=/pds'],
      undefined,
      ['/app/account.sqlite', '/app/sequencer.sqlite', '/app/actors'],
    ],
    [
      'those of an empty one',
      ['PDS_DATA_DIRECTORY='],
      undefined,
      ['/app/account.sqlite', '/app/sequencer.sqlite', '/app/actors'],
    ],
    ['none where the process starts in what is mounted', [], [bind('/srv/pds', '/app')], []],
    [
      'those of a directory beside the mount',
      ['PDS_DATA_DIRECTORY=/pds2'],
      undefined,
      ['/pds2/account.sqlite', '/pds2/sequencer.sqlite', '/pds2/actors'],
    ],
    [
      'one database that lies elsewhere',
      [...usual, 'PDS_ACCOUNT_DB_LOCATION=/var/db/account.sqlite'],
      undefined,
      ['/var/db/account.sqlite'],
    ],
    ['blobs alone', ['PDS_DATA_DIRECTORY=/pds', 'PDS_BLOBSTORE_DISK_LOCATION=/blobs'], undefined, ['/blobs']],
    ['no blobs that lie on S3', ['PDS_DATA_DIRECTORY=/pds', 'PDS_BLOBSTORE_S3_BUCKET=b'], undefined, []],
    [
      'what lies in a tmpfs',
      usual,
      [{ Type: 'tmpfs', Source: '', Destination: '/pds' }],
      ['/pds/account.sqlite', '/pds/sequencer.sqlite', '/pds/actors', '/pds/blocks'],
    ],
    [
      'none of a volume',
      usual,
      [{ Type: 'volume', Source: '/var/lib/docker/volumes/x/_data', Destination: '/pds/' }],
      [],
    ],
  ])('%s', (_, env, mounts, wanted) => {
    expect(insideOf(env, mounts)).toEqual(wanted)
  })

  test('are refused as they are, and as a change would have them', () => {
    expect(() => assertDataKept(undefined)).not.toThrow()
    expect(() => assertDataKept(container(usual))).not.toThrow()
    expect(() => assertDataKept(container([]))).toThrow(/PDS_DATA_DIRECTORY is not set/)
    const move = new Map([['PDS_DATA_DIRECTORY', '/elsewhere']])
    expect(() => assertDataKept(container(usual), move)).toThrow(/PDS_DATA_DIRECTORY is \/elsewhere/)
    expect(() => assertDataKept(container(usual), new Map([['PDS_DATA_DIRECTORY', undefined]]))).toThrow(
      /begin without its accounts/,
    )
  })

  test('the deepest mount is where data lie', () => {
    const mounts = [
      bind('/', '/'),
      bind('/srv/pds', '/pds'),
      bind('/big/blocks', '/pds/blocks'),
      bind('/etc', '/etc'),
    ]
    expect(dataMounts(container(usual, mounts)).map(({ source }) => source)).toEqual([
      '/srv/pds',
      '/big/blocks',
    ])
  })

  test('are found in pds.env alone where there is no container to look at', () => {
    expect(lintData(parseEnvFile('PDS_DATADIR=/pds\n'), undefined)).toMatchObject([
      { key: 'PDS_DATA_DIRECTORY', severity: 'error', line: null },
    ])
    expect(lintData(parseEnvFile('PDS_DATA_DIRECTORY=/pds\n'), undefined)).toEqual([])
  })

  test('are found by the container where there is one, whatever pds.env says', () => {
    const env = parseEnvFile('A=b\nPDS_DATA_DIRECTORY=/pds2\n')
    expect(lintData(env, container(usual))).toEqual([])
    expect(lintData(env, container(['PDS_DATA_DIRECTORY=/pds2']))).toMatchObject([
      { key: 'PDS_DATA_DIRECTORY', line: 2 },
    ])
  })
})
