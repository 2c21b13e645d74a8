import { knownSetting } from './known-settings.ts'

/** Stands in the place of a value that nobody should see. */
export const hidden = '‹secret›'

const secretName = /PASSWORD|PASSWD|PASSPHRASE|SECRET|KEY|TOKEN|PRIVATE|SALT|CREDENTIAL/i
const looksLikeKey = /^[0-9a-f]{64}$/i

/** Whether no part of a value may be shown: by its kind, else by its name, and where a private key stands in the wrong place. */
export function isSecret(key: string, value = ''): boolean {
  const known = knownSetting(key)
  if (known === undefined) return secretName.test(key) || looksLikeKey.test(value)
  switch (known[0]) {
    case 'secret':
    case 'hex key':
      return true
    case 'did:key':
      return value !== '' && !/^did:(key|plc|web):/.test(value)
    case 'boolean':
    case 'integer':
    case 'list':
    case 'address':
    case 'text':
    case 'did':
      return looksLikeKey.test(value)
  }
}

/** A value as anybody may see it: in one line, a secret as ‹secret›, and so a password within an address. */
export function masked(key: string, value: string): string {
  if (value === '') return ''
  if (isSecret(key, value)) return hidden
  return inOneLine(
    value
      .replace(/:\/\/([^:@/]*:)?.*@/s, (_, user = '') => `://${user}${hidden}@`)
      .replace(/([?&][^=&#]*(?:pass|secret|key|token)[^=&#]*=)[^&#]*/gi, `$1${hidden}`),
  )
}

/** Whether showing a value would give something away. */
export const holdsSecret = (key: string, value: string): boolean => masked(key, value) !== inOneLine(value)

const inOneLine = (value: string): string =>
  value.replace(/[\x00-\x1f\x7f]/g, (it) =>
    it === '\n' ? '\\n' : `\\x${it.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
