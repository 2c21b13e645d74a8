import { knownSetting } from '../known-settings.ts'
import { didKeyProblem } from './did-key.ts'

/** What is wrong with a value by itself, and what to do about it; shows nothing of the value. */
export type Problem = readonly [severity: 'error' | 'warning' | 'note', problem: string, remedy: string]

const unsetMeans: Readonly<Record<string, string>> = {
  PDS_INVITE_REQUIRED: 'invite codes are required',
  PDS_RATE_LIMITS_ENABLED: 'rate limits are OFF',
  PDS_ACCEPTING_REPO_IMPORTS: 'imports are accepted',
}

/** Looks at one value by what its setting is made of. An empty one counts as none. */
export function lintValue(key: string, value: string): readonly Problem[] {
  const kind = knownSetting(key)?.[0]
  if (kind === undefined || value === '') return []
  switch (kind) {
    case 'boolean':
      return lintBoolean(key, value)
    case 'integer':
      return /^\d{1,15}$/.test(value) ? lintPort(key, value) : [lintInteger(value)]
    case 'list':
      return lintList(key, value)
    case 'address':
      return lintAddress(key, value)
    case 'did':
      return /^did:(plc:[a-z2-7]{24}|web:[A-Za-z0-9._:%-]+)$/.test(value)
        ? []
        : [['error', 'it is no DID', 'write did:plc:… or did:web:…']]
    case 'did:key': {
      const problem = didKeyProblem(value)
      return problem ? [['error', ...problem]] : []
    }
    case 'hex key':
      return /^[0-9a-f]{64}$/i.test(value)
        ? []
        : [['error', 'it is not 64 hexadecimal digits', 'restore it from your offline copy']]
    case 'secret':
      return []
    case 'text':
      return lintText(key, value)
  }
}

function lintBoolean(key: string, value: string): readonly Problem[] {
  if (/^(true|false|1|0)$/.test(value)) return []
  if (key === 'LOG_ENABLED')
    return /^(true|t|1)$/i.test(value)
      ? []
      : [['warning', 'the PDS takes it for false', 'write true or false']]
  const means = unsetMeans[key] ?? 'its default holds'
  return [['error', `the PDS takes it for not set: ${means}`, 'write true or false, in small letters']]
}

const lintInteger = (value: string): Problem =>
  Number.isNaN(Number.parseInt(value, 10))
    ? ['error', 'it is no number: the PDS uses its default', 'write a whole number, digits only']
    : [
        'error',
        `the PDS reads it as ${Number.parseInt(value, 10)}, up to the first character that is no digit`,
        'write a whole number, digits only',
      ]

const lintPort = (key: string, value: string): readonly Problem[] =>
  key === 'PDS_PORT' && (Number(value) < 1 || Number(value) > 65_535)
    ? [['error', 'it is no port', 'write a number from 1 to 65535']]
    : []

function lintList(key: string, value: string): readonly Problem[] {
  const domains = key === 'PDS_SERVICE_HANDLE_DOMAINS'
  const parts = value.split(',')
  if (domains && parts.some((part) => !part.startsWith('.')))
    return [
      [
        'error',
        'each domain must begin with a dot, without a space before it; the PDS does not start',
        'write .example.com,.example.org',
      ],
    ]
  if (key === 'LOG_SYSTEMS') return []
  if (/\s/.test(value))
    return [['warning', 'a space becomes part of an element', 'separate with commas alone']]
  if (parts.includes('')) return [['warning', 'an element is empty', 'take the superfluous comma out']]
  const wrong = key === 'PDS_CRAWLERS' && parts.some((part) => !/^https?:\/\/./.test(part))
  return wrong ? [['error', 'an element is no address', 'write https://bsky.network']] : []
}

function lintAddress(key: string, value: string): readonly Problem[] {
  const mail = key.endsWith('_SMTP_URL')
  // What the README of the distribution gives for a sendmail of the host; nodemailer asks for no server then.
  if (mail && /^smtps?:\/\/\S*\?(\S+&)?sendmail=true(&|$)/.test(value)) return []
  const scheme = mail ? /^smtps?:\/\/[^\s/]/ : /^https?:\/\/[^\s/]/
  if (scheme.test(value) && URL.canParse(value)) return []
  const example = mail ? 'smtps://user:password@smtp.example.com:465' : 'https://example.com'
  return [['error', 'it is no address', `write it as ${example}, special characters percent-encoded`]]
}

function lintText(key: string, value: string): readonly Problem[] {
  if (key === 'PDS_HOSTNAME') return lintHostname(value)
  if (key.endsWith('_DISK_LOCATION') && /^[a-z][a-z0-9+.-]*:\/\//i.test(value))
    return [
      [
        'error',
        'it is an address, and the PDS makes a directory of that name inside its container',
        'for object storage set PDS_BLOBSTORE_S3_BUCKET in its place; for a directory write its path',
      ],
    ]
  return []
}

function lintHostname(value: string): readonly Problem[] {
  if (value === 'localhost')
    return [['warning', 'the PDS is its own world: plain HTTP, handles under .test', 'set its public name']]
  if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(value) && value.includes('.')) return []
  return [['error', 'it is not a bare host name', 'write pds.example.com, without https://, port or slash']]
}
