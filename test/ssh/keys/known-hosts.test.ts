import { readFile, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import {
  fingerprint,
  keyType,
  knownTypes,
  lookup,
  parseKnownHosts,
} from '../../../src/ssh/keys/known-hosts.ts'
import { scratch } from '../../support/scratch.ts'
import { hashHosts, type MadeKey, makeKey } from '../../support/ssh-keys.ts'

interface Keys {
  readonly ed: MadeKey
  readonly other: MadeKey
  readonly ec: MadeKey
}

/** Real keys, made once for the file. */
const keys: Keys = await (async () => {
  await using place = await scratch()
  const [ed, other, ec] = await Promise.all([
    makeKey(place.file('ed')),
    makeKey(place.file('other')),
    makeKey(place.file('ec'), { type: 'ecdsa' }),
  ])
  return { ed, other, ec }
})()

const { ed, other, ec } = keys
const box = { host: 'box.example', port: 22 }
const boxAt = (port: number) => ({ host: 'box.example', port })
const verdict = (text: string, name: Parameters<typeof lookup>[1] = box, key: Buffer = ed.blob) =>
  lookup(parseKnownHosts(text, 'kh'), name, key)

test('the fingerprint and type are those of ssh-keygen', () => {
  expect([ed, ec].map(({ blob }) => fingerprint(blob))).toEqual([ed.fingerprint, ec.fingerprint])
  expect([ed, ec].map(({ blob }) => keyType(blob))).toEqual(['ssh-ed25519', 'ecdsa-sha2-nistp256'])
})

describe('a known key', () => {
  test.each([
    ['a plain name', `box.example ${ed.line}`],
    ['a comment behind', `box.example ${ed.line} root@box # really`],
    ['a list', `other.example,192.0.2.1,box.example ${ed.line}`],
    ['a glob', `*.example ${ed.line}`],
    ['a question mark', `bo?.example ${ed.line}`],
    ['upper case', `BOX.Example ${ed.line}`],
    ['tabs and leading space', `  box.example\t${ed.line.replace(' ', '\t')}`],
    ['CRLF', `# comment\r\nbox.example ${ed.line}\r\n`],
    ['the second of two', `box.example ${other.line}\nbox.example ${ed.line}`],
    ['[name]:22 is not needed', `a.example ${other.line}\nbox.example ${ed.line}`],
  ])('by %s', (_how, text) => {
    expect(verdict(text)).toMatchObject({ kind: 'known', entry: { file: 'kh' } })
  })

  test('hashed by ssh-keygen itself', async () => {
    await using place = await scratch()
    const file = place.file('kh')
    await writeFile(file, `box.example ${ed.line}\n[box.example]:2222 ${other.line}\n`)
    await hashHosts(file)
    const text = await readFile(file, 'utf8')
    expect(text).not.toContain('box.example')
    expect(verdict(text)).toMatchObject({ kind: 'known', entry: { line: 1 } })
    expect(verdict(text, boxAt(2222), other.blob)).toMatchObject({ kind: 'known', entry: { line: 2 } })
    expect(verdict(text, { host: 'elsewhere', port: 22 })).toMatchObject({ kind: 'unknown' })
  })

  test('on another port, by [name]:port', () => {
    const text = `[box.example]:2222 ${ed.line}`
    expect(verdict(text, boxAt(2222))).toMatchObject({ kind: 'known' })
    expect(verdict(text, boxAt(2223))).toMatchObject({ kind: 'unknown' })
    expect(verdict(text, box)).toMatchObject({ kind: 'unknown' })
  })

  test('by its alias, whatever the port and name', () => {
    const name = { host: '192.0.2.1', port: 2222, alias: 'box.example' }
    expect(verdict(`box.example ${ed.line}`, name)).toMatchObject({ kind: 'known' })
    expect(verdict(`[192.0.2.1]:2222 ${ed.line}`, name)).toMatchObject({ kind: 'unknown' })
  })
})

// These three were compared with OpenSSH 9.2 against a real sshd on such a port.
describe('the bare name for another port', () => {
  test('serves as a match', () => {
    expect(verdict(`box.example ${ed.line}`, boxAt(2222))).toMatchObject({ kind: 'known' })
  })

  test('but never makes a key changed', () => {
    expect(verdict(`box.example ${other.line}`, boxAt(2222))).toMatchObject({ kind: 'unknown' })
  })

  test('and does not outweigh the entry with the port', () => {
    const text = `[box.example]:2222 ${other.line}\nbox.example ${ed.line}`
    expect(verdict(text, boxAt(2222))).toMatchObject({ kind: 'changed', entry: { line: 1 } })
  })
})

describe('anything else is refused', () => {
  test('a changed key names its line', () => {
    expect(verdict(`# first\nbox.example ${other.line}\n`)).toMatchObject({
      kind: 'changed',
      entry: { file: 'kh', line: 2 },
    })
  })

  test('a key of another type is unknown, and says what is known', () => {
    expect(verdict(`box.example ${ec.line}`)).toMatchObject({
      kind: 'unknown',
      others: [{ type: 'ecdsa-sha2-nistp256' }],
    })
  })

  test('negation takes a name out of its line', () => {
    expect(verdict(`*.example,!box.example ${ed.line}`)).toMatchObject({ kind: 'unknown', others: [] })
    expect(verdict(`*.example,!other.example ${ed.line}`)).toMatchObject({ kind: 'known' })
  })

  test('a revoked key, even where another line knows it', () => {
    expect(verdict(`box.example ${ed.line}\n@revoked * ${ed.line}`)).toMatchObject({
      kind: 'revoked',
      entry: { line: 2 },
    })
    expect(verdict(`box.example ${ed.line}\n@revoked * ${other.line}`)).toMatchObject({ kind: 'known' })
  })

  test('a certificate authority is no host key, and is reported', () => {
    expect(verdict(`@cert-authority *.example ${ed.line}`)).toMatchObject({
      kind: 'unknown',
      others: [],
      authority: { line: 1 },
    })
  })

  test.each([
    ['an empty file', ''],
    ['a comment', `#box.example ${ed.line}`],
    ['an unknown marker', `@trusted box.example ${ed.line}`],
    ['a type that is not the key’s', `box.example ssh-rsa ${ed.line.split(' ')[1]}`],
    ['no key', 'box.example ssh-ed25519'],
    ['garbage', 'box.example ssh-ed25519 !!!'],
    ['an SSH 1 key', 'box.example 1024 35 1234567890'],
    ['a dot that is not any character', `boxxexample ${ed.line}`],
    ['a longer name', `box.example.org ${ed.line}`],
    ['an unknown hash', `|2|c2FsdA==|aGFzaA== ${ed.line}`],
  ])('%s', (_what, text) => {
    expect(verdict(text)).toEqual({ kind: 'unknown', others: [], authority: undefined })
  })
})

test('the known types are told, for the order in which they are asked for', () => {
  const entries = parseKnownHosts(
    `box.example ${ec.line}\nbox.example ${ed.line}\nbox.example ${other.line}\n@revoked * ${ed.line}\n`,
  )
  expect(knownTypes(entries, box)).toEqual(['ecdsa-sha2-nistp256', 'ssh-ed25519'])
  expect(knownTypes(entries, boxAt(2222))).toEqual(['ecdsa-sha2-nistp256', 'ssh-ed25519'])
  expect(knownTypes(entries, { host: 'elsewhere', port: 22 })).toEqual([])
})
