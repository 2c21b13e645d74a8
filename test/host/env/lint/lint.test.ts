import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { diffSettings } from '../../../../src/host/env/diff.ts'
import { knownSettings } from '../../../../src/host/env/known-settings.ts'
import { didKeyProblem } from '../../../../src/host/env/lint/did-key.ts'
import { lintEnv, newErrors } from '../../../../src/host/env/lint/lint.ts'
import { masked } from '../../../../src/host/env/mask.ts'

const hex = 'ab'.repeat(32)
const good = [
  'PDS_HOSTNAME=pds.example.com',
  'PDS_JWT_SECRET=0123456789abcdef',
  'PDS_ADMIN_PASSWORD=fedcba9876543210',
  `PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX=${hex}`,
  'PDS_DATA_DIRECTORY=/pds',
  'PDS_BLOBSTORE_DISK_LOCATION=/pds/blocks',
  'PDS_BLOB_UPLOAD_LIMIT=104857600',
  'PDS_DID_PLC_URL=https://plc.directory',
  'PDS_BSKY_APP_VIEW_URL=https://api.bsky.app',
  'PDS_BSKY_APP_VIEW_DID=did:web:api.bsky.app',
  'PDS_REPORT_SERVICE_URL=https://mod.bsky.app',
  'PDS_REPORT_SERVICE_DID=did:plc:ar7c4by46qjdydhdevvrndac',
  'PDS_CRAWLERS=https://bsky.network',
  'LOG_ENABLED=true',
]
const text = (...more: string[]): string => `${[...good, ...more].join('\n')}\n`
const without = (key: string): string => `${good.filter((line) => !line.startsWith(`${key}=`)).join('\n')}\n`

test('every setting of the installed PDS is known, and no other', () => {
  const pds = createRequire(import.meta.url).resolve('@atproto/pds')
  const source = readFileSync(join(pds, '../config/env.js'), 'utf8')
  const read = [...source.matchAll(/env(Str|Int|Bool|List)\('(\w+)'\)/g)].map(([, type, key]) => [key, type])
  expect(read.length).toBeGreaterThan(80)
  const pdsKeys = Object.keys(knownSettings).filter((key) => key.startsWith('PDS_'))
  expect(pdsKeys.toSorted()).toEqual(read.map(([key]) => key).toSorted())
  const types: Readonly<Record<string, string>> = { boolean: 'Bool', integer: 'Int', list: 'List' }
  for (const [key = '', type] of read)
    expect([key, types[knownSettings[key]?.[0] ?? ''] ?? 'Str']).toEqual([key, type])
})

test('a sendmail of the host, as the README of the distribution has it, is no finding', () => {
  const mail = 'PDS_EMAIL_SMTP_URL=smtp:///?sendmail=true\nPDS_EMAIL_FROM_ADDRESS=admin@kimbia.social'
  expect(lintEnv(text(mail)).filter(({ severity }) => severity === 'error')).toEqual([])
})

test('what the installer writes is without a finding', () => {
  expect(lintEnv(text())).toEqual([])
})

describe('finds', () => {
  test.each<[line: string, severity: string, ...words: string[]]>([
    ['PDS_INVITE_REQUIRED=no', 'error', 'not set: invite codes are required'],
    ['PDS_RATE_LIMITS_ENABLED=yes', 'error', 'rate limits are OFF'],
    ['PDS_DEV_MODE=True', 'error', 'its default holds'],
    ['LOG_ENABLED=yes', 'warning', 'takes it for false'],
    ['PDS_PORT=70000', 'error', 'no port'],
    ['PDS_MAX_REPO_IMPORT_SIZE=10MB', 'error', 'reads it as 10,'],
    ['PDS_MAX_REPO_IMPORT_SIZE=big', 'error', 'no number'],
    ['PDS_SERVICE_HANDLE_DOMAINS=.a.com,b.com', 'error', 'must begin with a dot'],
    ['PDS_SERVICE_HANDLE_DOMAINS=".a.com, .b.com"', 'error', 'without a space before it'],
    ['PDS_RATE_LIMIT_BYPASS_IPS="1.1.1.1, 2.2.2.2"', 'warning', 'a space becomes part'],
    ['PDS_CRAWLERS=bsky.network', 'error', 'no address'],
    ['PDS_HOME_URL=example.com', 'error', 'no address'],
    ['PDS_MOD_SERVICE_DID=mod.bsky.app', 'error', 'no DID'],
    ['PDS_HOSTNAME=https://pds.example.com', 'error', 'not a bare host name'],
    ['PDS_HOSTNAME=pds.example.com/', 'error', 'not a bare host name'],
    ['PDS_HOSTNAME=localhost', 'warning', 'its own world'],
    ['PDS_EMAIL_SMTP_URL=smtps://a:b@c.com', 'error', 'PDS_EMAIL_FROM_ADDRESS is not set beside it'],
    ['PDS_EMAIL_SMTP_URL=smtp:///?sendmail=false', 'error', 'no address'],
    ['PDS_BLOBSTORE_DISK_LOCATION=s3://bucket/blobs', 'error', 'makes a directory of that name'],
    ['PDS_EMAIL_FROM_ADDRESS=a@b.c', 'error', 'PDS_EMAIL_SMTP_URL is not set beside it'],
    ['PDS_BLOBSTORE_S3_BUCKET=b', 'error', 'is set as well: the PDS does not start'],
    ['PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX=abc', 'error', 'not 64 hexadecimal digits'],
    [`PDS_RECOVERY_DID_KEY=${hex}`, 'error', 'PRIVATE key'],
    ['PDS_RECOVERY_DID_KEY=did:plc:ar7c4by46qjdydhdevvrndac', 'error', 'not a key'],
    ['PDS_INVITE_REQIURED=true', 'warning', 'no such setting'],
    ['AWS_REGION=eu', 'note', 'does not know it'],
    ['PDS_SERVICE_NAME=a b', 'error', 'runs what follows the space as a command'],
    ['PDS_SERVICE_NAME=a;b', 'error', 'as a command'],
    ['PDS_SERVICE_NAME=$(id)', 'error', 'as a command'],
    ['PDS_SERVICE_NAME="a`id`"', 'error', 'as a command'],
    ['PDS_SERVICE_NAME=~/x', 'error', 'home directory'],
    ['PDS_SERVICE_NAME=a\\b', 'warning', 'bash (pdsadmin) reads ab'],
    ['PDS_SERVICE_NAME=x # c', 'note', 'goat reads x # c'],
    ['PDS_SERVICE_NAME="x"', 'note', 'goat reads "x"'],
    ['export PDS_SERVICE_NAME=x', 'note', 'begins with “export”'],
    ['PDS_SERVICE_NAME: x', 'error', 'for a command'],
    ['PDS_SERVICE_NAME =x', 'error', 'for a command'],
    ['PDS_SERVICE_NAME=x  ', 'note', 'spaces stand behind'],
    ['PDS_SERVICE_NAME', 'error', 'a name without a value'],
  ])('%s: %s', (line, severity, words) => {
    const key = /[A-Z_0-9]*(PDS|LOG|AWS)_[A-Z_0-9]*/.exec(line)?.[0] ?? ''
    const base = good.filter((it) => !it.startsWith(`${key}=`))
    const findings = lintEnv(`${[...base, line].join('\n')}\n`)
    const found = findings.filter((it) => it.problem.includes(words))
    expect(found, JSON.stringify(findings)).toHaveLength(1)
    const about = words.includes('is set as well') ? 6 : base.length + 1
    expect(found[0]).toMatchObject({ severity, line: about })
    expect(found[0]?.remedy).not.toBe('')
  })

  test.each([
    ['PDS_JWT_SECRET', 'it is not set: the PDS does not start'],
    ['PDS_ADMIN_PASSWORD', 'it is not set: the PDS does not start'],
    ['PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX', 'is set: the PDS does not start'],
    ['PDS_BLOBSTORE_DISK_LOCATION', 'is set: the PDS does not start'],
    ['PDS_HOSTNAME', 'takes itself for localhost'],
  ])('that %s is missing', (key, words) => {
    expect(lintEnv(without(key))).toMatchObject([
      { key, line: null, problem: expect.stringContaining(words) },
    ])
  })

  test('a setting that stands twice, once', () => {
    const findings = lintEnv(text('LOG_ENABLED=false'))
    expect(findings).toMatchObject([{ key: 'LOG_ENABLED', severity: 'warning', line: 14 }])
    expect(findings[0]?.problem).toContain('lines 14, 15')
  })

  test('lines that end with CR LF, once', () => {
    expect(lintEnv(text().replaceAll('\n', '\r\n'))).toMatchObject([
      { line: 1, severity: 'warning', problem: expect.stringContaining('CR LF') },
    ])
  })

  test('what was meant by an unknown name', () => {
    expect(lintEnv(text('PDS_INVITE_REQIURED=true'))[0]?.remedy).toBe('did you mean PDS_INVITE_REQUIRED?')
  })

  test('never a secret', () => {
    const said = JSON.stringify(
      lintEnv(
        text(
          'PDS_ADMIN_PASSWORD="hush hush" # c',
          'PDS_EMAIL_SMTP_URL="smtp://u:hush@h"',
          `PDS_RECOVERY_DID_KEY=${hex}`,
        ),
      ),
    )
    expect(said).toContain('‹secret›')
    expect(said).not.toMatch(/hush|abab/)
  })

  test('only what an edit makes wrong', () => {
    const was = text('PDS_DEV_MODE=no')
    expect(newErrors(was, `${was}PDS_PORT=x\n`)).toMatchObject([{ key: 'PDS_PORT' }])
    expect(newErrors(was, `# c\n${was}`)).toEqual([])
  })
})

describe('a did:key', () => {
  test.each([
    'did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme',
    'did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv',
  ])('%s is good', (key) => {
    expect(didKeyProblem(key)).toBeUndefined()
  })

  test.each([
    ['did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK', 'curve'],
    ['did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBm', 'did:key'],
    ['did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYB0O', 'not base58'],
    ['zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme', 'no did:key'],
    [`0x${hex}`, 'PRIVATE'],
  ])('%s is not: %s', (key, words) => {
    expect(didKeyProblem(key)?.[0]).toContain(words)
  })
})

describe('masked', () => {
  test.each([
    ['PDS_ADMIN_PASSWORD', 'x', '‹secret›'],
    ['PDS_ADMIN_PASSWORD', '', ''],
    ['PDS_EMAIL_SMTP_URL', 'smtps://me:p:a@ss@host:465/?x=1', 'smtps://me:‹secret›@host:465/?x=1'],
    ['PDS_EMAIL_SMTP_URL', 'smtps://token@host', 'smtps://‹secret›@host'],
    ['PDS_HOME_URL', 'https://a.b/?api_key=x&y=1', 'https://a.b/?api_key=‹secret›&y=1'],
    ['PDS_RECOVERY_DID_KEY', 'did:key:z1', 'did:key:z1'],
    ['PDS_RECOVERY_DID_KEY', hex, '‹secret›'],
    ['PDS_HCAPTCHA_SITE_KEY', 'x', 'x'],
    ['RESTIC_PASSWORD', 'x', '‹secret›'],
    ['SOMETHING', hex, '‹secret›'],
    ['SOMETHING', 'a\nb\u001b', 'a\\nb\\x1b'],
  ])('%s=%s', (key, value, expected) => {
    expect(masked(key, value)).toBe(expected)
  })
})

describe('a difference', () => {
  test.each<[string, string, string, string[]]>([
    ['nothing', 'A=1\n', 'A=1\n', []],
    ['a value', 'A=1\nB=1', 'A=2\nB=1', ['- A=1', '+ A=2']],
    ['added and removed', 'A=1\n', 'B=2\n', ['- A=1', '+ B=2']],
    ['a secret', 'X_TOKEN=1\n', 'X_TOKEN=2\n', ['+ X_TOKEN=‹secret, changed›']],
    [
      'a password in an address',
      'U=smtp://a:1@h\n',
      'U=smtp://a:2@h\n',
      ['+ U=smtp://a:‹secret, changed›@h'],
    ],
    ['a new secret', 'X_TOKEN=\n', 'X_TOKEN=2\n', ['- X_TOKEN=', '+ X_TOKEN=‹secret, new›']],
    ['a secret taken out', 'X_TOKEN=2\n', '', ['- X_TOKEN=‹secret, old›']],
    [
      'an address and its password',
      'U=smtp://a:1@h\n',
      'U=smtp://a:2@i\n',
      ['- U=smtp://a:‹secret, old›@h', '+ U=smtp://a:‹secret, new›@i'],
    ],
    [
      'comments',
      'A=1\n',
      '# c\nA=1\n',
      ['only comments, order or spelling differ; every setting keeps its value'],
    ],
    [
      'the last of two',
      'A=1\nA=2\n',
      'A=2\n',
      ['only lines that counted for nothing differ; every setting keeps its value'],
    ],
    [
      'no longer settings',
      'A=1\n',
      'A="1\n',
      ['it can no longer be read as settings: pds.env:1: the quote " is never closed'],
    ],
  ])('%s', (_, was, now, lines) => {
    expect(diffSettings(was, now)).toEqual(lines)
  })
})
