import { expect, test } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { Secret } from '../../src/base/secret.ts'
import { openStore } from '../../src/store/open-store.ts'
import { shown } from './shown.ts'

const open = (name: string) => openStore(name, { base: '/nowhere', hostName: 'kimbia' })

test.each([
  'vault',
  '',
  'file:',
  'command:',
  'op://',
  'age:age1abc',
  'age:age1abc:relative',
  'age::/x',
  'age:-o:/x',
])('“%s” is not a store', (name) => {
  try {
    open(name)
    expect.unreachable()
  } catch (error) {
    expect(error).toBeInstanceOf(Failure)
    expect(error).toMatchObject({
      outcome: 'usage',
      code: 'unknown-store',
      message: `“${name}” is not a store`,
    })
  }
})

test.each<[string, 'yes' | 'no']>([
  ['file:x', 'yes'],
  ['op://a/b/c', 'yes'],
  ['command:pass insert -m x', 'no'],
  ['age:age1abc:~/x', 'no'],
  ['stdout', 'no'],
])('%s keeps its name; read back: %s', (name, readable) => {
  expect(open(name)).toMatchObject({ name, readable })
})

test('stdout keeps nothing', async () => {
  const store = open('stdout')
  await store.check()
  await store.writePending(new Secret('x'))
  await store.markCurrent(new Secret('x'))
  await store.discard(new Secret('y'))
  expect(shown(await store.read())).toEqual([undefined, undefined])
})
