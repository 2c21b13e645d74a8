import { describe, expect, test } from 'vitest'
import type { LocalImage } from '../../../src/host/images/image-facts.ts'
import { compare, parseRemote } from '../../../src/host/images/registry.ts'

const digest = (mark: string): string => `sha256:${mark.repeat(64)}`
const manifest = (mark: string, config: string, architecture = 'amd64') => ({
  Ref: 'a/pds:0.4',
  Descriptor: { digest: digest(mark), size: 1, platform: { architecture, os: 'linux' } },
  SchemaV2Manifest: { config: { digest: digest(config) } },
})
const remote = (...all: object[]) => parseRemote(JSON.stringify(all.length === 1 ? all[0] : all))
const local = (id: string, ...digests: string[]): LocalImage => ({
  id: digest(id),
  digests: digests.map((mark) => ({ repository: 'a/pds', digest: digest(mark) })),
  platform: 'linux/amd64',
})

describe('what runs and what the registry has', () => {
  test('are the same by the id of the image', () =>
    expect(compare(remote(manifest('1', 'c')), local('c'))).toEqual({ kind: 'same', digest: digest('1') }))

  test('are the same by the digest it was pulled as', () =>
    expect(compare(remote(manifest('1', 'c')), local('e', '1')).kind).toBe('same'))

  test('are compared for the platform of the host', () => {
    const both = remote(manifest('1', 'c', 'arm64'), manifest('2', 'd'))
    expect(compare(both, local('d')).kind).toBe('same')
    expect(compare(both, local('c'))).toEqual({ kind: 'newer', digest: digest('2') })
  })

  test('differ', () =>
    expect(compare(remote(manifest('1', 'c')), local('d', '2'))).toEqual({
      kind: 'newer',
      digest: digest('1'),
    }))

  test('cannot be compared where docker calls the image by its list', () => {
    const both = remote(manifest('1', 'c', 'arm64'), manifest('2', 'd'))
    expect(compare(both, local('9', '9')).kind).toBe('unknown')
  })

  test('cannot be compared where the registry has nothing for this platform', () => {
    const found = compare(remote(manifest('1', 'c', 'arm64')), local('d'))
    expect(found).toEqual({ kind: 'unknown', why: 'the registry has no image for linux/amd64' })
  })

  test('an answer that is none is unknown', () => {
    expect(parseRemote('nothing').kind).toBe('unknown')
    expect(parseRemote('{}').kind).toBe('unknown')
  })
})
