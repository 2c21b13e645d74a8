import { expect, test } from 'vitest'
import { Failure } from '../../../src/base/failure.ts'
import { parseAccountRef } from '../../../src/pds/accounts/account-ref.ts'

const did = 'did:plc:z72i7hdynmk6r22z27h6tvur'
const alice = { kind: 'handle', handle: 'alice.kimbia.social' }

const good: [string, object][] = [
  ['alice.kimbia.social', alice],
  ['  Alice.Kimbia.Social\n', alice],
  ['@alice.kimbia.social', alice],
  ['\u2068@alice.kimbia.social\u2069', alice],
  ['\u200ealice.\u200bkimbia.social\ufeff', alice],
  ['at://alice.kimbia.social', alice],
  ['at://alice.kimbia.social/app.bsky.feed.post/3jui7kd54zh2y', alice],
  ['https://bsky.app/profile/alice.kimbia.social', alice],
  ['https://bsky.app/profile/alice.kimbia.social/', alice],
  ['https://bsky.app/profile/alice.kimbia.social/post/3jui7kd54zh2y?ref=x#y', alice],
  ['http://deer.social/profile/alice.kimbia.social', alice],
  ['bsky.app/profile/alice.kimbia.social', alice],
  ['xn--ls8h.test', { kind: 'handle', handle: 'xn--ls8h.test' }],
  ['alice', { kind: 'name', name: 'alice' }],
  ['@Alice', { kind: 'name', name: 'alice' }],
  ['4runner', { kind: 'name', name: '4runner' }],
  [did, { kind: 'did', did }],
  [`at://${did}`, { kind: 'did', did }],
  [`at://${did}/app.bsky.actor.profile/self`, { kind: 'did', did }],
  [`https://bsky.app/profile/${did}`, { kind: 'did', did }],
  [`https://bsky.app/profile/${encodeURIComponent(did)}/post/3jui7`, { kind: 'did', did }],
  ['did:web:kimbia.social', { kind: 'did', did: 'did:web:kimbia.social' }],
  ['Alice@Example.COM', { kind: 'email', email: 'alice@example.com' }],
  ['alice+runs@localhost', { kind: 'email', email: 'alice+runs@localhost' }],
]

test.each(good)('%j', (text, ref) => {
  expect(parseAccountRef(text)).toMatchObject(ref)
})

test('keeps what was written, without what cannot be seen', () => {
  expect(parseAccountRef(' \u2068@Alice.test\u2069').text).toBe('@Alice.test')
})

const bad = [
  '',
  ' ',
  '@',
  'alice bob',
  'alice..test',
  '-alice.test',
  'alice-.test',
  'alice.test-',
  'alice.1',
  'alice_b.test',
  `${'a'.repeat(64)}.test`,
  `${'a.'.repeat(130)}test`,
  'älice.test',
  'did:plc:short',
  'did:plc:Z72I7HDYNMK6R22Z27H6TVUR',
  'did:key:zQ3shZc2QzApp2oymGvQbzP8eKheVshBHbU4ZYjeXqwSKEn6N',
  'at://',
  'at://alice',
  'https://bsky.app/profile/',
  'https://bsky.app/profile/alice',
  'https://bsky.app/profile/%zz',
  'https://bsky.app/',
  '@alice@example.com',
  'a@b@c',
  '--yes',
  "alice'; rm -rf /",
  'handle.invalid',
]

test.each(bad)('%j is a usage failure', (text) => {
  const parse = () => parseAccountRef(text)
  expect(parse).toThrow(Failure)
  expect(parse).toThrow(
    expect.objectContaining({ outcome: 'usage', code: 'bad-account', hint: expect.any(String) }),
  )
})
