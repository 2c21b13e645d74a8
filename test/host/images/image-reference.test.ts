import { describe, expect, test } from 'vitest'
import {
  isOnLoopback,
  isPinned,
  parseChoice,
  parseImage,
  showImage,
  tagOfVersion,
  tagsNear,
  versionOfTag,
} from '../../../src/host/images/image-reference.ts'

const digest = `sha256:${'a1'.repeat(32)}`

describe('a reference', () => {
  test.each([
    ['pds', { repository: 'pds' }],
    ['pds:5000', { repository: 'pds', tag: '5000' }],
    ['ghcr.io/bluesky-social/pds:0.4', { repository: 'ghcr.io/bluesky-social/pds', tag: '0.4' }],
    ['127.0.0.1:5000/a/pds', { repository: '127.0.0.1:5000/a/pds' }],
    ['localhost:5000/pds:1', { repository: 'localhost:5000/pds', tag: '1' }],
    [`a/b@${digest}`, { repository: 'a/b', digest }],
    [`a.test:1/b:0.4@${digest}`, { repository: 'a.test:1/b', tag: '0.4', digest }],
  ])('%s is read and written alike', (text, parts) => {
    const image = parseImage(text)
    expect(image).toEqual({ tag: undefined, digest: undefined, ...parts })
    expect(image && showImage(image)).toBe(text)
  })

  test.each(['', 'a b', '-a', `${'$'}{IMAGE}`, 'a@sha256:12', 'a/b:', 'a/b\n'])('%j is none', (text) =>
    expect(parseImage(text)).toBeUndefined(),
  )

  test.each([
    ['a/b', false],
    ['a/b:0.4', false],
    ['a/b:latest', false],
    ['a/b:0.4.5035', true],
    [`a/b:0.4@${digest}`, true],
  ])('%s pinned: %s', (text, pinned) => {
    const image = parseImage(text)
    expect(image && isPinned(image)).toBe(pinned)
  })

  test('of the host itself is not asked for by TLS', () => {
    const loopback = [
      '127.0.0.1:5000/a',
      'localhost/a',
      '127.1.2.3/a',
      '127.0.0.1.example.com/a',
      'ghcr.io/a',
    ]
    expect(loopback.map((text) => isOnLoopback({ repository: text }))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ])
  })
})

describe('the tags of the publisher', () => {
  test.each([
    ['0.5.35', '0.4.5035'],
    ['0.5.6', '0.4.5006'],
    ['0.5.999', '0.4.5999'],
    ['0.4.107', '0.4.107'],
  ])('version %s is tag %s', (version, tag) => {
    expect(tagOfVersion(version)).toBe(tag)
    expect(versionOfTag(tag)).toBe(version)
  })

  test('tell nothing outside the two series', () => {
    expect(['0.4', 'latest', '0.4.6001', '0.4.50351', '1.2.3'].map(versionOfTag)).toEqual(Array(5).fill(null))
    expect(['0.5.1000', '0.6.1', '0.4.1000', '1.0.0'].map(tagOfVersion)).toEqual(Array(4).fill(undefined))
  })
})

describe('a choice', () => {
  test.each([
    ['0.5.35', { tags: ['0.4.5035', '0.5.35'], version: '0.5.35' }],
    ['v0.5.35', { tags: ['0.4.5035', 'v0.5.35', '0.5.35'], version: '0.5.35' }],
    ['0.4.5035', { tags: ['0.4.5035'] }],
    ['0.4', { tags: ['0.4'] }],
    ['latest', { tags: ['latest'] }],
    ['v0.6.1', { tags: ['v0.6.1', '0.6.1'] }],
    [digest, { digest }],
  ])('%s', (word, parts) =>
    expect(parseChoice(word)).toEqual({ word, tags: [], digest: undefined, version: undefined, ...parts }),
  )

  test('that is not there: what else may be', () => {
    const wanted = parseChoice('0.5.36')
    expect(tagsNear([...wanted.tags, '0.5.34'])).toEqual([
      '0.4.5035',
      '0.5.35',
      '0.4.5037',
      '0.5.37',
      '0.4.5033',
      '0.5.33',
      '0.4.5034',
      '0.4',
      'latest',
    ])
    expect(tagsNear(['nightly'])).toEqual(['0.4', 'latest'])
  })

  test.each([
    ['sha256:12', 'not a whole digest'],
    ['a b', 'not a version, a tag or a digest'],
    ['a/b:1', 'not a version, a tag or a digest'],
  ])('%s is refused', (word, why) => expect(() => parseChoice(word)).toThrow(why))
})
