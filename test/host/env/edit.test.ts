import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { type EnvChanges, editEnv } from '../../../src/host/env/edit.ts'
import { parseEnvFile } from '../../../src/host/env/parse.ts'
import { spellValue } from '../../../src/host/env/quote.ts'
import { failureOf } from '../../support/failing.ts'
import { scratch } from '../../support/scratch.ts'

/** The Failure with which something is refused. */
const refusal = (make: () => string) => failureOf(Promise.resolve().then(make))

const edited = (text: string, changes: Readonly<Record<string, string | undefined>>): string =>
  editEnv(text, new Map(Object.entries(changes)) as EnvChanges).text

describe('a setting is changed where it stands', () => {
  test.each<[string, string, string]>([
    ['among others', 'X=1\nA=old\nY=2\n', 'X=1\nA=new\nY=2\n'],
    ['with comments and blank lines', '# head\n\nA=old\n# A=older\n', '# head\n\nA=new\n# A=older\n'],
    ['with a comment behind it', 'A=old # why\nB=1\n', 'A=new # why\nB=1\n'],
    ['at the end, without a line end', 'B=1\nA=old', 'B=1\nA=new'],
    ['with CRLF', 'A=old\r\nB=1\r\n', 'A=new\r\nB=1\r\n'],
    ['behind a byte order mark', '\uFEFFA=old\nB=1\n', '\uFEFFA=new\nB=1\n'],
    ['behind export', 'export A=old\n', 'export A=new\n'],
    ['in the form of YAML', 'A: old\nB=1\n', 'A: new\nB=1\n'],
    ['with spaces around the sign', '  A = old\nB=1\n', '  A=new\nB=1\n'],
    ['in double quotes', 'A="old" # why\nB=1\n', 'A=new # why\nB=1\n'],
    ['in quotes with an escaped one', 'A="o\\"ld"\nB=1\n', 'A=new\nB=1\n'],
    ['in single quotes over two lines', "A='one\ntwo'\nB=1\n", 'A=new\nB=1\n'],
    ['empty', 'A=\nB=1\n', 'A=new\nB=1\n'],
    ['empty, with blanks and CRLF', 'A=  \r\nB=1\r\n', 'A=new\r\nB=1\r\n'],
    ['twice', 'A=one\nB=1\nA=two\n', 'A=new\nB=1\n'],
    ['three times, once over two lines', 'A=one\nA="two\nthree"\nB=1\nexport A=four\n', 'A=new\nB=1\n'],
    ['nowhere yet', 'B=1\n', 'B=1\nA=new\n'],
    ['nowhere yet, without a last line end', 'B=1', 'B=1\nA=new\n'],
    ['nowhere yet, with CRLF', 'B=1\r\nC=2\r\n', 'B=1\r\nC=2\r\nA=new\r\n'],
    ['nowhere yet, but in a comment', '# A=x\nBA=1\n', '# A=x\nBA=1\nA=new\n'],
  ])('%s', (_, text, expected) => {
    expect(edited(text, { A: 'new' })).toBe(expected)
  })

  test.each<[string, string, string]>([
    ['once', 'X=1\nA=old # c\nY=2\n', 'X=1\nY=2\n'],
    ['twice', 'A=1\nX=1\nA=2', 'X=1\n'],
    ['over three lines', 'X=1\nA="1\n2\n3"\nY=2\n', 'X=1\nY=2\n'],
    ['never', 'X=1\n', 'X=1\n'],
  ])('or taken out: %s', (_, text, expected) => {
    expect(edited(text, { A: undefined })).toBe(expected)
  })

  test('a value that is right already stays as it is written', () => {
    const text = 'A="new" # c\nB: 2\n'
    expect(edited(text, { A: 'new', B: '2' })).toBe(text)
  })

  test('several at once, and which stood more than once', () => {
    const { text, collapsed } = editEnv(
      'A=1\nB=2\nA=3\nC=4\n',
      new Map([
        ['C', undefined],
        ['A', '5'],
        ['D', '6'],
      ]),
    )
    expect(text).toBe('A=5\nB=2\nD=6\n')
    expect(collapsed).toEqual([{ key: 'A', line: 1, gone: [3] }])
  })
})

describe('is refused', () => {
  test.each<[string, string, string, string]>([
    ['a line of two settings', "A='1' B=2\n", 'env-line-shared', 'line 1 of pds.env sets both A and B'],
    ['another made from it', 'A=1\nB=x$A\n', 'env-edit-unsafe', 'B would change as well'],
    ['a last line that is none', 'B=1\nrest', 'env-edit-unsafe', 'the last line, which is no setting,'],
  ])('%s', async (_, text, code, words) => {
    const failure = await refusal(() => edited(text, { A: 'new' }))
    expect(failure).toMatchObject({ outcome: 'failed', code })
    expect(failure.message).toContain(words)
  })

  test.each<[string, string, string]>([
    ['a b', 'a space', '--quote'],
    ['a$b', '“$”', '--quote'],
    ['a#b', '“#”', '--quote'],
    ['é', '“é”', '--quote'],
    ['~/x', '“~”', '--quote'],
    ['a\nB=2', 'a line end', '--quote'],
    ['a\u0000', 'a control character', '--quote'],
  ])('the value %j', async (value, named, hint) => {
    const failure = await refusal(() => spellValue('A', value, 'none'))
    expect(failure).toMatchObject({ outcome: 'usage', code: 'env-value' })
    expect(failure.message).toContain(named)
    expect(failure.hint).toContain(hint)
  })

  test.each(["it's", 'a\nb', 'a\\', 'a\rb'])('%j even in quotes', async (value) => {
    expect(await refusal(() => spellValue('A', value, 'single'))).toMatchObject({ code: 'env-value' })
  })

  test('a password in an address: it can be percent-encoded', async () => {
    const failure = await refusal(() => spellValue('PDS_EMAIL_SMTP_URL', 'smtp://a:b$é@c', 'none'))
    expect(failure.hint).toBe('write it percent-encoded: %24')
    const other = await refusal(() => spellValue('PDS_EMAIL_SMTP_URL', 'smtp://a:é@c', 'none'))
    expect(other.hint).toBe('write it percent-encoded: %C3%A9')
  })
})

test('whatever is written, only what was meant changes', () => {
  const pieces = ['A=1', 'A="x y" # c', "B='q'", 'export C=2', 'D: 3', '# A=0', '', 'E=$B-', 'F="1\n2"', 'A=']
  let seed = 7
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648
    return seed % below
  }
  for (let round = 0; round < 2000; round++) {
    const end = random(2) ? '\n' : '\r\n'
    const lines = Array.from({ length: random(8) }, () => pieces[random(pieces.length)] ?? '')
    const text = lines.join(end) + (random(2) ? end : '')
    const value = random(3) ? `v${round}` : undefined
    const before = parseEnvFile(text)
    const now = editEnv(text, new Map([['A', value]])).text
    const after = parseEnvFile(now)
    expect(after.get('A')).toBe(value)
    for (const key of 'BCDEF') expect(after.get(key)).toBe(before.get(key))
    expect(after.entries.filter(({ key }) => key === 'A')).toHaveLength(value === undefined ? 0 : 1)
  }
})

describe('what is written, bash reads as compose does', () => {
  test.each<[string, 'none' | 'single']>([
    ['smtps://user:pa%20ss@host:465/?a=b,c+d', 'none'],
    ['', 'none'],
    ['=x', 'none'],
    ['a~b', 'none'],
    ['a b;c&d(e)<f>|g*h?[i]{j,k}', 'single'],
    ['$HOME `id` $(id) "x" #y', 'single'],
    ['a\\nb', 'single'],
    ['!x é', 'single'],
  ])('%j', async (value, quoting) => {
    await using place = await scratch()
    const text = `A=${spellValue('A', value, quoting)}\n`
    await writeFile(place.file('pds.env'), text)
    const { stdout } = spawnSync('bash', ['-c', '. "$1"; printf %s "$A"', 'bash', place.file('pds.env')], {
      encoding: 'utf8',
    })
    expect(stdout).toBe(value)
    expect(parseEnvFile(text).get('A')).toBe(value)
  })
})
