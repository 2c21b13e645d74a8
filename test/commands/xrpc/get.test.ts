import { expect, test } from 'vitest'
import { scriptedPds } from '../../support/scripted-pds.ts'
import { errorOf, nothing, rowsOf, scriptedWorld } from '../../support/world.ts'
import { xrpcError } from '../../support/xrpc-error.ts'

const answer = (text: string, contentType = 'application/json; charset=utf-8') => ({
  status: 200,
  contentType,
  body: Buffer.from(text),
})

test('the answer is the result, as it is', async () => {
  const pds = scriptedPds({ raw: { 'com.example.any': answer('{"b":[1,null],"a":"é"}') } })
  const ran = await scriptedWorld({ pds }).run('xrpc', 'get', 'com.example.any')
  expect(ran).toMatchObject({ code: 0, stderr: '', ...nothing })
  expect(ran.stdout).toBe('{"b":[1,null],"a":"é"}\n')
})

test.each([
  [[], 'admin', {}],
  [['--anonymous'], 'nobody', {}],
  [['limit=5', 'sort=usage'], 'admin', { limit: '5', sort: 'usage' }],
  [['dids=a', 'dids=b', 'x=1=2', 'empty='], 'admin', { dids: ['a', 'b'], x: '1=2', empty: '' }],
])('%j asks as %s with these parameters', async (words, as, params) => {
  const pds = scriptedPds()
  const asked: unknown[] = []
  pds.get = async (nsid, given, options) => {
    asked.push([nsid, given, options?.as])
    return answer('{}')
  }
  const ran = await scriptedWorld({ pds }).run('xrpc', 'get', 'com.example.any', ...words)
  expect(ran).toMatchObject({ code: 0, stdout: '{}\n' })
  expect(asked).toEqual([['com.example.any', params, as]])
})

test('a known query', async () => {
  const ran = await scriptedWorld().run('xrpc', 'get', 'com.atproto.server.describeServer', '--json')
  expect(rowsOf(ran)).toEqual([
    { did: 'did:web:scripted.test', availableUserDomains: ['.test'], inviteCodeRequired: true },
  ])
})

test.each([
  ['com.example.any', ['novalue'], 'is not a parameter'],
  ['com.example.any', ['=x'], 'is not a parameter'],
  ['nonsense', [], 'is not the name of a method'],
  ['../etc/passwd', [], 'is not the name of a method'],
])('%s %j is a usage error', async (nsid, words, message) => {
  const ran = await scriptedWorld().run('xrpc', 'get', nsid, ...words)
  expect(ran).toMatchObject({ code: 2, stdout: '', happened: [], ...nothing })
  expect(ran.stderr).toContain(message)
})

test.each([
  ['is not JSON', answer('BLOB', 'application/octet-stream'), 1, 'not-json'],
  ['has no type', answer('', ''), 1, 'not-json'],
  ['is cut JSON', answer('{"codes":['), 5, 'pds-garbage'],
  ['is a page that says it is JSON', answer('<html>'), 5, 'pds-garbage'],
  ['is a refusal', xrpcError('InvalidRequest', 'no such thing'), 1, 'invalid-request'],
  ['is a broken PDS', xrpcError('InternalServerError', 'oh', 500), 5, 'pds-error'],
])('an answer that %s', async (_, given, code, word) => {
  const pds = scriptedPds({ raw: { 'com.example.any': given } })
  const ran = await scriptedWorld({ pds }).run('xrpc', 'get', 'com.example.any', '--json')
  expect(ran).toMatchObject({ code, stdout: '', ...nothing })
  expect(errorOf(ran)).toMatchObject({ code: word })
})

test('what is not JSON is said to be no query for this', async () => {
  const pds = scriptedPds({ raw: { 'com.atproto.sync.getBlob': answer('BLOB', 'image/png') } })
  const ran = await scriptedWorld({ pds }).run('xrpc', 'get', 'com.atproto.sync.getBlob', '--json')
  expect(errorOf(ran)).toEqual({
    code: 'not-json',
    message: 'com.atproto.sync.getBlob answered 4 bytes of image/png, which is not JSON',
    hint: 'xrpc get is for queries that answer JSON: not for repos, blobs and images',
  })
})
