import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { quote } from '../../src/base/shell-words.ts'
import { act, ask } from '../../src/ssh/shell.ts'

const words = [
  '',
  ' ',
  'plain',
  'two words',
  ...Array.from(`|&;<>()$\`\\"' \t\n*?[]#~=%!{}^`),
  "it's",
  "''",
  "'; touch /nowhere; '",
  '$(id)',
  '`id`',
  '$HOME',
  '$\x7bHOME}',
  '\\n',
  '-n',
  '--',
  '=ls',
  '~root',
  'trailing\n',
  '\nleading',
  'a\r\nb',
  'žluťoučký kůň 🐎 日本語',
  '\u0001\u001b[31m',
  'x'.repeat(5000),
]

const shells = ['/bin/sh', '/bin/dash', '/bin/bash', '/bin/zsh', '/bin/ksh', '/bin/busybox'].filter(
  existsSync,
)

/** What a real shell takes each word to be, told apart by NULs. */
const readBack = (shell: string, line: string): string[] => {
  const args = shell.endsWith('busybox') ? ['sh', '-c', line] : ['-c', line]
  return execFileSync(shell, args, { encoding: 'utf8' }).split('\0').slice(0, -1)
}

describe.each(shells)('read back by %s', (shell) => {
  test.each(words)('%j is one word', (word) => {
    expect(readBack(shell, ask`printf '%s\\0' ${word}`.line)).toEqual([word])
  })

  test('an array spreads into its words', () => {
    expect(readBack(shell, ask`printf '%s\\0' ${words} ${7}`.line)).toEqual([...words, '7'])
  })

  test('an empty array is no word', () => {
    expect(readBack(shell, ask`printf '%s\\0' a ${[]} b`.line)).toEqual(['a', 'b'])
  })

  test('a line within a line is one word, however deep', () => {
    const inner = ask`printf '%s\\0' ${words}`
    const twice = ask`sh -c ${ask`sh -c ${inner}`}`
    expect(readBack(shell, twice.line)).toEqual(words)
  })
})

test('a line knows whether it only reads', () => {
  expect(ask`ls ${'/pds'}`).toEqual({ effect: 'ask', line: 'ls /pds' })
  expect(act`rm ${"it's"}`).toEqual({ effect: 'act', line: "rm 'it'\\''s'" })
})

test('a NUL, which no shell can hold, is refused', () => {
  expect(() => quote('a\0b')).toThrow(TypeError)
})
